"""The tables of accounts, in the database of the readings and created by its migrations.

Passwords, session ids, tokens and setup links are stored as hashes only.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Integer, MetaData, String, Table

metadata: MetaData = MetaData()

users: Table = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("password", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created", Double, nullable=False),
)
"""``key`` is the name as it is compared: in one spelling, without capitals."""

sessions: Table = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column(
        "user_id",
        Integer,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

api_tokens: Table = Table(
    "api_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=True),
    Column(
        "user_id",
        Integer,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
)
"""``user_id`` is who made it; a token does not outlive its maker's account."""

setup: Table = Table(
    "setup",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires", Double, nullable=False),
)

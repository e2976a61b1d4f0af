"""Readings, their sums, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the first tables."""
    op.create_table(
        "readings",
        sa.Column("second", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("track", sa.String(64), primary_key=True),
        sa.Column("positive", sa.SmallInteger, nullable=False),
        sa.Column("neutral", sa.SmallInteger, nullable=False),
        sa.Column("negative", sa.SmallInteger, nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("seen", sa.SmallInteger, nullable=False),
        sa.Column("speaking", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sums",
        sa.Column("step", sa.String(8), primary_key=True),
        sa.Column("begin", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("end", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (
                "people",
                "arrived",
                "seen",
                "speaking",
                "positive",
                "neutral",
                "negative",
                "watched",
            )
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "presences",
        sa.Column("step", sa.String(8), primary_key=True),
        sa.Column("begin", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("track", sa.String(64), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_presences_track", "presences", ["track"])
    op.create_table(
        "watches",
        sa.Column("begin", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("seconds", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("sentiment", sa.String(16), nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("bound", sa.Double, nullable=False),
        sa.Column("minutes", sa.Double, nullable=False),
        sa.UniqueConstraint("rule", "camera", "zone", "time", "active", name="uq_alerts"),
    )
    op.create_index("ix_alerts_time", "alerts", ["time"])
    op.create_table(
        "pulse",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Double, nullable=False),
    )

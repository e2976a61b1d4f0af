"""Alerts of shops get the id under which people are told of them; addresses for digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the columns and the table."""
    op.add_column(
        "fleet_alerts", sa.Column("incident", sa.String(32), nullable=False, server_default="")
    )
    op.add_column(
        "fleet_alerts", sa.Column("notified", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_index("ix_fleet_alerts_incident", "fleet_alerts", ["incident"])
    op.create_table(
        "fleet_held_alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(120), nullable=False),
        sa.Column("incident", sa.String(32), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "fleet_digest_addresses",
        sa.Column(
            "user_id",
            sa.Integer,
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("address", sa.String(254), nullable=False),
    )

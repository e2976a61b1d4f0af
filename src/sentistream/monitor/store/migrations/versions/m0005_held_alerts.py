"""What quiet hours hold back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Makes its table."""
    op.create_table(
        "held_alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("alert", sa.String(4000), nullable=False),
    )

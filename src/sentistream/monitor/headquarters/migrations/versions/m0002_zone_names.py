"""What sites call their zones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes their table."""
    op.create_table(
        "fleet_zones",
        sa.Column(
            "site_id",
            sa.Integer,
            sa.ForeignKey("fleet_sites.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sqlite_with_rowid=False,
    )

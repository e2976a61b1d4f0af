"""Annotations: what happened when, in a manager's words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes their table."""
    op.create_table(
        "annotations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("text", sa.String(120), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
    )
    op.create_index("ix_annotations_time", "annotations", ["time"])

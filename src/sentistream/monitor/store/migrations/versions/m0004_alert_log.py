"""What alerts are about, who acknowledged them, and what became of the messages about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds columns to the alerts, and the tables of acknowledgements and deliveries."""
    op.add_column(
        "alerts", sa.Column("kind", sa.String(16), nullable=False, server_default="sentiment")
    )
    op.add_column("alerts", sa.Column("incident", sa.String(32), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("reason", sa.String(1000), nullable=False, server_default=""))
    _join_starts_with_ends()
    op.create_index("ix_alerts_incident", "alerts", ["incident"])
    op.create_table(
        "acknowledgements",
        sa.Column("incident", sa.String(32), primary_key=True),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(120), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.UniqueConstraint("incident", "channel", "event", "time", "state", name="uq_deliveries"),
    )
    op.create_index("ix_deliveries_time", "deliveries", ["time"])


def _join_starts_with_ends() -> None:
    """Gives each earlier alert's start, and the end that followed it, an id in common."""
    connection = op.get_bind()
    alerts = sa.table(
        "alerts",
        *(sa.column(name) for name in ("id", "rule", "camera", "zone", "active", "incident")),
        sa.column("time"),
    )
    chosen = sa.select(alerts).order_by(alerts.c.time, alerts.c.id)
    open_now: dict[tuple[str, str, str], str] = {}
    for row in connection.execute(chosen).all():
        about = (row.rule, row.camera, row.zone)
        if row.active:
            incident = open_now[about] = f"before-{row.id}"
        else:
            incident = open_now.pop(about, "")
        connection.execute(sa.update(alerts).where(alerts.c.id == row.id).values(incident=incident))

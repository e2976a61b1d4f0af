"""Sites, their cameras, sums and alerts, and who may see which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables of headquarters."""
    op.create_table(
        "fleet_identity",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seed", sa.String(64), nullable=False),
    )
    op.create_table(
        "fleet_sites",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("chosen_time_zone", sa.String(64), nullable=False),
        sa.Column("program", sa.String(40), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("joined", sa.Double, nullable=True),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("key_made", sa.Double, nullable=True),
        sa.Column("renew_key", sa.Boolean, nullable=False),
        sa.Column("retired_keys", sa.Text, nullable=False),
        sa.Column("code_key", sa.String(64), nullable=False),
        sa.Column("code_expires", sa.Double, nullable=False),
        sa.Column("code_used_by", sa.String(64), nullable=False),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.Double, nullable=True),
        sa.Column("newest_minute", sa.BigInteger, nullable=True),
        sa.Column("clock_offset", sa.Double, nullable=True),
        sa.Column("waiting", sa.BigInteger, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("discarded", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key", name="uq_fleet_sites"),
    )
    op.create_table(
        "fleet_cameras",
        _site(primary_key=True),
        sa.Column("camera", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("restarts", sa.Integer, nullable=False),
        sa.Column("moments_per_second", sa.Double, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
    )
    op.create_table(
        "fleet_series",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _site(),
        sa.Column("camera", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.UniqueConstraint("site_id", "camera", "zone", name="uq_fleet_series"),
    )
    op.create_table(
        "fleet_sums",
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.SmallInteger, nullable=False),
        sa.Column("watched", sa.SmallInteger, nullable=False),
        sa.Column("appearances", sa.Integer, nullable=False),
        sa.Column("arrived", sa.Integer, nullable=False),
        sa.Column("seen", sa.Integer, nullable=True),
        sa.Column("speaking", sa.Integer, nullable=True),
        sa.Column("positive", sa.SmallInteger, nullable=True),
        sa.Column("neutral", sa.SmallInteger, nullable=True),
        sa.Column("negative", sa.SmallInteger, nullable=True),
        postgresql_partition_by="RANGE (minute)",
        sqlite_with_rowid=False,
    )
    for name, column in (("fleet_hours", "hour"), ("fleet_days", "day")):
        op.create_table(
            name,
            sa.Column("site_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column(column, sa.Integer, primary_key=True, autoincrement=False),
            *(
                sa.Column(total, sa.BigInteger, nullable=False)
                for total in (
                    *("arrived", "covered", "watched", "seen", "speaking"),
                    *("positive", "neutral", "negative"),
                )
            ),
            sqlite_with_rowid=False,
        )
        op.create_index(f"ix_{name}_{column}", name, [column])
    op.create_table(
        "fleet_alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _site(),
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
        sa.UniqueConstraint(
            *("site_id", "rule", "camera", "zone", "time", "active"), name="uq_fleet_alerts"
        ),
    )
    op.create_index("ix_fleet_alerts_time", "fleet_alerts", ["time"])
    op.create_table(
        "fleet_access",
        sa.Column(
            "user_id",
            sa.Integer,
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("site_key", sa.String(40), primary_key=True),
    )


def _site(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "site_id",
        sa.Integer,
        sa.ForeignKey("fleet_sites.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        autoincrement=False,
    )

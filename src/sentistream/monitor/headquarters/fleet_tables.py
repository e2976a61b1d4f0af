"""The tables of headquarters, as of its newest migration.

Sums have the units of ``fleet.records.SUM_COLUMNS``. ``minute`` counts from 1970; ``minutes`` is 1
for a minute, 60 for the withheld minutes of an hour together. In totals by hour and day the three
shares are ten-thousandths times milliseconds, which add up; ``covered`` counts the appearances
that ``seen`` and the shares are about, ``arrived`` all of them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    false,
)

METADATA = MetaData()

IDENTITY = Table(
    "fleet_identity",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seed", String(64), nullable=False),
)
"""One row: the key with which headquarters signs its answers."""

SITES = Table(
    "fleet_sites",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("name", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("chosen_time_zone", String(64), nullable=False),
    Column("program", String(40), nullable=False),
    Column("created", Double, nullable=False),
    Column("joined", Double),
    Column("public_key", String(64), nullable=False),
    Column("key_made", Double),
    Column("renew_key", Boolean, nullable=False),
    Column("retired_keys", Text, nullable=False),
    Column("code_key", String(64), nullable=False),
    Column("code_expires", Double, nullable=False),
    Column("code_used_by", String(64), nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("last_seen", Double),
    Column("newest_minute", BigInteger),
    Column("clock_offset", Double),
    Column("waiting", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("discarded", BigInteger, nullable=False),
)

CAMERAS = Table(
    "fleet_cameras",
    METADATA,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    Column("camera", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("since", Double, nullable=False),
    Column("reason", String(300), nullable=False),
    Column("restarts", Integer, nullable=False),
    Column("moments_per_second", Double, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
    Column("updated", Double, nullable=False),
)

ZONES = Table(
    "fleet_zones",
    METADATA,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    Column("camera", String(64), primary_key=True),
    Column("zone", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
)
"""Sites' zone names; zones named by their key are missing."""

SERIES = Table(
    "fleet_series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, nullable=False),
    Column("camera", String(64), nullable=False),
    Column("zone", String(64), nullable=False),
)

SUMS = Table(
    "fleet_sums",
    METADATA,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("minutes", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", SmallInteger, nullable=False),
    Column("watched", SmallInteger, nullable=False),
    Column("appearances", Integer, nullable=False),
    Column("arrived", Integer, nullable=False),
    Column("seen", Integer),
    Column("speaking", Integer),
    Column("positive", SmallInteger),
    Column("neutral", SmallInteger),
    Column("negative", SmallInteger),
)

TOTALS = (
    *("arrived", "covered", "watched", "seen", "speaking"),
    *("positive", "neutral", "negative"),
)
"""The columns of totals that add up."""

HOURS = Table(
    "fleet_hours",
    METADATA,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in TOTALS),
)
"""A site's whole pictures over an hour, counted from 1970 (UTC)."""

DAYS = Table(
    "fleet_days",
    METADATA,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in TOTALS),
)
"""The same over a day of the site's own time zone; the day's proleptic Gregorian ordinal."""

ALERTS = Table(
    "fleet_alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("camera", String(64), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("time", Double, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("sentiment", String(16), nullable=False),
    Column("share", Double, nullable=False),
    Column("bound", Double, nullable=False),
    Column("minutes", Double, nullable=False),
    Column("incident", String(32), nullable=False, server_default=""),
    Column("notified", Boolean, nullable=False, server_default=false()),
)
"""Starts and ends. ``incident`` is shared by the two and empty until they were processed;
``notified`` says whether people were notified of a start."""

ACCESS = Table(
    "fleet_access",
    METADATA,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("site_key", String(40), primary_key=True),
)
"""Which sites a viewer may see; ``*`` for all."""

HELD = Table(
    "fleet_held_alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", String(120), nullable=False),
    Column("incident", String(32), nullable=False),
    Column("active", Boolean, nullable=False),
)
"""Starts and ends of alerts that wait for the end of a channel's quiet hours."""

DIGEST_ADDRESSES = Table(
    "fleet_digest_addresses",
    METADATA,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("address", String(254), nullable=False),
)
"""Where a viewer gets the digest of the shops that they may see."""

"""The tables of readings, as of the newest migration.

Shares and durations are integers (ten-thousandths and milliseconds), so that incremental sums are
exact and a reading takes few bytes. Keys begin with the time: new rows are appended, old ones are
deleted from the front.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

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
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)

KEY = 64
"""Maximum length of a camera's, zone's or rule's key and of a track's name, characters."""

INCIDENT = 32
"""Maximum length of an alert's id, characters."""

REASON = 1000
"""Maximum length of a reason with its template and values, characters."""

SHARES = 10_000
"""The integer that stands for a share of 1."""

MILLISECONDS = 1_000
"""Milliseconds per second: durations are stored in ms."""

OUTSIDE = "-"
"""Faces in no zone, in ``sums`` and ``presences``; no zone can have this key. Never released; kept
so that a small group outside all zones cannot be recovered by subtraction."""

READINGS = Table(
    "readings",
    METADATA,
    Column("second", BigInteger, primary_key=True, autoincrement=False),
    Column("camera", String(KEY), primary_key=True),
    Column("zone", String(KEY), primary_key=True),
    Column("track", String(KEY), primary_key=True),
    Column("positive", SmallInteger, nullable=False),
    Column("neutral", SmallInteger, nullable=False),
    Column("negative", SmallInteger, nullable=False),
    Column("label", String(16), nullable=False),
    Column("seen", SmallInteger, nullable=False),
    Column("speaking", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""One face in one second; shares in ten-thousandths, ``seen`` and ``speaking`` in ms."""

SUMS = Table(
    "sums",
    METADATA,
    Column("step", String(8), primary_key=True),
    Column("begin", BigInteger, primary_key=True, autoincrement=False),
    Column("camera", String(KEY), primary_key=True),
    Column("zone", String(KEY), primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("people", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("speaking", BigInteger, nullable=False),
    Column("positive", BigInteger, nullable=False),
    Column("neutral", BigInteger, nullable=False),
    Column("negative", BigInteger, nullable=False),
    Column("watched", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""One camera and zone over one minute, hour or day.

``people`` counts appearances (tracks); ``arrived`` counts those that appeared in no earlier bucket
of this step, so that each is counted once over several buckets. ``positive`` and so on are shares
times milliseconds. ``watched`` (s) is only set in the whole picture's row.
"""


@dataclass(slots=True)
class Summed:
    """The columns of ``sums`` that add up over buckets, in that table's units."""

    seen: int = 0
    speaking: int = 0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    watched: int = 0


SUMMED = tuple(field.name for field in fields(Summed))
"""The names of those columns."""

PRESENCES = Table(
    "presences",
    METADATA,
    Column("step", String(8), primary_key=True),
    Column("begin", BigInteger, primary_key=True, autoincrement=False),
    Column("camera", String(KEY), primary_key=True),
    Column("zone", String(KEY), primary_key=True),
    Column("track", String(KEY), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Tracks already counted in recent buckets; pruned before the readings are."""

WATCHES = Table(
    "watches",
    METADATA,
    Column("begin", BigInteger, primary_key=True, autoincrement=False),
    Column("camera", String(KEY), primary_key=True),
    Column("seconds", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The seconds of a minute a camera watched, as bits; bit 0 is the first."""

ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule", String(KEY), nullable=False),
    Column("name", String(120), nullable=False),
    Column("camera", String(KEY), nullable=False),
    Column("zone", String(KEY), nullable=False),
    Column("time", Double, nullable=False, index=True),
    Column("active", Boolean, nullable=False),
    Column("sentiment", String(16), nullable=False),
    Column("share", Double, nullable=False),
    Column("bound", Double, nullable=False),
    Column("minutes", Double, nullable=False),
    Column("kind", String(16), nullable=False, server_default="sentiment"),
    Column("incident", String(INCIDENT), nullable=False, server_default="", index=True),
    Column("reason", String(REASON), nullable=False, server_default=""),
    UniqueConstraint("rule", "camera", "zone", "time", "active"),
)
"""Alerts that began or ended; the same alert is stored once."""

ACKNOWLEDGEMENTS = Table(
    "acknowledgements",
    METADATA,
    Column("incident", String(INCIDENT), primary_key=True),
    Column("user_name", String(KEY), nullable=False),
    Column("time", Double, nullable=False),
)
"""Who acknowledged an alert, and when; only the first is kept."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", String(INCIDENT), nullable=False),
    Column("channel", String(120), nullable=False),
    Column("event", String(16), nullable=False),
    Column("time", Double, nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("reason", String(REASON), nullable=False),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("incident", "channel", "event", "time", "state"),
)
"""Messages about alerts and digests, with their outcomes."""

ALERT_JSON = 4000
"""Characters of an alert as JSON; most of them are its reason."""

ALERTS_ON_HOLD = Table(
    "held_alerts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("channel", String(KEY), nullable=False),
    Column("time", Double, nullable=False),
    Column("alert", String(ALERT_JSON), nullable=False),
)
"""Starts and ends of alerts (JSON) to be sent to channels after their quiet hours."""

ANNOTATION_LENGTH = 120
"""Characters of an annotation."""

ANNOTATIONS = Table(
    "annotations",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False, index=True),
    Column("camera", String(KEY), nullable=False),
    Column("text", String(ANNOTATION_LENGTH), nullable=False),
    Column("author", String(KEY), nullable=False),
)
"""Managers' notes; ``camera`` is empty if a note concerns all."""

PULSE = Table(
    "pulse",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
)
"""One row, rewritten to check that the database can be written."""

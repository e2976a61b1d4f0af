"""Stores the sums of sites, each once, and adds them to totals by hour and day.

A sum is identified by camera, zone and minute. An existing one is replaced only by a higher
revision, and totals change by the difference, so that a message may arrive any number of times. On
PostgreSQL the table of sums is partitioned by month: old months are dropped as a whole.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from sentistream.monitor.headquarters.fleet_tables import (
    ALERTS,
    DAYS,
    HOURS,
    SERIES,
    SUMS,
    TOTALS,
)
from sentistream.monitor.headquarters.record_parsing import SiteSum
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.settings import HeadquartersSettings
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.monitor.store.ingest import insert_into

_LOCK = 7395023
"""PostgreSQL's advisory lock of the one writer of sums."""

_VALUES = (
    *("revision", "watched", "appearances", "arrived", "seen", "speaking"),
    *("positive", "neutral", "negative"),
)
_COLUMNS = ("series_id", "minute", "minutes", *_VALUES)
_TYPES = ("int", "int", "smallint", "smallint", "smallint", *("int",) * 4, *("smallint",) * 3)

_KEYS_PER_STATEMENT = 300

_Key = tuple[int, int, int]
"""Series, minute, minutes."""

_Totals = list[int]
"""In the order of ``TOTALS``."""


@dataclass(frozen=True, slots=True)
class SumBatch:
    """Sums of one site.

    Attributes:
        site_id: Its number.
        time_zone: Its time zone, which defines its days.
        sums: Its sums.
    """

    site_id: int
    time_zone: str
    sums: Sequence[SiteSum]


class SumStorage:
    """The one writer of sums; remembers series and partitions. Not thread-safe.

    Args:
        engine: A database with the tables of headquarters.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._series: dict[tuple[int, str, str], int] = {}
        self._partitions: set[str] = set()

    def forget(self) -> None:
        """Forgets series and partitions, as after a transaction that was rolled back."""
        self._series.clear()
        self._partitions.clear()

    def store(self, connection: Connection, batches: Iterable[SumBatch]) -> int:
        """Stores sums in the transaction of ``connection``; returns how many were new or changed.

        If the transaction fails, call :meth:`forget`.
        """
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        taken = list(batches)
        self._find_series(connection, taken)
        rows: dict[_Key, tuple[int | None, ...]] = {}
        places: dict[_Key, tuple[int, str]] = {}
        for batch in taken:
            for one in batch.sums:
                series = self._series[batch.site_id, one.row.camera, one.row.zone]
                key = (series, one.begin // 60, one.length // 60)
                if key in rows and int(rows[key][0] or 0) >= one.revision:
                    continue
                row = one.row
                rows[key] = (
                    one.revision,
                    min(row.watched, 60),
                    row.appearances,
                    row.arrived,
                    row.seen,
                    row.speaking,
                    row.positive,
                    row.neutral,
                    row.negative,
                )
                if row.zone == EVERYWHERE:
                    places[key] = (batch.site_id, batch.time_zone)
        if not rows:
            return 0
        self._make_partitions(connection, {key[1] for key in rows})
        before = _existing(connection, list(rows))
        new = {key: row for key, row in rows.items() if key not in before}
        changed = {
            key: rows[key]
            for key, known in before.items()
            if int(rows[key][0] or 0) > int(known[0] or 0)
        }
        _insert(connection, new)
        _update(connection, changed)
        _add_totals(connection, {**new, **changed}, before, places)
        return len(new) + len(changed)

    def apply_retention(self, now: float, settings: HeadquartersSettings) -> None:
        """Deletes what is older than the settings allow.

        Raises:
            StorageError: The database cannot be written.
        """
        first_minute = int(now - settings.minutes_days * 86_400) // 60
        first_day = date.fromtimestamp(now).toordinal() - settings.totals_days
        if self._engine.dialect.name == "postgresql":
            self._drop_partitions(first_minute)
        else:
            self._delete_sums(first_minute)
        with write_transaction(self._engine) as connection:
            connection.execute(delete(DAYS).where(DAYS.c.day < first_day))
            first_hour = int(now - settings.totals_days * 86_400) // 3600
            connection.execute(delete(HOURS).where(HOURS.c.hour < first_hour))
            connection.execute(delete(ALERTS).where(ALERTS.c.time < first_hour * 3600))

    def _find_series(self, connection: Connection, batches: Sequence[SumBatch]) -> None:
        wanted = {
            (batch.site_id, one.row.camera, one.row.zone) for batch in batches for one in batch.sums
        } - self._series.keys()
        if not wanted:
            return
        sites = sorted({site_id for site_id, _, _ in wanted})
        self._read_series(connection, sites)
        missing = sorted(wanted - self._series.keys())
        if missing:
            connection.execute(
                insert(SERIES),
                [
                    {"site_id": site_id, "camera": camera, "zone": zone}
                    for site_id, camera, zone in missing
                ],
            )
            self._read_series(connection, sites)

    def _read_series(self, connection: Connection, sites: Sequence[int]) -> None:
        for start in range(0, len(sites), _KEYS_PER_STATEMENT):
            some = sites[start : start + _KEYS_PER_STATEMENT]
            found = connection.execute(select(SERIES).where(SERIES.c.site_id.in_(some)))
            self._series |= {(row.site_id, row.camera, row.zone): row.id for row in found}

    def _make_partitions(self, connection: Connection, minutes: set[int]) -> None:
        if connection.dialect.name != "postgresql":
            return
        for month in {_month_of(minute) for minute in minutes}:
            name = f"fleet_sums_{month:%Y_%m}"
            if name in self._partitions:
                continue
            begin, end = _minute_of(month), _minute_of(_next_month(month))
            connection.exec_driver_sql(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF fleet_sums "
                f"FOR VALUES FROM ({begin}) TO ({end})"
            )
            self._partitions.add(name)

    def _drop_partitions(self, first_minute: int) -> None:
        with write_transaction(self._engine) as connection:
            names = connection.scalars(
                text(
                    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                    "JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = 'fleet_sums'"
                )
            ).all()
            for name in names:
                month = datetime.strptime(name, "fleet_sums_%Y_%m").replace(tzinfo=UTC).date()
                if _minute_of(_next_month(month)) <= first_minute:
                    connection.exec_driver_sql(f"DROP TABLE {name}")
                    self._partitions.discard(name)

    def _delete_sums(self, first_minute: int) -> None:
        while True:
            with read_transaction(self._engine) as connection:
                oldest = connection.scalar(select(func.min(SUMS.c.minute)))
            if oldest is None or oldest >= first_minute:
                return
            with write_transaction(self._engine) as connection:
                end = min(oldest + 360, first_minute)
                connection.execute(delete(SUMS).where(SUMS.c.minute < end))
            time.sleep(0.02)


def local_day(moment: float, time_zone: str) -> int:
    """The ordinal of a place's day."""
    return datetime.fromtimestamp(moment, zone_of(time_zone)).toordinal()


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name; UTC if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=65_536)
def _day_of_minute(minute: int, time_zone: str) -> int:
    return local_day(minute * 60, time_zone)


def _month_of(minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, UTC).date().replace(day=1)


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _minute_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60


def _existing(connection: Connection, keys: Sequence[_Key]) -> dict[_Key, tuple[int | None, ...]]:
    found: dict[_Key, tuple[int | None, ...]] = {}
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(
            f"SELECT {', '.join(f's.{name}' for name in _COLUMNS)} FROM fleet_sums s "  # noqa: S608
            "JOIN unnest(%s::int[], %s::int[], %s::smallint[]) AS k (a, b, c) "
            "ON s.series_id = k.a AND s.minute = k.b AND s.minutes = k.c "
            "WHERE s.minute BETWEEN %s AND %s",
            (
                *([key[place] for key in keys] for place in range(3)),
                min(key[1] for key in keys),
                max(key[1] for key in keys),
            ),
        )
        return {tuple(row[:3]): tuple(row[3:]) for row in rows}
    columns = ", ".join(f"s.{name}" for name in _COLUMNS)
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        some = keys[start : start + _KEYS_PER_STATEMENT]
        # SQLite's CROSS JOIN keeps this order: one look-up in the primary key for each key
        rows = connection.exec_driver_sql(
            f"WITH k(a, b, c) AS (VALUES {', '.join(['(?, ?, ?)'] * len(some))}) "  # noqa: S608
            f"SELECT {columns} FROM k CROSS JOIN fleet_sums s "
            "ON s.series_id = k.a AND s.minute = k.b AND s.minutes = k.c",
            tuple(chain.from_iterable(some)),
        )
        found |= {tuple(row[:3]): tuple(row[3:]) for row in rows}
    return found


def _insert(connection: Connection, rows: Mapping[_Key, tuple[int | None, ...]]) -> None:
    if not rows:
        return
    whole = [(*key, *row) for key, row in sorted(rows.items())]
    if connection.dialect.name == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
        connection.exec_driver_sql(
            f"INSERT INTO fleet_sums ({', '.join(_COLUMNS)}) SELECT * FROM unnest({arrays})",  # noqa: S608
            tuple(list(column) for column in zip(*whole, strict=True)),
        )
        return
    connection.execute(insert(SUMS), [dict(zip(_COLUMNS, row, strict=True)) for row in whole])


def _update(connection: Connection, rows: Mapping[_Key, tuple[int | None, ...]]) -> None:
    if not rows:
        return
    connection.execute(
        update(SUMS)
        .where(
            SUMS.c.series_id == bindparam("series"),
            SUMS.c.minute == bindparam("at"),
            SUMS.c.minutes == bindparam("length"),
        )
        .values({name: bindparam(f"new_{name}") for name in _VALUES}),
        [
            {
                "series": series,
                "at": minute,
                "length": length,
                **{f"new_{name}": value for name, value in zip(_VALUES, row, strict=True)},
            }
            for (series, minute, length), row in sorted(rows.items())
        ],
    )


def _add_totals(
    connection: Connection,
    rows: Mapping[_Key, tuple[int | None, ...]],
    before: Mapping[_Key, tuple[int | None, ...]],
    places: Mapping[_Key, tuple[int, str]],
) -> None:
    hours: dict[tuple[int, int], _Totals] = defaultdict(lambda: [0] * len(TOTALS))
    days: dict[tuple[int, int], _Totals] = defaultdict(lambda: [0] * len(TOTALS))
    for key, row in rows.items():
        if key not in places:
            continue
        site_id, zone = places[key]
        _, minute, length = key
        difference = _totals(row, length)
        if key in before:
            difference = [
                now - was for now, was in zip(difference, _totals(before[key], length), strict=True)
            ]
        for totals in (hours[site_id, minute // 60], days[site_id, _day_of_minute(minute, zone)]):
            for place, value in enumerate(difference):
                totals[place] += value
    for table, column, sums in ((HOURS, "hour", hours), (DAYS, "day", days)):
        values = [
            {"site_id": site_id, column: when, **dict(zip(TOTALS, totals, strict=True))}
            for (site_id, when), totals in sorted(sums.items())
        ]
        if values:
            insertion = insert_into(connection.dialect.name, table)
            connection.execute(
                insertion.on_conflict_do_update(
                    index_elements=list(table.primary_key),
                    set_={name: table.c[name] + insertion.excluded[name] for name in TOTALS},
                ),
                values,
            )


def _totals(row: Sequence[int | None], length: int) -> _Totals:
    """What a row adds to its hour and day.

    An hour's combined withheld minutes add what their own rows lack; watched time and appearances
    are already in those rows.
    """
    _, watched, _, arrived, seen, speaking, *shares = row
    is_minute = length == 1
    weight = seen or 0
    return [
        int(arrived or 0) if is_minute else 0,
        int(arrived or 0) if seen is not None else 0,
        int(watched or 0) if is_minute else 0,
        weight,
        int(speaking or 0),
        *((share or 0) * weight for share in shares),
    ]


def month_partitions(engine: Engine) -> Iterator[str]:
    """The names of the partitions of sums on PostgreSQL."""
    with read_transaction(engine) as connection:
        yield from connection.scalars(
            text(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = 'fleet_sums' ORDER BY 1"
            )
        )

"""Ingests readings into the database and adds them to the aggregates, idempotently.

A batch that is ingested twice changes nothing, because each of the three things counted remembers
what it has counted: readings by their key, watched seconds by one bit each, and appearances by a
presence in each minute, hour and day.

Presences name tracks, which must not outlive single readings, so they are deleted soon after their
bucket ends. When a reading arrives later than that, the bucket's presences are restored from the
stored readings first; counts are therefore exact for as long as readings are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, case, exists, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import EVERYWHERE, SecondReading, Seconds
from sentistream.monitor.store.buckets import bucket_bounds
from sentistream.monitor.store.reading_tables import (
    MILLISECONDS,
    OUTSIDE,
    PRESENCES,
    READINGS,
    SHARES,
    SUMMED,
    SUMS,
    WATCHES,
    Summed,
)

_T = TypeVar("_T")
_Row = Mapping[str, Any]

_Presence = tuple[Step, int, str, str, str]
"""Step, begin, camera, zone, track."""

_PRESENCE_COLUMNS = ("step", "begin", "camera", "zone", "track")

_KEYS_PER_STATEMENT = 400


def ingest(connection: Connection, batch: Sequence[Seconds]) -> None:
    """Stores readings and watched seconds within the transaction of ``connection``.

    Raises:
        ValueError: A number is not finite.
    """
    if connection.dialect.name == "postgresql":  # one writer at a time, as SQLite has it anyway
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7395022)")
    deltas = Deltas()
    rows = [_row(reading) for seconds in batch for reading in seconds.readings]
    _restore_presences(connection, rows)
    inserted = _insert_new(connection, READINGS, rows)
    _count_appearances(connection, _add_readings(inserted, deltas), deltas)
    _count_watched(connection, batch, deltas)
    deltas.apply(connection)


@dataclass(slots=True)
class AggregateDelta(Summed):
    """What a batch adds to one row of ``sums``, in that table's units."""

    people: int = 0
    arrived: int = 0


class Deltas:
    """What a batch adds to each row of ``sums`` that it touches."""

    def __init__(self) -> None:
        self._deltas: dict[tuple[Step, int, str, str], AggregateDelta] = {}

    def of(self, step: Step, begin: int, camera: str, zone: str) -> AggregateDelta:
        """The delta of one row; zero at first."""
        return self._deltas.setdefault((step, begin, camera, zone), AggregateDelta())

    def apply(self, connection: Connection) -> None:
        """Adds the deltas to the database, in key order so that writers cannot deadlock."""
        rows = [
            {
                "step": str(step),
                "begin": begin,
                "camera": camera,
                "zone": zone,
                "end": bucket_bounds(step, begin)[1],
                **asdict(delta),
            }
            for (step, begin, camera, zone), delta in sorted(
                self._deltas.items(), key=lambda item: item[0]
            )
        ]
        _upsert(connection, SUMS, rows, added=("people", "arrived", *SUMMED))


def _row(reading: SecondReading) -> dict[str, Any]:
    seen = min(max(round(reading.seen * MILLISECONDS), 1), MILLISECONDS)
    return {
        "second": reading.second,
        "camera": reading.camera,
        "zone": reading.zone,
        "track": reading.track,
        "positive": _share(reading.positive),
        "neutral": _share(reading.neutral),
        "negative": _share(reading.negative),
        "label": str(reading.label),
        "seen": seen,
        "speaking": min(max(round(reading.speaking * MILLISECONDS), 0), seen),
    }


def _share(value: float) -> int:
    return min(max(round(value * SHARES), 0), SHARES)


def _add_readings(rows: Sequence[_Row], deltas: Deltas) -> set[_Presence]:
    """Adds rows to the deltas; returns which tracks are present in which buckets."""
    presences: set[_Presence] = set()
    for row in rows:
        camera, seen = row["camera"], row["seen"]
        for step in Step:
            begin, _ = bucket_bounds(step, row["second"])
            for zone in (EVERYWHERE, row["zone"] or OUTSIDE):
                delta = deltas.of(step, begin, camera, zone)
                delta.seen += seen
                delta.speaking += row["speaking"]
                delta.positive += row["positive"] * seen
                delta.neutral += row["neutral"] * seen
                delta.negative += row["negative"] * seen
                presences.add((step, begin, camera, zone, row["track"]))
    return presences


def _count_watched(connection: Connection, batch: Sequence[Seconds], deltas: Deltas) -> None:
    """Counts the seconds that were not counted as watched before."""
    watched: dict[tuple[int, str], int] = defaultdict(int)
    for seconds in batch:
        begin, _ = bucket_bounds(Step.MINUTE, seconds.second)
        watched[begin, seconds.camera] |= 1 << (seconds.second - begin)
    known: dict[tuple[int, str], int] = {}
    cameras = sorted({camera for _, camera in watched})
    for minutes in _chunks(sorted({minute for minute, _ in watched})):
        # one condition a column: SQLite scans all rows for a list of pairs
        found = connection.execute(
            select(WATCHES).where(WATCHES.c.begin.in_(minutes), WATCHES.c.camera.in_(cameras))
        )
        known |= {(begin, camera): bits for begin, camera, bits in found}
    changed = []
    for (minute, camera), bits in sorted(watched.items()):
        before = known.get((minute, camera), 0)
        if new := (bits & ~before).bit_count():
            changed.append({"begin": minute, "camera": camera, "seconds": before | bits})
            for step in Step:
                begin, _ = bucket_bounds(step, minute)
                deltas.of(step, begin, camera, EVERYWHERE).watched += new
    _upsert(connection, WATCHES, changed, replaced=("seconds",))


def _restore_presences(connection: Connection, rows: Sequence[_Row]) -> None:
    """Restores the presences of pruned buckets that are about to receive more rows."""
    buckets = {
        (str(step), bucket_bounds(step, second)[0], camera)
        for second, camera in {(row["second"], row["camera"]) for row in rows}
        for step in Step
    }
    cameras = sorted({camera for _, _, camera in buckets})
    columns = SUMS.c.step, SUMS.c.begin, SUMS.c.camera
    for begins in _chunks(sorted({begin for _, begin, _ in buckets})):
        # one condition a column: SQLite scans all rows for a list of tuples
        pruned = (
            select(*columns, SUMS.c.end)
            .where(SUMS.c.step.in_([str(step) for step in Step]))
            .where(SUMS.c.begin.in_(begins), SUMS.c.camera.in_(cameras))
            .where(SUMS.c.zone == EVERYWHERE, SUMS.c.people > 0)
            .where(
                ~exists().where(
                    PRESENCES.c.step == SUMS.c.step,
                    PRESENCES.c.begin == SUMS.c.begin,
                    PRESENCES.c.camera == SUMS.c.camera,
                )
            )
        )
        for step, begin, camera, end in connection.execute(pruned).all():
            if (step, begin, camera) not in buckets:
                continue
            own_zone = case((READINGS.c.zone == EVERYWHERE, OUTSIDE), else_=READINGS.c.zone)
            for zone in (literal(EVERYWHERE), own_zone):
                source = (
                    select(literal(step), literal(begin), literal(camera), zone, READINGS.c.track)
                    .distinct()
                    .where(READINGS.c.second >= begin, READINGS.c.second < end)
                    .where(READINGS.c.camera == camera)
                )
                _insert_from_select(connection, PRESENCES, _PRESENCE_COLUMNS, source)


def _count_appearances(
    connection: Connection, presences: Collection[_Presence], deltas: Deltas
) -> None:
    """Counts the presences that were not counted before."""
    rows = [dict(zip(_PRESENCE_COLUMNS, presence, strict=True)) for presence in presences]
    new = [
        (Step(row["step"]), row["begin"], row["camera"], row["zone"], row["track"])
        for row in _insert_new(connection, PRESENCES, rows)
    ]
    for *key, _ in new:
        deltas.of(*key).people += 1
    _count_arrivals(connection, new, deltas)


def _count_arrivals(connection: Connection, new: Sequence[_Presence], deltas: Deltas) -> None:
    """Counts each track in the first bucket it appears in, and in no later one of that step.

    A late reading may belong to an earlier bucket; the count then moves there.
    """
    added: dict[tuple[Step, str, str, str], set[int]] = defaultdict(set)
    for step, begin, camera, zone, track in new:
        added[step, camera, zone, track].add(begin)
    known: dict[tuple[Step, str, str, str], set[int]] = defaultdict(set)
    columns = [PRESENCES.c[name] for name in _PRESENCE_COLUMNS]
    for tracks in _chunks(sorted({presence[-1] for presence in new})):
        found = connection.execute(select(*columns).where(PRESENCES.c.track.in_(tracks)))
        for step, begin, camera, zone, track in found:
            known[Step(step), camera, zone, track].add(begin)
    for (step, camera, zone, track), begins in added.items():
        before = known[step, camera, zone, track] - begins
        first = min(begins)
        if before and first > min(before):
            continue
        deltas.of(step, first, camera, zone).arrived += 1
        if before:
            deltas.of(step, min(before), camera, zone).arrived -= 1


def _insert_new(connection: Connection, table: Table, rows: Sequence[_Row]) -> list[_Row]:
    """Inserts the rows whose key is not there yet; of several with one key, the first.

    Returns:
        The inserted rows.
    """
    key = [column.name for column in table.primary_key]
    unique = {tuple(row[name] for name in key): row for row in reversed(rows)}
    if not unique:
        return []
    statement = _insert_new_statement(connection.dialect.name, table)
    inserted = connection.execute(statement, [unique[one] for one in sorted(unique)])
    return [unique[tuple(one)] for one in inserted]


def _insert_from_select(
    connection: Connection, table: Table, names: Sequence[str], source: Select[Any]
) -> None:
    """Inserts the rows of a query whose key is not there yet."""
    insertion = insert_into(connection.dialect.name, table).from_select(list(names), source)
    connection.execute(insertion.on_conflict_do_nothing())


def _upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[_Row],
    *,
    added: tuple[str, ...] = (),
    replaced: tuple[str, ...] = (),
) -> None:
    """Inserts rows; where the key exists, adds to some columns and replaces others."""
    if rows:
        connection.execute(_upsert_statement(connection.dialect.name, table, added, replaced), rows)


def insert_into(dialect: str, table: Table) -> Any:
    """An ``INSERT`` of the dialect, which knows ``ON CONFLICT``."""
    kind = postgresql if dialect == "postgresql" else sqlite
    return kind.insert(table)


@cache
def _insert_new_statement(dialect: str, table: Table) -> Any:
    return insert_into(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


@cache
def _upsert_statement(
    dialect: str, table: Table, added: tuple[str, ...], replaced: tuple[str, ...]
) -> Any:
    insertion = insert_into(dialect, table)
    return insertion.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={name: table.c[name] + insertion.excluded[name] for name in added}
        | {name: insertion.excluded[name] for name in replaced},
    )


def _chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """As many values at a time as one statement may list."""
    for start in range(0, len(values), _KEYS_PER_STATEMENT):
        yield values[start : start + _KEYS_PER_STATEMENT]

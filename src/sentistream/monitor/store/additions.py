"""Adds readings, and adds them to the sums, so that a batch given twice changes nothing.

Three things are counted, and each remembers what it has counted: readings by their key, watched
seconds by a bit each, people by the presence of a track in a minute, hour or day. Presences are
pruned soon after a step is over; for what comes later still they are made again from the
readings, so that counts are exact for as long as single readings are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, case, exists, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import EVERYWHERE, SecondReading, Seconds
from sentistream.monitor.store.steps import stretch
from sentistream.monitor.store.tables import (
    MILLISECONDS,
    OUTSIDE,
    PRESENCES,
    READINGS,
    SHARES,
    SUMS,
    WATCHES,
)

_T = TypeVar("_T")

SumKey = tuple[Step, int, str, str]
"""Step, begin, camera, zone."""

_AT_ONCE = 400
"""Keys asked for in one statement."""


@dataclass(slots=True)
class _Growth:
    """What is added to one row of ``sums``."""

    end: int
    people: int = 0
    arrived: int = 0
    seen: int = 0
    speaking: int = 0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    watched: int = 0


def add(connection: Connection, batch: Sequence[Seconds]) -> None:
    """Adds readings and watched seconds within the transaction of ``connection``.

    Raises:
        ValueError: A number is not finite.
    """
    if connection.dialect.name == "postgresql":  # one writer at a time, as SQLite has it anyway
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7395022)")
    growth: dict[SumKey, _Growth] = {}
    rows = [_row(reading) for seconds in batch for reading in seconds.readings]
    _recall(connection, rows)
    _count(connection, _insert(connection, READINGS, rows), growth)
    _watch(connection, batch, growth)
    _grow(connection, growth)


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


def _zones(zone: str) -> tuple[str, str]:
    return EVERYWHERE, zone or OUTSIDE


def _insert(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Inserts what is not there yet; returns the rows that were not."""
    key = [column.name for column in table.primary_key]
    unique = {tuple(row[name] for name in key): row for row in reversed(rows)}
    if not unique:
        return []
    statement = _insertion(connection)(table).on_conflict_do_nothing().returning(*table.primary_key)
    new = connection.execute(statement, [unique[one] for one in sorted(unique)])
    return [unique[tuple(one)] for one in new]


def _insertion(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _recall(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Makes the presences of steps again that had been pruned and get something more."""
    steps = sorted(
        {
            (str(step), stretch(step, second)[0], camera)
            for second, camera in {(row["second"], row["camera"]) for row in rows}
            for step in Step
        }
    )
    columns = SUMS.c.step, SUMS.c.begin, SUMS.c.camera
    for some in _some(steps):
        pruned = (
            select(*columns, SUMS.c.end)
            .where(tuple_(*columns).in_(some), SUMS.c.zone == EVERYWHERE, SUMS.c.people > 0)
            .where(
                ~exists().where(
                    PRESENCES.c.step == SUMS.c.step,
                    PRESENCES.c.begin == SUMS.c.begin,
                    PRESENCES.c.camera == SUMS.c.camera,
                )
            )
        )
        for step, begin, camera, end in connection.execute(pruned).all():
            own = case((READINGS.c.zone == EVERYWHERE, OUTSIDE), else_=READINGS.c.zone)
            for zone in (literal(EVERYWHERE), own):
                source = (
                    select(literal(step), literal(begin), literal(camera), zone, READINGS.c.track)
                    .distinct()
                    .where(READINGS.c.second >= begin, READINGS.c.second < end)
                    .where(READINGS.c.camera == camera)
                )
                names = ["step", "begin", "camera", "zone", "track"]
                insertion = _insertion(connection)(PRESENCES).from_select(names, source)
                connection.execute(insertion.on_conflict_do_nothing())


def _count(
    connection: Connection, rows: Sequence[dict[str, Any]], growth: dict[SumKey, _Growth]
) -> None:
    presences = []
    for row in rows:
        for step in Step:
            begin, end = stretch(step, row["second"])
            for zone in _zones(row["zone"]):
                key = step, begin, row["camera"], zone
                sum_ = growth.setdefault(key, _Growth(end))
                sum_.seen += row["seen"]
                sum_.speaking += row["speaking"]
                sum_.positive += row["positive"] * row["seen"]
                sum_.neutral += row["neutral"] * row["seen"]
                sum_.negative += row["negative"] * row["seen"]
                presences.append(
                    {
                        "step": str(step),
                        "begin": begin,
                        "camera": row["camera"],
                        "zone": zone,
                        "track": row["track"],
                    }
                )
    new = _insert(connection, PRESENCES, presences)
    for row in new:
        growth[Step(row["step"]), row["begin"], row["camera"], row["zone"]].people += 1
    _arrivals(connection, new, growth)


def _arrivals(
    connection: Connection, new: Sequence[dict[str, Any]], growth: dict[SumKey, _Growth]
) -> None:
    """Counts each track once over all steps of a length: in the first of them.

    What comes late may be earlier than what was the first so far, which then is not any more.
    """
    added: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    for row in new:
        added[row["track"], row["camera"], row["zone"], row["step"]].add(row["begin"])
    known: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    columns = [PRESENCES.c[name] for name in ("track", "camera", "zone", "step", "begin")]
    for tracks in _some(sorted({row["track"] for row in new})):
        for *who, begin in connection.execute(
            select(*columns).where(PRESENCES.c.track.in_(tracks))
        ):
            known[who[0], who[1], who[2], who[3]].add(begin)
    for key, begins in added.items():
        _, camera, zone, step = key
        before = known[key] - begins
        if not before:
            growth[Step(step), min(begins), camera, zone].arrived += 1
        elif (first := min(begins)) < (later := min(before)):
            growth[Step(step), first, camera, zone].arrived += 1
            end = stretch(Step(step), later)[1]
            growth.setdefault((Step(step), later, camera, zone), _Growth(end)).arrived -= 1


def _watch(connection: Connection, batch: Sequence[Seconds], growth: dict[SumKey, _Growth]) -> None:
    watched: dict[tuple[int, str], int] = defaultdict(int)
    for seconds in batch:
        begin, _ = stretch(Step.MINUTE, seconds.second)
        watched[begin, seconds.camera] |= 1 << (seconds.second - begin)
    known: dict[tuple[int, str], int] = {}
    for some in _some(sorted(watched)):
        found = connection.execute(
            select(WATCHES).where(tuple_(WATCHES.c.begin, WATCHES.c.camera).in_(some))
        )
        known |= {(begin, camera): bits for begin, camera, bits in found}
    changed = []
    for (minute, camera), bits in sorted(watched.items()):
        before = known.get((minute, camera), 0)
        if new := (bits & ~before).bit_count():
            changed.append({"begin": minute, "camera": camera, "seconds": before | bits})
            for step in Step:
                begin, end = stretch(step, minute)
                key = step, begin, camera, EVERYWHERE
                growth.setdefault(key, _Growth(end)).watched += new
    if changed:
        insertion = _insertion(connection)(WATCHES)
        connection.execute(
            insertion.on_conflict_do_update(
                index_elements=list(WATCHES.primary_key),
                set_={"seconds": insertion.excluded.seconds},
            ),
            changed,
        )


def _grow(connection: Connection, growth: dict[SumKey, _Growth]) -> None:
    if not growth:
        return
    insertion = _insertion(connection)(SUMS)
    counted = [name for name in _Growth.__slots__ if name != "end"]
    rows = [
        {"step": str(step), "begin": begin, "camera": camera, "zone": zone, "end": sum_.end}
        | {name: getattr(sum_, name) for name in counted}
        for (step, begin, camera, zone), sum_ in sorted(growth.items(), key=lambda item: item[0])
    ]
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=list(SUMS.primary_key),
            set_={name: SUMS.c[name] + insertion.excluded[name] for name in counted},
        ),
        rows,
    )


def _some(all_of_them: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(all_of_them), _AT_ONCE):
        yield all_of_them[start : start + _AT_ONCE]

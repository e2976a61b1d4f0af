"""Queries for readings and aggregates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import EVERYWHERE, SecondReading
from sentistream.monitor.store.buckets import ceil_second, covering_buckets
from sentistream.monitor.store.reading_tables import (
    MILLISECONDS,
    READINGS,
    SHARES,
    SUMMED,
    SUMS,
)
from sentistream.monitor.store.small_cell_suppression import RawAggregate, suppress_small_cells
from sentistream.types import Label

ReadingKey = tuple[int, str, str, str]
"""Second, camera, zone, track: the order of readings."""


def readings(
    connection: Connection,
    *,
    begin: float,
    end: float,
    camera: str | None,
    limit: int,
    after: ReadingKey | None = None,
) -> list[SecondReading]:
    """Single readings of [begin, end), oldest first, starting after the key ``after``."""
    table = READINGS.c
    first = ceil_second(begin) if after is None else max(ceil_second(begin), after[0])
    statement = select(READINGS).where(table.second >= first, table.second < ceil_second(end))
    if camera is not None:
        statement = statement.where(table.camera == camera)
    if after is not None:
        second, *rest = after
        statement = statement.where(
            or_(table.second > second, and_(table.second == second, _key_after(rest)))
        )
    statement = statement.order_by(*READINGS.primary_key).limit(limit)
    return [_reading(row) for row in connection.execute(statement)]


def _key_after(rest: Sequence[str]) -> Any:
    table = READINGS.c
    camera, zone, track = rest
    return or_(
        table.camera > camera,
        and_(table.camera == camera, table.zone > zone),
        and_(table.camera == camera, table.zone == zone, table.track > track),
    )


def _reading(row: Any) -> SecondReading:
    return SecondReading(
        camera=row.camera,
        zone=row.zone,
        second=row.second,
        track=row.track,
        positive=row.positive / SHARES,
        neutral=row.neutral / SHARES,
        negative=row.negative / SHARES,
        label=Label(row.label),
        seen=row.seen / MILLISECONDS,
        speaking=row.speaking / MILLISECONDS,
    )


def history(
    connection: Connection,
    step: Step,
    *,
    begin: float,
    end: float,
    camera: str | None,
    zone: str | None,
    smallest: int,
) -> Iterator[Aggregate]:
    """Aggregates that begin in [begin, end), by begin, camera and zone; small cells suppressed."""
    table = SUMS.c
    statement = select(
        *(table.begin, table.camera, table.zone, table.end),
        *(table[name] for name in SUMMED),
        table.people,
    ).where(
        table.step == str(step), table.begin >= ceil_second(begin), table.begin < ceil_second(end)
    )
    if camera is not None:
        statement = statement.where(table.camera == camera)
    if zone == EVERYWHERE:  # its suppression depends on no zone
        statement = statement.where(table.zone == zone)
    statement = statement.order_by(table.begin, table.camera)
    for (start, name), rows in groupby(connection.execute(statement), key=lambda row: row[:2]):
        in_bucket = list(rows)
        by_zone = {row[2]: RawAggregate(*row[4:]) for row in in_bucket}
        for one in suppress_small_cells(
            by_zone, camera=name, begin=start, end=in_bucket[0].end, smallest=smallest
        ):
            if zone is None or one.zone == zone:
                yield one


def aggregate(
    connection: Connection,
    *,
    begin: float,
    end: float,
    camera: str | None,
    zone: str,
    smallest: int,
) -> list[Aggregate]:
    """One aggregate a camera over [begin, end), by camera; small cells suppressed."""
    ranges = covering_buckets(begin, end)
    if not ranges:
        return []
    table = SUMS.c
    statement = (
        select(
            *(table.camera, table.zone, table.people, table.arrived),
            *(table[name] for name in SUMMED),
        )
        .where(
            or_(
                *(
                    and_(table.step == str(step), table.begin >= first, table.begin < last)
                    for step, first, last in ranges
                )
            )
        )
        .where(table.end <= ranges[-1][2])
        .order_by(table.begin)
    )
    if camera is not None:
        statement = statement.where(table.camera == camera)
    if zone == EVERYWHERE:
        statement = statement.where(table.zone == zone)
    totals: dict[str, dict[str, RawAggregate]] = defaultdict(dict)
    most: dict[tuple[str, str], int] = defaultdict(int)
    for name, where, present, arrived, *counted in connection.execute(statement):
        total = totals[name].get(where)
        if total is None:
            total = totals[name][where] = RawAggregate()
        # every track of the first bucket, and of later ones those that are new there
        total.appearances += arrived if total.appearances else present
        most[name, where] = max(most[name, where], present)
        for field, value in zip(SUMMED, counted, strict=True):
            setattr(total, field, getattr(total, field) + value)
    found = []
    for name, by_zone in sorted(totals.items()):
        for where, total in by_zone.items():
            total.appearances = max(total.appearances, most[name, where])
        released = suppress_small_cells(
            by_zone, camera=name, begin=ranges[0][1], end=ranges[-1][2], smallest=smallest
        )
        found += [one for one in released if one.zone == zone]
    return found

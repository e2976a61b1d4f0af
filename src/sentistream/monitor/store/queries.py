"""Queries for readings and aggregates."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import EVERYWHERE, Annotation, SecondReading
from sentistream.monitor.store.buckets import ceil_second, covering_buckets
from sentistream.monitor.store.reading_tables import (
    ANNOTATIONS,
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

MAX_ANNOTATIONS = 500
"""Annotations of an answer."""

MAX_RANGES = 200
"""Ranges of buckets in one statement; SQLite nests conditions no deeper than 1,000."""


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


def totals(
    connection: Connection,
    groups: Sequence[Sequence[tuple[float, float]]],
    *,
    camera: str | None,
    zone: str | None,
    smallest: int,
) -> list[list[Aggregate]]:
    """Of each group of disjoint spans one aggregate a camera and zone; small cells suppressed.

    Args:
        connection: A transaction.
        groups: Spans [begin, end) of wall-clock seconds, in order; no two of any group overlap.
        camera: Only this one; None for each.
        zone: Only this one; None for each.
        smallest: The fewest appearances whose aggregate may be released.

    Returns:
        As many lists as groups, each by camera and zone.
    """
    cover = _Cover(groups)
    if not cover.ranges:
        return [[] for _ in groups]
    table = SUMS.c
    statement = (
        select(
            *(table.step, table.begin, table.end, table.camera, table.zone),
            *(table.people, table.arrived),
            *(table[name] for name in SUMMED),
        )
        .where(or_(*cover.conditions()))
        .order_by(table.begin)
    )
    if camera is not None:
        statement = statement.where(table.camera == camera)
    if zone == EVERYWHERE:  # its suppression depends on no zone
        statement = statement.where(table.zone == zone)
    sums: dict[tuple[int, str, str], _Total] = {}
    for step, begin, end, name, where, people, arrived, *counted in connection.execute(statement):
        place = cover.place(step, begin, end)
        if place is None:
            continue
        group, run = place
        total = sums.get((group, name, where))
        if total is None:
            total = sums[group, name, where] = _Total()
        total.add(run, people, arrived, counted)
    by_camera: dict[tuple[int, str], dict[str, RawAggregate]] = defaultdict(dict)
    for (group, name, where), total in sums.items():
        by_camera[group, name][where] = total.raw()
    found: list[list[Aggregate]] = [[] for _ in groups]
    for (group, name), by_zone in sorted(by_camera.items(), key=lambda item: item[0]):
        begin, end = cover.bounds(group)
        released = suppress_small_cells(
            by_zone, camera=name, begin=begin, end=end, smallest=smallest
        )
        found[group] += [one for one in released if zone is None or one.zone == zone]
    return found


class _Cover:
    """The buckets that cover groups of spans, and which group and span each belongs to."""

    def __init__(self, groups: Sequence[Sequence[tuple[float, float]]]) -> None:
        self.ranges: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
        """By step: first begin, last begin (not included), group, span."""
        self._ends: dict[tuple[int, int], int] = {}
        self._bounds: dict[int, tuple[int, int]] = {}
        for group, spans in enumerate(groups):
            for run, (begin, end) in enumerate(spans):
                buckets = covering_buckets(begin, end)
                for step, first, last in buckets:
                    self.ranges[str(step)].append((first, last, group, run))
                if buckets:
                    self._ends[group, run] = buckets[-1][2]
                    before = self._bounds.get(group, (buckets[0][1], 0))
                    self._bounds[group] = before[0], buckets[-1][2]
        for ranges in self.ranges.values():
            ranges.sort()
        self._firsts = {
            step: [first for first, *_ in ranges] for step, ranges in self.ranges.items()
        }

    def conditions(self) -> Iterator[Any]:
        """For each step, which buckets; neighbours are joined."""
        table = SUMS.c
        for step, ranges in self.ranges.items():
            joined: list[list[int]] = []
            for first, last, *_ in ranges:
                if joined and first <= joined[-1][1]:
                    joined[-1][1] = max(joined[-1][1], last)
                else:
                    joined.append([first, last])
            if len(joined) > MAX_RANGES:  # the rest is left out by ``place``
                joined = [[joined[0][0], joined[-1][1]]]
            for first, last in joined:
                yield and_(table.step == step, table.begin >= first, table.begin < last)

    def place(self, step: str, begin: int, end: int) -> tuple[int, int] | None:
        """The group and the span that a bucket belongs to."""
        found = bisect_right(self._firsts[step], begin) - 1
        if found < 0:
            return None
        _, last, group, run = self.ranges[step][found]
        return (group, run) if begin < last and end <= self._ends[group, run] else None

    def bounds(self, group: int) -> tuple[int, int]:
        """Where a group's first bucket begins and its last ends."""
        return self._bounds[group]


class _Total:
    """What one camera and zone add up to over one group of spans."""

    __slots__ = ("_appearances", "_done", "_most", "_run", "_sums")

    def __init__(self) -> None:
        self._run = -1
        self._done = self._appearances = self._most = 0
        self._sums = [0] * len(SUMMED)

    def add(self, run: int, people: int, arrived: int, counted: Sequence[int]) -> None:
        """Adds a bucket; buckets come in the order of their beginning."""
        if run == self._run and self._appearances:
            self._appearances += arrived
        else:
            # every track of a span's first bucket, and of later ones those that are new there
            self._done += max(self._appearances, self._most)
            self._run, self._appearances, self._most = run, people, 0
        self._most = max(self._most, people)
        for place, value in enumerate(counted):
            self._sums[place] += value

    def raw(self) -> RawAggregate:
        """The sum of all spans."""
        return RawAggregate(
            **dict(zip(SUMMED, self._sums, strict=True)),
            appearances=self._done + max(self._appearances, self._most),
        )


def stored_annotations(connection: Connection, *, begin: float, end: float) -> list[Annotation]:
    """Annotations of [begin, end), oldest first."""
    table = ANNOTATIONS.c
    statement = (
        select(ANNOTATIONS)
        .where(table.time >= begin, table.time < end)
        .order_by(table.time, table.id)
        .limit(MAX_ANNOTATIONS)
    )
    return [Annotation(**row._mapping) for row in connection.execute(statement)]

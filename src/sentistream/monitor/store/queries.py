"""Queries for readings and aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Connection,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    column,
    func,
    or_,
    select,
    text,
)

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
"""Most annotations in a result."""

RANGES = 2_000
"""Ranges of buckets in one statement, so that none grows without bounds."""


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


def minute_sums(
    connection: Connection, *, begin: int, end: int, smallest: int
) -> Iterator[tuple[Aggregate, int]]:
    """Minutes that begin in [begin, end) of all cameras and zones; small cells suppressed.

    Each has the number of its appearances that were in no earlier minute.
    """
    for start, camera, by_zone, arrived in _raw_minutes(connection, begin, end):
        for one in suppress_small_cells(
            by_zone, camera=camera, begin=start, end=start + 60, smallest=smallest
        ):
            yield one, arrived[one.zone]


def withheld_minutes(
    connection: Connection, *, begin: int, end: int, smallest: int
) -> Iterator[tuple[Aggregate, int]]:
    """For each camera, the minutes of [begin, end) that :func:`minute_sums` withholds, combined.

    Only for the whole picture, and only if enough appearances began in them for their sum to be
    released: these minutes and the released ones do not overlap, so that no subtraction of one
    from the other leaves a small group.
    """
    totals: dict[str, RawAggregate] = {}
    for _, camera, by_zone, arrived in _raw_minutes(connection, begin, end):
        raw = by_zone.get(EVERYWHERE)
        if raw is None or not 0 < raw.appearances < smallest:
            continue
        total = totals.setdefault(camera, RawAggregate())
        total.appearances += arrived[EVERYWHERE]
        for field in SUMMED:
            setattr(total, field, getattr(total, field) + getattr(raw, field))
    for camera, total in sorted(totals.items()):
        if total.appearances >= smallest:
            for one in suppress_small_cells(
                {EVERYWHERE: total}, camera=camera, begin=begin, end=end, smallest=smallest
            ):
                yield one, one.appearances


def _raw_minutes(
    connection: Connection, begin: int, end: int
) -> Iterator[tuple[int, str, dict[str, RawAggregate], dict[str, int]]]:
    """Begin, camera, sums by zone and how many appearances began, before suppression."""
    table = SUMS.c
    statement = (
        select(
            *(table.begin, table.camera, table.zone, table.arrived),
            *(table[name] for name in SUMMED),
            table.people,
        )
        .where(table.step == str(Step.MINUTE), table.begin >= begin, table.begin < end)
        .order_by(table.begin, table.camera)
    )
    for (start, camera), rows in groupby(connection.execute(statement), key=lambda row: row[:2]):
        in_minute = list(rows)
        yield (
            start,
            camera,
            {row[2]: RawAggregate(*row[4:]) for row in in_minute},
            {row[2]: row[3] for row in in_minute},
        )


def totals(
    connection: Connection,
    groups: Sequence[Sequence[tuple[float, float]]],
    *,
    camera: str | None,
    zone: str | None,
    smallest: int,
) -> list[list[Aggregate]]:
    """For each group of spans, one aggregate per camera and zone; small cells suppressed.

    Args:
        connection: A transaction.
        groups: Spans [begin, end) of wall-clock seconds, in order; those of a group do not overlap.
        camera: Only this one; None for each.
        zone: Only this one; None for each.
        smallest: The fewest appearances whose aggregate may be released.

    Returns:
        As many lists as groups, each by camera and zone.
    """
    found: list[list[Aggregate]] = [[] for _ in groups]
    covers = _covers(groups)
    if not covers:
        return found
    bounds: dict[int, tuple[int, int]] = {}
    for group, _, _, first, _, end in covers:
        bounds[group] = bounds.get(group, (first, end))[0], end
    for chunk in _chunks_of_groups(covers):
        rows = connection.execute(_totals(chunk, camera, zone))
        for (group, name), of_camera in groupby(rows, key=lambda row: row[:2]):
            begin, end = bounds[group]
            released = suppress_small_cells(
                {row[2]: RawAggregate(*row[3:]) for row in of_camera},
                camera=name,
                begin=begin,
                end=end,
                smallest=smallest,
            )
            found[group] += [one for one in released if zone is None or one.zone == zone]
    return found


_Cover = tuple[int, int, str, int, int, int]
"""Buckets that cover a span: group, span, step, first begin, last begin (exclusive), and the
end of the span's last bucket."""


def _covers(groups: Sequence[Sequence[tuple[float, float]]]) -> list[_Cover]:
    found = []
    for group, spans in enumerate(groups):
        for span, (begin, end) in enumerate(spans):
            ranges = covering_buckets(begin, end)
            found += [
                (group, span, str(step), first, last, ranges[-1][2]) for step, first, last in ranges
            ]
    return found


def _chunks_of_groups(covers: list[_Cover]) -> Iterator[list[_Cover]]:
    """Whole groups, about ``RANGES`` covers at a time: no statement grows without bounds."""
    chunk: list[_Cover] = []
    for _, group in groupby(covers, key=lambda cover: cover[0]):
        chunk += group
        if len(chunk) >= RANGES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _as_table(covers: list[_Cover]) -> CTE:
    """The covers as a table in a statement.

    They are written as literals, because thousands of parameters take longer than the query
    itself; all of them are integers and names of steps.
    """
    rows = ",".join(
        f"({group},{span},'{Step(step)}',{first},{last},{stop})"
        for group, span, step, first, last, stop in covers
    )
    # both databases name the columns of VALUES like this
    types = (Integer, Integer, String, BigInteger, BigInteger, BigInteger)
    columns = (column(f"column{place}", kind()) for place, kind in enumerate(types, 1))
    return text(f"VALUES {rows}").columns(*columns).cte("spans")


def _totals(covers: list[_Cover], camera: str | None, zone: str | None) -> Select[Any]:
    """One row per group, camera and zone: the columns of ``SUMMED``, then appearances."""
    spans = _as_table(covers)
    table = SUMS.c
    inside = and_(
        table.step == spans.c.column3,
        table.begin >= spans.c.column4,
        table.begin < spans.c.column5,
        table.end <= spans.c.column6,
    )
    if camera is not None:
        inside = and_(inside, table.camera == camera)
    if zone == EVERYWHERE:  # its suppression depends on no zone
        inside = and_(inside, table.zone == zone)
    key = (
        spans.c.column1.label("group_"),
        spans.c.column2.label("span"),
        table.camera,
        table.zone,
    )
    nobody = case((table.people == 0, 1), else_=0)
    buckets = (
        select(
            *key,
            *(table.people, table.arrived),
            *(table[name] for name in SUMMED),
            func.row_number()
            .over(
                partition_by=[spans.c.column1, spans.c.column2, table.camera, table.zone],
                order_by=(nobody, table.begin),
            )
            .label("place"),
        )
        .select_from(spans.join(SUMS, inside))
        .cte("buckets")
    )
    # every track of a span's first bucket, and the new ones of later buckets
    counted = case((buckets.c.place == 1, buckets.c.people), else_=buckets.c.arrived)
    of_span = buckets.c.group_, buckets.c.span, buckets.c.camera, buckets.c.zone
    by_span = (
        select(
            *of_span,
            func.sum(counted).label("counted"),
            func.max(buckets.c.people).label("most"),
            *(func.sum(buckets.c[name]).label(name) for name in SUMMED),
        )
        .group_by(*of_span)
        .cte("by_span")
    )
    of_group = by_span.c.group_, by_span.c.camera, by_span.c.zone
    more = case((by_span.c.counted < by_span.c.most, by_span.c.most), else_=by_span.c.counted)
    return (
        select(
            *of_group,
            *(cast(func.sum(by_span.c[name]), BigInteger) for name in SUMMED),
            cast(func.sum(more), BigInteger),
        )
        .group_by(*of_group)
        .order_by(*of_group)
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

"""Exports readings and aggregates as CSV or Parquet, streamed in bounded memory.

Rows are fetched in chunks, each in a separate short transaction, so that a slow download blocks
nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from sqlalchemy import Engine, func, select

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import SecondReading
from sentistream.monitor.store import queries
from sentistream.monitor.store.buckets import ceil_second
from sentistream.monitor.store.database import read_transaction
from sentistream.monitor.store.export_columns import (
    NAMES,
    TIME,
    Column,
    csv_pieces,
    field,
    local_time,
    parquet_pieces,
    utc_time,
)
from sentistream.monitor.store.reading_tables import SUMS
from sentistream.parquet import load_pyarrow
from sentistream.reports.table_formats import PLAIN, CsvStyle

CHUNK_ROWS = 5_000
"""Rows fetched at a time; also the size of a Parquet row group."""

_WINDOWS = {Step.MINUTE: 6 * 3_600, Step.HOUR: 15 * 86_400, Step.DAY: 365 * 86_400}
"""Seconds of aggregates fetched at a time."""

_SHARES = tuple(field(name, "float64", 4) for name in ("positive", "neutral", "negative"))

READING_COLUMNS: Sequence[Column] = (
    Column("time", TIME, lambda row, _: utc_time(row.second)),
    field("camera", "string"),
    field("zone", "string"),
    field("track", "string"),
    *_SHARES,
    Column("label", "string", lambda row, _: str(row.label)),
    field("seen", "float64", 3),
    field("speaking", "float64", 3),
    Column("time_local", "string", lambda row, _: local_time(row.second)),
    *NAMES,
)
"""Readings: one row per face and second."""

AGGREGATE_COLUMNS: Sequence[Column] = (
    Column("begin", TIME, lambda row, _: utc_time(row.begin)),
    Column("end", TIME, lambda row, _: utc_time(row.end)),
    field("camera", "string"),
    field("zone", "string"),
    field("appearances", "int64"),
    field("seen", "float64", 3),
    field("speaking", "float64", 3),
    *_SHARES,
    field("watched", "float64", 0),
    # deprecated name of appearances; removed in the next version
    Column("people", "int64", lambda row, _: row.appearances),
    Column("begin_local", "string", lambda row, _: local_time(row.begin)),
    Column("end_local", "string", lambda row, _: local_time(row.end)),
    *NAMES,
)
"""Aggregates: one row per bucket, camera and zone."""


NO_NAMES = DisplayNames()
"""Names for when only keys are known."""


def export(
    engine: Engine,
    kind: Literal["csv", "parquet"],
    what: Literal["readings"] | Step,
    *,
    begin: float,
    end: float,
    camera: str | None,
    smallest: int,
    style: CsvStyle = PLAIN,
    names: DisplayNames = NO_NAMES,
) -> Iterator[bytes]:
    """The bytes of an export, in chunks; ``style`` applies to CSV.

    Raises:
        MissingExtraError: ``kind`` is parquet and pyarrow is not installed.
        StorageError: The database cannot be read (raised while iterating).
    """
    pyarrow = load_pyarrow("A Parquet file") if kind == "parquet" else None
    if what == "readings":
        columns = READING_COLUMNS
        rows: Iterator[Sequence[Any]] = _readings(engine, begin, end, camera)
    else:
        columns = AGGREGATE_COLUMNS
        rows = _aggregates(engine, Step(what), begin, end, camera, smallest)
    if pyarrow is None:
        return csv_pieces(columns, rows, style, names)
    return parquet_pieces(pyarrow, columns, rows, names)


def _readings(
    engine: Engine, begin: float, end: float, camera: str | None
) -> Iterator[Sequence[SecondReading]]:
    after: queries.ReadingKey | None = None
    while True:
        with read_transaction(engine) as connection:
            chunk = queries.readings(
                connection, begin=begin, end=end, camera=camera, limit=CHUNK_ROWS, after=after
            )
        if not chunk:
            return
        yield chunk
        last = chunk[-1]
        after = last.second, last.camera, last.zone, last.track


def _aggregates(
    engine: Engine, step: Step, begin: float, end: float, camera: str | None, smallest: int
) -> Iterator[Sequence[Aggregate]]:
    first, last = ceil_second(begin), ceil_second(end)
    while first < last:
        with read_transaction(engine) as connection:
            oldest = connection.scalar(
                select(func.min(SUMS.c.begin)).where(
                    SUMS.c.step == str(step), SUMS.c.begin >= first
                )
            )
            if oldest is None or oldest >= last:
                return
            first = min(oldest + _WINDOWS[step], last)
            chunk = list(
                queries.history(
                    connection,
                    step,
                    begin=oldest,
                    end=first,
                    camera=camera,
                    zone=None,
                    smallest=smallest,
                )
            )
        yield chunk

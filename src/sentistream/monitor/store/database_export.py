"""Exports readings and aggregates as CSV or Parquet, streamed in bounded memory.

Rows are fetched in chunks, each in a short transaction of its own, so that a slow download blocks
nobody.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Engine, func, select

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import SecondReading
from sentistream.monitor.store import queries
from sentistream.monitor.store.buckets import ceil_second
from sentistream.monitor.store.database import read_transaction
from sentistream.monitor.store.reading_tables import SUMS
from sentistream.parquet import load_pyarrow
from sentistream.reports.table_formats import PLAIN, CsvStyle

CHUNK_ROWS = 5_000
"""Rows fetched at a time; also the size of a Parquet row group."""

_WINDOWS = {Step.MINUTE: 6 * 3_600, Step.HOUR: 15 * 86_400, Step.DAY: 365 * 86_400}
"""Seconds of aggregates fetched at a time."""

_TIME = "timestamp"
"""Milliseconds since 1970, in UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export.

    Attributes:
        name: Its header.
        type: The name of its Arrow type, or ``_TIME``.
        value: Makes its value from a row and the display names; None becomes an empty cell.
        digits: Decimal places in CSV; None to write the value as it is.
    """

    name: str
    type: str
    value: Callable[[Any, DisplayNames], Any]
    digits: int | None = None


def _field(name: str, type_: str, digits: int | None = None) -> Column:
    return Column(name, type_, lambda row, _: getattr(row, name), digits)


_NAMES = (
    Column("camera_name", "string", lambda row, names: names.camera(row.camera)),
    Column("zone_name", "string", lambda row, names: names.zone(row.camera, row.zone)),
)


_SHARES = tuple(_field(name, "float64", 4) for name in ("positive", "neutral", "negative"))

READING_COLUMNS: Sequence[Column] = (
    Column("time", _TIME, lambda row, _: _utc(row.second)),
    _field("camera", "string"),
    _field("zone", "string"),
    _field("track", "string"),
    *_SHARES,
    Column("label", "string", lambda row, _: str(row.label)),
    _field("seen", "float64", 3),
    _field("speaking", "float64", 3),
    Column("time_local", "string", lambda row, _: _local(row.second)),
    *_NAMES,
)
"""Readings: one row per face and second."""

AGGREGATE_COLUMNS: Sequence[Column] = (
    Column("begin", _TIME, lambda row, _: _utc(row.begin)),
    Column("end", _TIME, lambda row, _: _utc(row.end)),
    _field("camera", "string"),
    _field("zone", "string"),
    _field("appearances", "int64"),
    _field("seen", "float64", 3),
    _field("speaking", "float64", 3),
    *_SHARES,
    _field("watched", "float64", 0),
    # deprecated name of appearances; removed in the next version
    Column("people", "int64", lambda row, _: row.appearances),
    Column("begin_local", "string", lambda row, _: _local(row.begin)),
    Column("end_local", "string", lambda row, _: _local(row.end)),
    *_NAMES,
)
"""Aggregates: one row per bucket, camera and zone."""


NO_NAMES = DisplayNames()
"""Where keys have to do."""


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

    For a spreadsheet, times are written as it reads them: without the letters of ISO 8601.

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
        return _csv(columns, rows, style, names)
    return _parquet(pyarrow, columns, rows, names)


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


def _csv(
    columns: Sequence[Column],
    rows: Iterator[Sequence[Any]],
    style: CsvStyle,
    names: DisplayNames,
) -> Iterator[bytes]:
    header = style.mark + style.text([[column.name for column in columns]])
    for chunk in rows:
        yield (
            header
            + style.text([_cell(column, row, style, names) for column in columns] for row in chunk)
        ).encode()
        header = ""
    if header:
        yield header.encode()


def _cell(column: Column, row: Any, style: CsvStyle, names: DisplayNames) -> str:
    value = column.value(row, names)
    if value is None:
        return ""
    for_people = style != PLAIN
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" if for_people else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if for_people and column.name.endswith("_local"):
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}"
    if column.digits is None:
        text = str(value)
        # a spreadsheet takes what begins so for a formula, and would compute it
        return f"'{text}" if for_people and text.startswith(_FORMULA) else text
    return f"{value:.{column.digits}f}".replace(".", style.point)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def schema_of(pyarrow: Any, columns: Sequence[Column]) -> Any:
    """The Arrow schema of a file."""
    time = pyarrow.timestamp("ms", tz="UTC")
    return pyarrow.schema(
        [(column.name, time if column.type == _TIME else column.type) for column in columns]
    )


def _parquet(
    pyarrow: Any,
    columns: Sequence[Column],
    rows: Iterator[Sequence[Any]],
    names: DisplayNames,
) -> Iterator[bytes]:
    schema = schema_of(pyarrow, columns)
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for chunk in rows:
            arrays = [
                pyarrow.array([column.value(row, names) for row in chunk], type=field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pyarrow.table(arrays, schema=schema))
            yield sink.drain()
    yield sink.drain()


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _local(seconds: float) -> str:
    """By the machine's own time zone, with its offset from UTC."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


class _Sink(io.RawIOBase):
    """A write-only file whose contents are drained as they are written."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._pending += view
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        return self._written

    def drain(self) -> bytes:
        """What was written since the last call."""
        data = bytes(self._pending)
        self._pending.clear()
        return data

"""Columns of files that hold readings or aggregates, written as CSV or Parquet piece by piece."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sentistream.monitor.display_names import DisplayNames
from sentistream.reports.table_formats import PLAIN, CsvStyle

TIME = "timestamp"
"""Milliseconds since 1970, in UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export.

    Attributes:
        name: Its header.
        type: The name of its Arrow type, or ``TIME``.
        value: Makes its value from a row and the display names; None becomes an empty cell.
        digits: Decimal places in CSV; None to write the value as it is.
    """

    name: str
    type: str
    value: Callable[[Any, DisplayNames], Any]
    digits: int | None = None


def field(name: str, type_: str, digits: int | None = None) -> Column:
    """A column that holds an attribute of the rows."""
    return Column(name, type_, lambda row, _: getattr(row, name), digits)


NAMES: Sequence[Column] = (
    Column("camera_name", "string", lambda row, names: names.camera(row.camera)),
    Column("zone_name", "string", lambda row, names: names.zone(row.camera, row.zone)),
)


def csv_pieces(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    style: CsvStyle,
    names: DisplayNames,
) -> Iterator[bytes]:
    """CSV, one piece for each chunk of rows.

    For a spreadsheet, times are written as it reads them: without the letters of ISO 8601.
    """
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
    if isinstance(value, bool):
        return str(value).lower()
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
        [(column.name, time if column.type == TIME else column.type) for column in columns]
    )


def parquet_pieces(
    pyarrow: Any,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    names: DisplayNames,
) -> Iterator[bytes]:
    """Parquet, compressed with zstd; each chunk of rows is a row group."""
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


def utc_time(seconds: float) -> datetime:
    """A moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def local_time(seconds: float) -> str:
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

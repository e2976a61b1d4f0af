"""``readings.csv`` and ``readings.parquet``: one row per moment and face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentistream.parquet import load_pyarrow
from sentistream.reports.output_files import GuardedFile, Output, Reserve, partial_name, writing
from sentistream.reports.table_formats import PLAIN, CsvStyle
from sentistream.tables import COLUMNS, Value
from sentistream.types import Moment, Reading

ROW_GROUP = 2048
"""Rows kept in memory before they go to the Parquet file."""


class CsvTable(Output):
    """``readings.csv``: every moment is written before the next one is processed.

    Args:
        path: The file; replaced if it exists.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        reserve: Space to finish from when the disk is full.
        style: How it is written.
    """

    def __init__(
        self,
        path: Path,
        *,
        mouth_threshold: float,
        reserve: Reserve | None = None,
        style: CsvStyle = PLAIN,
    ) -> None:
        self._style = style
        self._path = path
        self._threshold = mouth_threshold
        self._reserve = reserve

    def open(self) -> None:
        self._file = GuardedFile(self._path, self._reserve)
        self._whole = 0
        self._write([[column.name for column in COLUMNS]], self._style.mark)

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self._write(
            [
                [_text(column.value(reading, self._threshold), column.digits) for column in COLUMNS]
                for reading in readings
            ]
        )

    def close(self, *, complete: bool) -> None:
        if self._file.closed:
            return
        with writing(self._path):
            if self._file.tell() > self._whole:
                self._file.cut(self._whole)
            self._file.close()

    def _write(self, rows: Sequence[Sequence[object]], mark: str = "") -> None:
        with writing(self._path):
            self._file.write((mark + self._style.text(rows)).encode())
        self._whole = self._file.tell()
        self._file.check()


def _text(value: Value, digits: int | None) -> str | float:
    if value is None:
        return ""
    return str(value) if digits is None else round(float(value), digits)


class ParquetTable(Output):
    """``readings.parquet``, written in row groups.

    A Parquet file is readable only when finished. Until then it is called
    ``readings.partial.parquet``, so a file with the final name is always complete; after
    ``kill -9`` the rows are in ``readings.csv``.

    Args:
        path: The file; replaced if it exists.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        reserve: Space to finish from when the disk is full.
        row_group: Rows per group.
        constants: Additional text columns, before the others, the same in every row.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        mouth_threshold: float,
        reserve: Reserve | None = None,
        row_group: int = ROW_GROUP,
        constants: Mapping[str, str] | None = None,
    ) -> None:
        self._constants = dict(constants or {})
        self._pyarrow = load_pyarrow("Writing Parquet files")
        self._path = path
        self._partial = partial_name(path)
        self._threshold = mouth_threshold
        self._reserve = reserve
        self._row_group = row_group
        self._columns: list[list[Value]] = [[] for _ in COLUMNS]

    def open(self) -> None:
        self._file = GuardedFile(self._partial, self._reserve)
        fields = [(name, "string") for name in self._constants]
        fields += [(column.name, column.type) for column in COLUMNS]
        schema = self._pyarrow.schema(fields)
        self._writer: Any = self._pyarrow.parquet.ParquetWriter(self._file, schema)

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        for reading in readings:
            for column, values in zip(COLUMNS, self._columns, strict=True):
                values.append(column.value(reading, self._threshold))
        if len(self._columns[0]) >= self._row_group:
            self._write()
            self._file.check()

    def close(self, *, complete: bool) -> None:
        if self._file.closed:
            return
        with writing(self._path):
            try:
                self._write()
                self._writer.close()
            finally:
                self._file.close()
            self._partial.replace(self._path)

    def _write(self) -> None:
        if not self._columns[0]:
            return
        same = [[value] * len(self._columns[0]) for value in self._constants.values()]
        arrays = [self._pyarrow.array(values, type="string") for values in same]
        arrays += [
            self._pyarrow.array(values, type=column.type)
            for column, values in zip(COLUMNS, self._columns, strict=True)
        ]
        with writing(self._path):
            self._writer.write_table(self._pyarrow.table(arrays, schema=self._writer.schema))
        self._columns = [[] for _ in COLUMNS]

"""``readings.xlsx``: the table for Excel and similar programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentistream.reports.output_files import Output, partial_name, writing
from sentistream.tables import COLUMNS
from sentistream.types import Moment, Reading

MAX_ROWS = 1_048_576
"""Rows of a sheet, as Excel has it; the next sheet takes the rest."""


class Workbook(Output):
    """A sheet of readings with the columns of ``readings.csv``; memory stays constant.

    Args:
        path: The file; replaced if it exists.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        most_rows: Rows of a sheet, including its header.
    """

    def __init__(self, path: Path, *, mouth_threshold: float, most_rows: int = MAX_ROWS) -> None:
        import xlsxwriter

        self._xlsxwriter: Any = xlsxwriter
        self._path = path
        self._partial = partial_name(path)
        self._threshold = mouth_threshold
        self._most_rows = most_rows
        self._closed = False

    def open(self) -> None:
        with writing(self._path):
            self._partial.touch()  # report now that it cannot be written
            options = {"constant_memory": True, "strings_to_formulas": False}
            self._book = self._xlsxwriter.Workbook(str(self._partial), options)
            self._sheets = 0
            self._begin_sheet()

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        with writing(self._path):
            for reading in readings:
                if self._row >= self._most_rows:
                    self._end_sheet()
                    self._begin_sheet()
                for place, column in enumerate(COLUMNS):
                    value = column.value(reading, self._threshold)
                    if column.digits is not None and value is not None:
                        self._sheet.write_number(
                            self._row, place, round(float(value), column.digits)
                        )
                    elif isinstance(value, int):
                        self._sheet.write_number(self._row, place, value)
                    elif value:
                        self._sheet.write_string(self._row, place, str(value))
                self._row += 1

    def close(self, *, complete: bool) -> None:
        if self._closed:
            return
        self._closed = True
        with writing(self._path):
            try:
                self._end_sheet()
                self._book.close()
            except self._xlsxwriter.exceptions.FileCreateError as error:
                self._partial.unlink(missing_ok=True)
                raise error.args[0] from error  # an OSError
            self._partial.replace(self._path)

    def _begin_sheet(self) -> None:
        self._sheets += 1
        name = "readings" if self._sheets == 1 else f"readings {self._sheets}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, column in enumerate(COLUMNS):
            self._sheet.set_column(place, place, max(9, len(column.name) + 1))
        for place, column in enumerate(COLUMNS):
            self._sheet.write_string(0, place, column.name, bold)
        self._row = 1

    def _end_sheet(self) -> None:
        self._sheet.autofilter(0, 0, max(1, self._row - 1), len(COLUMNS) - 1)

"""Tables as text: CSV for programs or the user's own spreadsheet, and Markdown."""

from __future__ import annotations

import csv
import io
import locale
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """A way to write CSV.

    Attributes:
        separator: Between two fields.
        point: The decimal mark.
        mark: The byte order mark, if any.
    """

    separator: str = ","
    point: str = "."
    mark: str = ""

    def text(self, rows: Iterable[Sequence[object]]) -> str:
        """The rows as lines."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.separator, lineterminator="\n")
        writer.writerows([self._field(value) for value in row] for row in rows)
        return out.getvalue()

    def _field(self, value: object) -> object:
        if isinstance(value, float) and self.point != ".":
            return str(value).replace(".", self.point)
        return value


PLAIN = CsvStyle()
"""Commas and points, for programs."""


def spreadsheet_style(decimal_point: str | None = None) -> CsvStyle:
    """A style that a spreadsheet in the user's language opens directly: UTF-8 with a mark.

    With a decimal comma, as in German or French, a semicolon separates fields.

    Args:
        decimal_point: The user's decimal mark; None for the locale's.
    """
    point = decimal_point or _point_of_the_locale()
    return CsvStyle(separator=";" if point == "," else ",", point=point, mark=_BOM)


def _point_of_the_locale() -> str:
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        return "," if locale.localeconv()["decimal_point"] == "," else "."
    except locale.Error:
        return "."
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


def markdown_row(cells: Sequence[str]) -> str:
    """One row of a Markdown table; bars in cells are escaped, line breaks become spaces."""
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Column heads and rows of cells as Markdown, without a newline at the end."""
    lines = [markdown_row(heads), "|" + "---|" * len(heads), *map(markdown_row, rows)]
    return "\n".join(lines)


def csv_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Rows by the names of their columns.

    Args:
        rows: Values by column; missing ones are empty.
        columns: Those to write; by default all of the first row.

    Raises:
        ValueError: No columns are given, and a row has some that the first lacks.
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(
        text,
        columns or list(rows[0]),
        extrasaction="ignore" if columns else "raise",
        restval="",
        lineterminator="\n",
    )
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()

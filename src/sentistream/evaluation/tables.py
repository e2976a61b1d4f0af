"""Tables as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The heads of columns and rows of cells, without a newline at the end."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, *rows)]
    lines.insert(1, "|" + "---|" * len(heads))
    return "\n".join(lines)


def csv_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Rows by the names of their columns.

    Args:
        rows: Values by column; what a row lacks is empty.
        columns: Those to write; all of the first row unless given.

    Raises:
        ValueError: No columns are given, and a row has some that the first has not.
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

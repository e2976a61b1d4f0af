"""Rows as columns for the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence

_NARROWEST = 20
_NO_TERMINAL = 160


def columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = (), gap: int = 2) -> str:
    """Rows below each other, each column as wide as its widest cell.

    The last column is wrapped at the terminal's width, or at 160 where there is no terminal.

    Args:
        rows: Cells, as many in each row.
        right: Columns, from 0, that are set flush right.
        gap: Spaces between two columns.
    """
    if not rows:
        return ""
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    indent = sum(widths) + gap * len(widths)
    whole = shutil.get_terminal_size().columns if sys.stdout.isatty() else _NO_TERMINAL
    lines = []
    for row in rows:
        *cells, last = row
        begin = "".join(
            (cell.rjust(width) if index in right else cell.ljust(width)) + " " * gap
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        wrapped = textwrap.wrap(last, max(_NARROWEST, whole - indent)) or [""]
        lines += [(begin + wrapped[0]).rstrip(), *(" " * indent + line for line in wrapped[1:])]
    return "\n".join(lines)

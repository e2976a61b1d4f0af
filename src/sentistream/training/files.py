"""Files that are there whole or as they were before."""

from __future__ import annotations

import os
from pathlib import Path

from sentistream.errors import OutputError


def replace_file(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path`` at once; its folder is made.

    Raises:
        OutputError: That is not possible; what was at ``path`` is untouched.
    """
    temporary = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _forget(temporary)
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).",
            "Correct that and give the same command again: training goes on from the last "
            "checkpoint.",
        ) from None


def _forget(path: Path) -> None:
    """Removes what a failed write left, as far as that is possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return

"""Files of a training run, written atomically."""

from __future__ import annotations

from pathlib import Path

from sentistream.atomic_write import atomic_write
from sentistream.errors import OutputError


def replace_file(path: Path, content: bytes) -> None:
    """Atomically writes ``content`` to ``path``; its folder is created.

    Raises:
        OutputError: That is not possible; what was at ``path`` is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).",
            "Correct that and give the same command again: training goes on from the last "
            "checkpoint.",
        ) from None

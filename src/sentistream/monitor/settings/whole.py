"""Files that are whole, or as they were."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from sentistream.errors import OutputError
from sentistream.translatable import Translatable


def write_whole(path: Path, text: str) -> None:
    """Writes a file beside its place and moves it there.

    A new one is for its owner alone; one that was there keeps its permissions and, where the
    program may do that, its owner. A link goes on leading to it.

    Raises:
        OutputError: It cannot be written; then it is as it was.
    """
    unfinished: Path | None = None
    try:
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        unfinished = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            with contextlib.suppress(FileNotFoundError):
                _be_like(file.fileno(), target.stat())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise OutputError(
            Translatable(
                "{path} cannot be written ({words}).",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None


def _be_like(descriptor: int, before: os.stat_result) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:
            # what its group was let see is not for another group
            os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o707)
            return
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))

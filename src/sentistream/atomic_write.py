"""Atomic file replacement: after a write, a file is either complete or as it was before."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME_LENGTH = 50
"""Characters of the target's name in the temporary file's, which is limited to 255 bytes."""


@contextmanager
def atomic_path(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A temporary file beside ``path`` that replaces it when the block ends without an error.

    The new file gets the old one's permissions and, if the program may do that, its owner; symbolic
    links to it stay valid. If anything is raised, the temporary file is deleted.

    Args:
        path: The file to write; its folder exists.
        private: Whether a new file is readable only by its owner (mode 0600).

    Raises:
        OSError: It cannot be written, for instance because the disk is full.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name[:_NAME_LENGTH]}.{secrets.token_hex(4)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    os.close(os.open(temporary, flags, 0o600 if private else 0o666))
    try:
        yield temporary
        descriptor = os.open(temporary, os.O_RDWR)
        try:
            with contextlib.suppress(FileNotFoundError):
                _copy_permissions(descriptor, target.stat())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def atomic_write(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Replaces a file's content (text as UTF-8, line endings as given); see ``atomic_path``.

    Raises:
        OSError: It cannot be written; the old content is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path, private=private) as temporary:
        temporary.write_bytes(data)


def _copy_permissions(descriptor: int, before: os.stat_result) -> None:
    if not hasattr(os, "fchown"):  # Windows
        return
    now = os.fstat(descriptor)
    mode = stat.S_IMODE(before.st_mode)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:
            mode &= 0o707  # another group must not read what the previous one could
    os.fchmod(descriptor, mode)

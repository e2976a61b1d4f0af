"""Recognises a file that was analyzed before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def file_facts(path: Path | None) -> dict[str, Any] | None:
    """A file's size in bytes and modification time; None for anything else.

    The time is UTC in ISO 8601, to the microsecond.
    """
    if path is None or not path.is_file():
        return None
    found = path.stat()
    changed = datetime.fromtimestamp(found.st_mtime_ns // 1_000 / 1e6, UTC)
    return {"bytes": found.st_size, "modified": changed.isoformat(timespec="microseconds")}

"""By what a file is known again that was analyzed before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def file_facts(path: Path | None) -> dict[str, Any] | None:
    """The size in bytes of a file and when it was changed; None for what is no file.

    The time is UTC in ISO 8601, to the microsecond.
    """
    if path is None or not path.is_file():
        return None
    found = path.stat()
    changed = datetime.fromtimestamp(found.st_mtime_ns // 1_000 / 1e6, UTC)
    return {"bytes": found.st_size, "modified": changed.isoformat(timespec="microseconds")}

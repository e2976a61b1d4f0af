"""Online backups of an SQLite database."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from sentistream.atomic_write import atomic_path
from sentistream.errors import StorageError
from sentistream.monitor.store.storage_errors import display_name, storage_error

PAGES_PER_STEP = 512
"""Pages copied at a time (2 MiB)."""
_PAUSE = 0.01
"""Seconds between them, in which others can use the disk."""

PREFIX, SUFFIX = "sentistream-", ".sqlite3"


def backup(engine: Engine, target: Path) -> None:
    """Copies the database as it is now; the copy appears under its name only when it is complete.

    Raises:
        StorageError: It is not SQLite, or the copy cannot be written or fails its integrity check.
    """
    if engine.dialect.name != "sqlite":
        raise StorageError(
            f"{display_name(engine.url)} is not copied by the monitor.",
            "Use PostgreSQL's own tools, for instance pg_dump --format=custom.",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with atomic_path(target, private=True) as partial:
            _copy(str(engine.url.database), partial)
    except OSError as error:
        raise _unwritable(target.parent, error.strerror or "unknown error") from None
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":  # only the copy grows
            raise _unwritable(target.parent, "the disk is full") from None
        raise storage_error(error, engine.url) from None


def list_backups(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    return sorted(folder.glob(f"{PREFIX}*T*Z{SUFFIX}"))


def backup_name(now: float) -> str:
    """The file name of a backup made at ``now`` (wall-clock seconds); names sort by time."""
    return f"{PREFIX}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def prune_backups(folder: Path, kept: int) -> None:
    """Deletes all but the newest backups, and what an interrupted backup left.

    Raises:
        StorageError: One cannot be deleted.
    """
    for old in (*list_backups(folder)[:-kept], *folder.glob(f".{PREFIX}*.partial")):
        try:
            old.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"The old backup {old} cannot be deleted ({error.strerror}).",
                "See who owns its folder.",
            ) from None


def _unwritable(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"No backup can be written into {folder} ({why}).",
        "See who owns the folder and how full its disk is.",
    )


def _copy(database: str, partial: Path) -> None:
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as source,
        closing(sqlite3.connect(partial, isolation_level=None)) as copy,
    ):
        # an open read transaction pins one snapshot; without it each write restarts the copy
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=PAGES_PER_STEP, progress=lambda *_: time.sleep(_PAUSE))
        source.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, no log beside it
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the copy failed its integrity check")

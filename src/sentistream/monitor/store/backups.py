"""Whole copies of an SQLite database while it is written to."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from sentistream.errors import StorageError
from sentistream.monitor.store.failures import shown, storage_error

_PAGES = 512
"""Pages copied at a time (2 MiB)."""
_PAUSE = 0.01
"""Seconds between, in which the disk is others'."""

PREFIX, SUFFIX = "sentistream-", ".sqlite3"


def backup(engine: Engine, target: Path) -> None:
    """Copies the database as it is now; the copy has its name only once it is whole.

    Raises:
        StorageError: It is not SQLite, or the copy cannot be written or is not sound.
    """
    if engine.dialect.name != "sqlite":
        raise StorageError(
            f"{shown(engine.url)} is not copied by the monitor.",
            "Use PostgreSQL's own tools, for instance pg_dump --format=custom.",
        )
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(str(engine.url.database), partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise _refused(target.parent, error.strerror or "unknown error") from None
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":  # only the copy grows
            raise _refused(target.parent, "the disk is full") from None
        raise storage_error(error, engine.url) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def copies(folder: Path) -> list[Path]:
    """Our copies in a folder, the oldest first."""
    return sorted(folder.glob(f"{PREFIX}*T*Z{SUFFIX}"))


def name_of_copy(now: float) -> str:
    """A name that sorts by time."""
    return f"{PREFIX}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def prune(folder: Path, kept: int) -> None:
    """Deletes all but the newest copies.

    Raises:
        StorageError: One cannot be deleted.
    """
    for old in copies(folder)[:-kept]:
        try:
            old.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"The old backup {old} cannot be deleted ({error.strerror}).",
                "See who owns its folder.",
            ) from None


def _refused(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"No backup can be written into {folder} ({why}).",
        "See who owns the folder and how full its disk is.",
    )


def _copy(database: str, partial: Path) -> None:
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as source,
        closing(sqlite3.connect(partial, isolation_level=None)) as copy,
    ):
        # held open, this keeps one state in view: else each write would begin the copy anew
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES, progress=lambda *_: time.sleep(_PAUSE))
        source.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, no log beside it
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the copy is not sound")

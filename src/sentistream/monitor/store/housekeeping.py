"""Deletes what is too old and makes backups, on schedule, while everything else goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sentistream.errors import StorageError
from sentistream.monitor.interfaces import Store
from sentistream.monitor.settings import Settings
from sentistream.monitor.store.backups import PREFIX, SUFFIX, copies, name_of_copy, prune

LOG = logging.getLogger(__name__)

TIDY_EVERY = 3_600.0
AGAIN_AFTER = 600.0
"""Seconds after which something that failed is tried again."""

STEADY = 600.0
"""Seconds the clock must have gone evenly before anything is deleted by it: a clock that jumps
years ahead would else delete everything."""

_JUMP = 60.0
_LOOK_EVERY = 20.0


class Housekeeper:
    """Tidies every hour and makes backups as the settings say, in a thread of its own.

    Args:
        store: What is looked after.
        settings: Gives the settings in force: ``lambda: configuration.settings``.
    """

    def __init__(self, store: Store, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._settings = settings
        self._offset: float | None = None
        self._steady_since = 0.0
        self._tidy_at = 0.0
        self._backup_at = 0.0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._errors: dict[str, str] = {}

    @property
    def last_error(self) -> str:
        """What cannot be done at present, in words for the owner; empty while all is well."""
        return " ".join(self._errors.values())

    def start(self) -> None:
        """Begins to look after it."""
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it; an unfinished backup is given up and leaves nothing but a hidden part."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5)

    def look(self, now: float, monotonic: float) -> None:
        """Does what is due.

        Args:
            now: Wall-clock seconds (UTC).
            monotonic: Seconds on a clock that never jumps.
        """
        offset = now - monotonic
        if self._offset is None or abs(offset - self._offset) > _JUMP:
            self._steady_since = monotonic
        self._offset = offset
        if monotonic - self._steady_since >= STEADY and monotonic >= self._tidy_at:
            done = self._try("tidy", lambda: self._store.tidy(now))
            self._tidy_at = monotonic + (TIDY_EVERY if done else AGAIN_AFTER)
        storage = self._settings().storage
        folder = storage.backup_folder
        if folder is not None and monotonic >= self._backup_at:
            age = now - _newest(folder)
            if not 0 <= age < storage.backup_hours * 3600:
                kept = storage.backups_kept
                self._try("backup", lambda: self._back_up(folder, now, kept))
                self._backup_at = monotonic + AGAIN_AFTER

    def _back_up(self, folder: Path, now: float, kept: int) -> None:
        self._store.backup(folder / name_of_copy(now))
        prune(folder, kept)

    def _try(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except StorageError as error:
            if self._errors.get(what) != str(error):
                LOG.warning("%s", error)
            self._errors[what] = str(error)
            return False
        self._errors.pop(what, None)
        return True

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_EVERY):
            try:
                self.look(time.time(), time.monotonic())
            except Exception:
                LOG.exception("Housekeeping failed; it goes on.")


def _newest(folder: Path) -> float:
    """When the newest copy was made, by its name; long ago where there is none."""
    for path in reversed(copies(folder)):
        try:
            stamp = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
            return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return float("-inf")

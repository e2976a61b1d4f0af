"""Scheduled housekeeping: retention every hour and backups, while the monitor runs."""

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
from sentistream.monitor.store.backups import (
    PREFIX,
    SUFFIX,
    backup_name,
    list_backups,
    prune_backups,
)

LOG = logging.getLogger(__name__)

RETENTION_INTERVAL = 3_600.0
"""Seconds from one deletion of old data to the next."""

RETRY_DELAY = 600.0
"""Seconds after which a failed task is retried."""

STEADY_CLOCK = 600.0
"""Seconds for which the clock must not have jumped before anything is deleted: a clock that jumps
years ahead would otherwise delete everything."""

_JUMP = 60.0
POLL_INTERVAL = 20.0
"""Seconds between checks of what is due."""


class Housekeeper:
    """Applies the retention settings every hour and makes backups, in its own thread.

    Args:
        store: The store to maintain.
        settings: Returns the current settings: ``lambda: configuration.settings``.
        poll_interval: Seconds between checks of what is due.
    """

    def __init__(
        self,
        store: Store,
        settings: Callable[[], Settings],
        *,
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        self._poll_interval = poll_interval
        self._store = store
        self._settings = settings
        self._offset: float | None = None
        self._steady_since = 0.0
        self._retention_at = 0.0
        self._backup_at = 0.0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._errors: dict[str, str] = {}

    @property
    def last_error(self) -> str:
        """Current failures, as sentences for the owner; empty if there are none."""
        return " ".join(self._errors.values())

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops it; an unfinished backup is abandoned and leaves at most a hidden partial file."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5)

    def run_due(self, now: float, monotonic: float) -> None:
        """Runs the tasks that are due.

        Args:
            now: Wall-clock seconds (UTC).
            monotonic: Seconds on a clock that never jumps.
        """
        offset = now - monotonic
        if self._offset is None or abs(offset - self._offset) > _JUMP:
            self._steady_since = monotonic
        self._offset = offset
        if monotonic - self._steady_since >= STEADY_CLOCK and monotonic >= self._retention_at:
            done = self._try("retention", lambda: self._store.apply_retention(now))
            self._retention_at = monotonic + (RETENTION_INTERVAL if done else RETRY_DELAY)
        storage = self._settings().storage
        folder = storage.backup_folder
        if folder is not None and monotonic >= self._backup_at:
            age = now - _newest(folder)
            if not 0 <= age < storage.backup_hours * 3600:
                kept = storage.backups_kept
                self._try("backup", lambda: self._back_up(folder, now, kept))
                self._backup_at = monotonic + RETRY_DELAY

    def _back_up(self, folder: Path, now: float, kept: int) -> None:
        self._store.backup(folder / backup_name(now))
        prune_backups(folder, kept)

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
        while not self._closing.wait(self._poll_interval):
            try:
                self.run_due(time.time(), time.monotonic())
            except Exception:
                LOG.exception("Housekeeping failed; it continues.")


def _newest(folder: Path) -> float:
    """When the newest backup was made, from its name; minus infinity if there is none."""
    for path in reversed(list_backups(folder)):
        try:
            stamp = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
            return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return float("-inf")

"""The settings in force, and how they are changed while the monitor runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sentistream.monitor.settings import Settings, save_changes


class Configuration:
    """Holds the settings, saves changes in their overlay and notifies dependents.

    Args:
        settings: The current settings.
        path: The owner's YAML file; changes are saved in the overlay beside it.
    """

    def __init__(self, settings: Settings, path: Path) -> None:
        self._lock = threading.Lock()
        self._settings = settings
        self._callbacks: list[Callable[[Settings], None]] = []
        self.path = path

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return self._settings

    def on_change(self, callback: Callable[[Settings], None]) -> None:
        """Calls ``callback`` with the new settings after each change, in the changing thread."""
        self._callbacks.append(callback)

    def change(self, settings: Settings) -> None:
        """Saves and applies new settings.

        Raises:
            OutputError: The overlay cannot be written; nothing changes.
            InputError: The YAML file or the overlay cannot be read; likewise.
        """
        with self._lock:
            save_changes(self.path, before=self._settings, after=settings)
            self._settings = settings
        for callback in self._callbacks:
            callback(settings)

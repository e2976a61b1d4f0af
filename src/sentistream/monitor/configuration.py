"""The settings in force, and how they are changed while the monitor runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sentistream.monitor.settings import Settings, save_settings


class Configuration:
    """Holds the settings, saves changes to their file and notifies whoever depends on them.

    Args:
        settings: In force now.
        path: Their YAML file, written when they change.
    """

    def __init__(self, settings: Settings, path: Path) -> None:
        self._lock = threading.Lock()
        self._settings = settings
        self._callbacks: list[Callable[[Settings], None]] = []
        self.path = path

    @property
    def settings(self) -> Settings:
        """In force now."""
        return self._settings

    def on_change(self, callback: Callable[[Settings], None]) -> None:
        """Calls ``callback`` with the new settings after each change, in the changing thread."""
        self._callbacks.append(callback)

    def change(self, settings: Settings) -> None:
        """Saves new settings and puts them into force.

        Raises:
            OutputError: The file cannot be written; then everything stays as it was.
        """
        with self._lock:
            save_settings(settings, self.path, before=self._settings)
            self._settings = settings
        for callback in self._callbacks:
            callback(settings)

"""The settings in force, and how they are changed while the monitor runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sentistream.monitor.settings import Settings, save_settings


class Configuration:
    """Holds the settings, writes changes to their file and tells who depends on them.

    Args:
        settings: In force now.
        path: Their YAML file, written when they change.
    """

    def __init__(self, settings: Settings, path: Path) -> None:
        self._lock = threading.Lock()
        self._settings = settings
        self._listeners: list[Callable[[Settings], None]] = []
        self.path = path

    @property
    def settings(self) -> Settings:
        """In force now."""
        return self._settings

    def listen(self, changed: Callable[[Settings], None]) -> None:
        """``changed`` is called, in the changing thread, with each new state."""
        self._listeners.append(changed)

    def change(self, settings: Settings) -> None:
        """Saves and puts into force.

        Raises:
            OutputError: The file cannot be written; then everything stays as it was.
        """
        with self._lock:
            save_settings(settings, self.path, before=self._settings)
            self._settings = settings
        for listener in self._listeners:
            listener(settings)

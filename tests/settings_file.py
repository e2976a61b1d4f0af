"""Settings as a YAML file, as a user would write it."""

from __future__ import annotations

from pathlib import Path

from sentistream.monitor.settings import Settings, build_settings, overlay_path, save_changes


def write_settings(settings: Settings, path: Path) -> None:
    """Write the values that differ from the defaults."""
    path.touch(0o600)
    save_changes(path, before=build_settings({}), after=settings)
    if overlay_path(path).exists():
        overlay_path(path).rename(path)

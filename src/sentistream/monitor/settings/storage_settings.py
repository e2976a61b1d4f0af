"""Where readings are stored, and for how long."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from sentistream.monitor.settings.settings_base import SettingsGroup


class StorageSettings(SettingsGroup):
    """The database of readings; pictures and sound are never stored."""

    url: SecretStr = Field(
        default=SecretStr(""),
        title="Database",
        description=(
            "Empty for an SQLite file in the state folder, or postgresql://user:password@host/name."
        ),
    )
    seconds_days: int = Field(
        default=7,
        ge=1,
        le=365,
        title="Days of readings",
        description="How long readings of single faces, second by second, are kept.",
    )
    minutes_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        title="Days of minutes",
        description="How long aggregates by the minute are kept.",
    )
    hours_days: int = Field(
        default=730,
        ge=1,
        le=36500,
        title="Days of hours",
        description="How long aggregates by hour and day are kept.",
    )
    backup_folder: Path | None = Field(
        default=None,
        title="Backup folder",
        description="Folder for backups of an SQLite database while it runs; none without.",
    )
    backup_hours: float = Field(
        default=24, ge=1, le=24 * 31, title="Backup every", description="Hours between backups."
    )
    backups_kept: int = Field(
        default=7, ge=1, le=1000, title="Backups kept", description="Older backups are deleted."
    )

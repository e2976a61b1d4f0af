"""What is kept, for how long, and what the house owes to those who are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from sentistream.monitor.settings.base import Group


class StorageSettings(Group):
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
        description="How long sums by the minute are kept.",
    )
    hours_days: int = Field(
        default=730,
        ge=1,
        le=36500,
        title="Days of hours",
        description="How long sums by hour and day are kept.",
    )
    backup_folder: Path | None = Field(
        default=None,
        title="Backup folder",
        description="Where copies of an SQLite database are put while it runs; none without.",
    )
    backup_hours: float = Field(
        default=24, ge=1, le=24 * 31, title="Backup every", description="Hours between copies."
    )
    backups_kept: int = Field(
        default=7, ge=1, le=1000, title="Backups kept", description="Older copies are deleted."
    )


class PrivacySettings(Group):
    """What protects the people in the picture, and what the documents say about it."""

    preview: bool = Field(
        default=True,
        title="Live picture",
        description="Whether the page may show live pictures; they are never stored.",
    )
    blur: bool = Field(
        default=True,
        title="Blur people",
        description=(
            "Whether everything that differs from the still background, and every known face, "
            "is blurred in them. The first half minute is blurred as a whole."
        ),
    )
    smallest_group: int = Field(
        default=5,
        ge=1,
        le=100,
        title="Smallest group",
        description="Sums over fewer appearances than this are not shown or sent; who comes back "
        "is another.",
    )
    controller: str = Field(
        default="",
        max_length=200,
        title="Controller",
        description="Who is responsible: name and address, for notices and assessments.",
    )
    contact: str = Field(
        default="", max_length=200, title="Contact", description="Whom people may ask."
    )
    purpose: str = Field(
        default="",
        max_length=500,
        title="Purpose",
        description="What the readings are used for, in a sentence.",
    )
    legal_basis: str = Field(
        default="",
        max_length=500,
        title="Legal basis",
        description="On what ground they may be processed, for instance consent.",
    )


class LoggingSettings(Group):
    """What the program writes about itself; never a password, never a person."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", title="Level", description="The least important lines that are written."
    )
    format: Literal["text", "json"] = Field(
        default="text", title="Format", description="For people, or one JSON object a line."
    )
    file: Path | None = Field(
        default=None, title="File", description="Where to write; the terminal without."
    )
    megabytes: int = Field(
        default=10, ge=1, le=1000, title="Size", description="At which a file is begun anew."
    )
    kept: int = Field(
        default=5, ge=0, le=100, title="Kept", description="How many earlier files are kept."
    )

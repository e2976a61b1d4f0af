"""The program's own log."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sentistream.monitor.settings.settings_base import SettingsGroup


class LoggingSettings(SettingsGroup):
    """The program's own log; it never contains a password or a person."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", title="Level", description="The lowest severity that is written."
    )
    format: Literal["text", "json"] = Field(
        default="text", title="Format", description="Readable lines, or one JSON object per line."
    )
    file: Path | None = Field(
        default=None, title="File", description="Log file; the terminal without one."
    )
    megabytes: int = Field(
        default=10, ge=1, le=1000, title="Size", description="Size at which the file is rotated."
    )
    kept: int = Field(
        default=5, ge=0, le=100, title="Kept", description="How many rotated files are kept."
    )

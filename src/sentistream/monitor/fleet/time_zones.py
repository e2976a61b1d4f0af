"""The machine's time zone by its IANA name."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

_FOLDER = "zoneinfo/"


def local_time_zone(link: Path = Path("/etc/localtime")) -> str:
    """The zone of the variable ``TZ``, else of ``/etc/localtime``; UTC if neither names one."""
    named = os.environ.get("TZ", "").removeprefix(":")
    candidates = [named.partition(_FOLDER)[2] or named]
    if not named:
        with suppress(OSError):
            candidates.append(str(link.resolve()).partition(_FOLDER)[2])
    for name in candidates:
        name = name.removeprefix("posix/").removeprefix("right/")
        if is_time_zone(name):
            return name
    return "UTC"


def is_time_zone(name: str) -> bool:
    """Whether a text is the IANA name of a zone."""
    if not name or len(name) > 64:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True

"""From what a user names to the source that reads it."""

from __future__ import annotations

import math
from pathlib import Path

from sentistream.media.file import FileSource
from sentistream.media.source import Source


def open_source(source: str | Path | int, *, tick: float, sound_window: float) -> Source:
    """The moments of a video file, a camera or a stream.

    Args:
        source: A file's path; a camera's number (an int, or a str of digits when no file is
            called so); or an address such as ``rtsp://...`` or ``http://...``.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.

    Raises:
        InputError: It cannot be analyzed.
        ValueError: ``tick`` or ``sound_window`` is not positive.
    """
    for name, value in (("tick", tick), ("sound_window", sound_window)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is a positive number of seconds, not {value}.")
    return FileSource(Path(str(source)), tick=tick, sound_window=sound_window)

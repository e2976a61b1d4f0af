"""From what a user names to the source that reads it."""

from __future__ import annotations

import math
import re
from pathlib import Path

from sentistream.errors import InputError
from sentistream.media.file import FileSource
from sentistream.media.live import ADDRESSES, CameraSource
from sentistream.media.source import Source


def open_source(
    source: str | Path | int, *, tick: float, sound_window: float, threads: int = 0
) -> Source:
    """The moments of a video file, a camera or a stream.

    Args:
        source: A file's path; a camera's number (an int, or a str of digits when no file is
            called so); or an address such as ``rtsp://...`` or ``http://...``.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.
        threads: In which a file is decoded; 0 for as many as the decoder sees fit. One is least
            work and memory, several are sooner done.

    Raises:
        InputError: It cannot be analyzed.
        ValueError: ``tick`` or ``sound_window`` is not positive.
    """
    for name, value in (("tick", tick), ("sound_window", sound_window)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is a positive number of seconds, not {value}.")
    if isinstance(source, int):
        return CameraSource(source, tick=tick, sound_window=sound_window)
    if isinstance(source, str) and not Path(source).exists():
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
        if scheme is not None:
            if scheme[1].lower() not in ADDRESSES:
                raise InputError(
                    f"Addresses that begin with {scheme[0]} cannot be read.",
                    "Give a file's path, or an address of rtsp or http.",
                )
            return CameraSource(source, tick=tick, sound_window=sound_window)
        if re.fullmatch(r"[0-9]{1,3}", source):
            return CameraSource(int(source), tick=tick, sound_window=sound_window)
    if "\0" in str(source):
        raise InputError("A path holds no zero bytes.", "Check the spelling of the path.")
    return FileSource(Path(source), tick=tick, sound_window=sound_window, threads=threads)

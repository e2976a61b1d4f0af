"""Decodes a whole file to count damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentistream.media.file_source import FileSource
from sentistream.media.source import Faults, MediaInfo

_TICK = 0.03


@dataclass(frozen=True, slots=True)
class DecodeReport:
    """What was decoded, and what could not be.

    Attributes:
        info: The file's metadata.
        seconds: From its first moment to its last.
        faults: What was damaged and skipped.
    """

    info: MediaInfo
    seconds: float
    faults: Faults


def decode_all(
    path: Path, on_progress: Callable[[float, float | None], None] = lambda _at, _of: None
) -> DecodeReport:
    """Decodes all pictures and sound of the tracks that would be analyzed.

    Args:
        path: The file.
        on_progress: Called with the seconds read and the total (None if unknown).

    Raises:
        InputError: It cannot be analyzed.
    """
    with FileSource(path, tick=_TICK, sound_window=_TICK, whole=True) as source:
        first: float | None = None
        last = 0.0
        for moment in source:
            first = moment.time if first is None else first
            last = moment.time + _TICK
            on_progress(last, source.info.duration)
        return DecodeReport(source.info, round(last - (first or 0.0), 3), source.faults)

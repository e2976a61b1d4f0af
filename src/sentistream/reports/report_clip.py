"""The clip beside the report's timeline: a link to it, or a small copy within the page."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from av import VideoFrame

from sentistream.media.letterbox import fitted
from sentistream.media.video_writer import VideoWriter
from sentistream.reports.output_files import Output
from sentistream.types import Box, Moment, Reading, UInt8Array

EMBEDDED_HEIGHT = 360
"""Most pixels of the height of a copy within the page."""
EMBEDDED_STEP = 1 / 15
"""Least seconds between two of its pictures."""
_QUALITY = 30
_PIECE = 3 << 18  # bytes; whole groups of three, so that pieces of base64 can be joined


@dataclass(frozen=True, slots=True)
class LinkedClip:
    """A video that the page plays from its original place.

    Attributes:
        name: Its name.
        address: Relative to the page if possible, else absolute.
    """

    name: str
    address: str


def linked_clip(clip: Path, folder: Path) -> LinkedClip:
    """A link to a clip from a page in ``folder``; it holds as long as neither is moved."""
    try:
        relative = Path(os.path.relpath(clip.absolute(), folder.absolute()))
    except ValueError:  # on another drive
        return LinkedClip(clip.name, clip.absolute().as_uri())
    return LinkedClip(clip.name, quote(os.fsencode(relative.as_posix())))


class EmbeddedClip(Output):
    """A small copy of the clip, with its sound, kept in a file until the page is written.

    Args:
        path: That file; it is deleted by ``discard``.
        width, height: Of the upright input, pixels.
        sound_from: The file whose sound it gets; None for none.
        sound_track: The number of its track of sound, from 1; None to choose.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        sound_from: Path | None,
        sound_track: int | None = None,
    ) -> None:
        self._path = path
        scale = min(1.0, EMBEDDED_HEIGHT / height)
        self._size = (max(2, round(width * scale)), max(2, round(height * scale)))
        self._sound_from = sound_from
        self._sound_track = sound_track
        self._last: float | None = None

    def open(self) -> None:
        width, height = self._size
        self._writer = VideoWriter(
            self._path,
            width=width,
            height=height,
            sound_from=self._sound_from,
            sound_track=self._sound_track,
            quality=_QUALITY,
        )

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        if self._last is not None and moment.time - self._last < EMBEDDED_STEP - 1e-6:
            return
        self._last = moment.time
        self._writer.write(moment.time, self._small(moment))

    def close(self, *, complete: bool) -> None:
        self._writer.close()

    def base64(self) -> Iterator[str]:
        """The file's bytes, piece by piece."""
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield base64.b64encode(piece).decode()

    def discard(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def _small(self, moment: Moment) -> UInt8Array:
        picture, (width, height) = moment.picture, self._size
        scale = min(width / picture.width, height / picture.height)
        inner = (max(2, round(picture.width * scale)), max(2, round(picture.height * scale)))
        whole = Box(0, 0, picture.width, picture.height)
        pixels = picture.crop(whole, *inner)
        if abs(inner[0] - width) <= 1 and abs(inner[1] - height) <= 1:
            return pixels if inner == (width, height) else picture.crop(whole, width, height)
        frame = fitted(VideoFrame.from_ndarray(pixels, format="rgb24"), width, height)
        return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)

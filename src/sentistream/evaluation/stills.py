"""Still pictures, and sound if there is any, as a source of moments."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sentistream.media import Faults, MediaInfo, Source
from sentistream.media.picture import RgbPicture
from sentistream.types import SOUND_RATE, Box, FloatArray, Moment, UInt8Array

WORKING_SIZE = 300
"""Longer side, in pixels, of an image that is mostly face, with what is added around it."""

_SURROUNDINGS = 1.5


class StillSource(Source):
    """Pictures shown one after the other, evenly, with sound beside them.

    Args:
        name: What it is called.
        pictures: RGB, at least one, all of one size.
        seconds: How long they are shown in all.
        tick: Seconds between moments; there is at least one moment.
        sound: Mono at 48 kHz from second 0; None without sound.
        sound_window: Seconds of sound that each moment carries; a moment that there is not
            so much sound for has none.

    Raises:
        ValueError: There is no picture.
    """

    def __init__(
        self,
        name: str,
        pictures: Sequence[UInt8Array],
        *,
        seconds: float,
        tick: float,
        sound: FloatArray | None = None,
        sound_window: float = 0.0,
    ) -> None:
        if not pictures:
            raise ValueError("A source of stills needs a picture.")
        self._pictures = [RgbPicture(pixels) for pixels in pictures]
        self._each = seconds / len(pictures)
        self._tick = tick
        self._count = max(1, math.ceil(seconds / tick - 1e-9))
        self._sound = sound
        self._window = round(sound_window * SOUND_RATE)
        self._next = 0
        first = self._pictures[0]
        self.faults = Faults()
        self.info = MediaInfo(
            name=name,
            container="stills",
            duration=seconds,
            width=first.width,
            height=first.height,
            frame_rate=1 / self._each,
            rotation=0,
            video_codec="stills",
            audio_codec=None if sound is None else "pcm",
            audio_rate=None if sound is None else SOUND_RATE,
            audio_channels=None if sound is None else 1,
            live=False,
        )

    def __next__(self) -> Moment:
        if self._next >= self._count:
            raise StopIteration
        time = round(self._next * self._tick, 9)
        self._next += 1
        shown = min(int(time / self._each + 1e-9), len(self._pictures) - 1)
        return Moment(time, self._pictures[shown], shown * self._each, self._heard(time))

    def _heard(self, time: float) -> FloatArray | None:
        stop = round(time * SOUND_RATE)
        start = stop - self._window
        if self._sound is None or start < 0 or stop > len(self._sound):
            return None
        return self._sound[start:stop]

    def close(self) -> None:
        self._next = self._count


def framed(pixels: UInt8Array) -> UInt8Array:
    """An image that shows little more than a face, with its edges repeated around it.

    The face is brought to a size, and given the surroundings, that a detector of whole
    pictures needs.

    Args:
        pixels: RGB, shape (height, width, 3).

    Returns:
        RGB whose longer side is ``WORKING_SIZE``.
    """
    rows, columns = pixels.shape[:2]
    scale = WORKING_SIZE / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return RgbPicture(pixels).crop(Box(0, 0, columns, rows).scaled(_SURROUNDINGS), *size)

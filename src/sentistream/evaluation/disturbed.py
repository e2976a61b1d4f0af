"""A source whose pictures and sound are disturbed on the way to the analyzer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from sentistream.media import Source
from sentistream.media.picture import RgbPicture
from sentistream.types import SOUND_RATE, FloatArray, Moment, Picture, UInt8Array

PictureDisturbance: TypeAlias = Callable[[UInt8Array, float], UInt8Array]
"""From the RGB pixels and the picture's time, seconds, to other pixels."""

SoundDisturbance: TypeAlias = Callable[[FloatArray, int], FloatArray]
"""From samples, and the number of their first on the media clock, to as many others.

Moments may share samples: the same number must always get the same disturbance.
"""


class DisturbedSource(Source):
    """The moments of another source, disturbed; everything after it runs unchanged.

    Args:
        source: Where moments come from; closed with this one.
        picture: What happens to pictures; None for nothing.
        sound: What happens to sound; None for nothing.
    """

    def __init__(
        self,
        source: Source,
        picture: PictureDisturbance | None = None,
        sound: SoundDisturbance | None = None,
    ) -> None:
        self.info = source.info
        self.faults = source.faults
        self._source = source
        self._on_picture = picture
        self._on_sound = sound
        self._last: tuple[Picture, Picture] | None = None

    def __next__(self) -> Moment:
        moment = next(self._source)
        picture, sound = moment.picture, moment.sound
        if self._on_picture is not None:
            # a picture shown again stays the very same picture
            if self._last is None or self._last[0] is not picture:
                pixels = self._on_picture(picture.rgb(), moment.picture_time)
                self._last = picture, RgbPicture(pixels)
            picture = self._last[1]
        if self._on_sound is not None and sound is not None:
            sound = self._on_sound(sound, round(moment.time * SOUND_RATE) - len(sound))
        return replace(moment, picture=picture, sound=sound)

    def close(self) -> None:
        self._source.close()

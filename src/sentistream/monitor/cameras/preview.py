"""Live pictures for the page: small, only while somebody looks, faces beyond recognition."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image

from sentistream.types import Box, Picture, Reading

WIDTH = 640
"""A live picture is at most so wide, pixels."""

EVERY = 0.2
"""Seconds between live pictures."""

LOOKING = 5.0
"""Seconds for which live pictures are made after they were asked for."""

HOLD = 2.0
"""Seconds for which the place of a lost face stays blurred."""

BLOCKS = 4
"""What is left of a face's width, pixels: by so few nobody can be told from another."""

_COVER = 1.7  # the blurred part, in sizes of the face from brow to chin
_HAIR = 0.3  # and so much more above it
_SPREAD = 0.5  # by how much more a second for a face that was lost and may move on
_QUALITY = 75


class Previewer:
    """Makes a camera's live pictures.

    Args:
        blur: Whether faces are blurred.
    """

    def __init__(self, *, blur: bool) -> None:
        self._blur = blur
        self._until = self._next = -math.inf
        self._places: dict[int, tuple[Box, float]] = {}

    def ask(self, now: float) -> None:
        """Somebody looks."""
        self._until = now + LOOKING

    def is_due(self, now: float) -> bool:
        """Whether one is to be made at ``now``, seconds of the monotonic clock."""
        return self._next <= now < self._until

    def see(self, readings: Sequence[Reading], now: float) -> None:
        """Remembers where faces are; to be told of every moment."""
        for reading in readings:
            if reading.face is not None:
                self._places[reading.face.track] = reading.face.box, now
        self._places = {
            track: (box, seen) for track, (box, seen) in self._places.items() if now - seen <= HOLD
        }

    def make(self, picture: Picture, now: float) -> bytes:
        """A JPEG of a picture whose faces were told of before."""
        self._next = now + EVERY
        scale = min(1.0, WIDTH / picture.width)
        width = max(1, round(picture.width * scale))
        height = max(1, round(picture.height * scale))
        whole = Box(0, 0, picture.width, picture.height)
        image = Image.fromarray(picture.crop(whole, width, height))
        if self._blur:
            for box, seen in self._places.values():
                _blur(image, _covered(box, _COVER + _SPREAD * (now - seen)), scale)
        held = io.BytesIO()
        image.save(held, "JPEG", quality=_QUALITY)
        return held.getvalue()


def _covered(face: Box, factor: float) -> Box:
    """The part to blur: the face grown on all sides, and by its hair."""
    part = face.scaled(factor)
    return Box(part.left, part.top - _HAIR * face.height, part.right, part.bottom)


def _blur(image: Image.Image, box: Box, scale: float) -> None:
    """Leaves of a part only the mean colours of a few blocks."""
    left, top = max(0, math.floor(box.left * scale)), max(0, math.floor(box.top * scale))
    right = min(image.width, math.ceil(box.right * scale))
    bottom = min(image.height, math.ceil(box.bottom * scale))
    if right <= left or bottom <= top:
        return
    part = image.crop((left, top, right, bottom))
    rows = max(1, round(BLOCKS * part.height / part.width))
    few = part.resize((BLOCKS, min(rows, 2 * BLOCKS)), Image.Resampling.BOX)
    image.paste(few.resize(part.size, Image.Resampling.BILINEAR), (left, top))

"""Live pictures for the page: small, only while somebody looks, people beyond recognition."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image

from sentistream.monitor.cameras.background import Background, Marks, boxes_of, cells_of
from sentistream.types import Box, Picture, Reading

WIDTH = 640
"""A live picture is at most so wide, pixels."""

EVERY = 0.2
"""Seconds between live pictures."""

LOOKING = 5.0
"""Seconds for which live pictures are made after they were asked for."""

HOLD = 2.0
"""Seconds for which the place of a lost face stays blurred."""

LEARNING = 1.0
"""Seconds between pictures from which the background is learned while nobody looks."""

BLOCKS = 4
"""What is left of a face's width, pixels: by so few nobody can be told from another."""

_COVER = 1.7  # the blurred part, in sizes of the face from brow to chin
_HAIR = 0.3  # and so much more above it
_SPREAD = 0.5  # by how much more a second for a face that was lost and may move on
_QUALITY = 75


class Previewer:
    """Makes a camera's live pictures.

    Args:
        blur: Whether people are blurred: known faces, and all that differs from the background.
        moving: Whether the camera moves, so that it has no background: only known faces are.
    """

    def __init__(self, *, blur: bool, moving: bool = False) -> None:
        self._blur = blur
        self._learns = blur and not moving
        self._until = self._next = -math.inf
        self._places: dict[int, tuple[Box, float]] = {}
        self._background = Background()
        self._learned = -math.inf
        self._picture: Picture | None = None

    def ask(self, now: float) -> None:
        """Somebody looks."""
        self._until = now + LOOKING

    def is_due(self, now: float) -> bool:
        """Whether one is to be made at ``now``, seconds of the monotonic clock."""
        return self._next <= now < self._until

    def see(self, picture: Picture, readings: Sequence[Reading], now: float) -> None:
        """Remembers where faces are and what stands still; to be told of every moment."""
        for reading in readings:
            if reading.face is not None:
                self._places[reading.face.track] = reading.face.box, now
        self._places = {
            track: (box, seen) for track, (box, seen) in self._places.items() if now - seen <= HOLD
        }
        if self._learns and now - self._learned >= LEARNING:
            self._foreign(picture, now)

    def make(self, picture: Picture, now: float) -> bytes:
        """A JPEG of a picture whose faces were told of before."""
        self._next = now + EVERY
        scale = min(1.0, WIDTH / picture.width)
        width = max(1, round(picture.width * scale))
        height = max(1, round(picture.height * scale))
        whole = Box(0, 0, picture.width, picture.height)
        image = Image.fromarray(picture.crop(whole, width, height))
        if self._learns:
            foreign = self._foreign(picture, now)
            down, across = height / foreign.shape[0], width / foreign.shape[1]
            for left, top, right, bottom in boxes_of(foreign):
                _blur(image, Box(left * across, top * down, right * across, bottom * down), 1.0)
        if self._blur:
            for box, seen in self._places.values():
                _blur(image, _covered(box, _COVER + _SPREAD * (now - seen)), scale)
        held = io.BytesIO()
        image.save(held, "JPEG", quality=_QUALITY)
        return held.getvalue()

    def _foreign(self, picture: Picture, now: float) -> Marks:
        """What of a picture is not the background, which learns from it if it is new."""
        passed = 0.0 if picture is self._picture else now - self._learned
        self._picture, self._learned = picture, now
        cells = cells_of(picture)
        down, across = len(cells) / picture.height, cells.shape[1] / picture.width
        faces = [
            Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
            for box, _ in self._places.values()
        ]
        return self._background.see(cells, passed, faces)


def _covered(face: Box, factor: float) -> Box:
    """The part to blur: the face grown on all sides, and by its hair."""
    part = face.scaled(factor)
    return Box(part.left, part.top - _HAIR * face.height, part.right, part.bottom)


def _blur(image: Image.Image, box: Box, scale: float) -> None:
    """Leaves of a part only the mean colours of a few blocks, which run into each other.

    ``BLOCKS`` of them cover the shorter side, and at most twice as many the longer.
    """
    left, top = max(0, math.floor(box.left * scale)), max(0, math.floor(box.top * scale))
    right = min(image.width, math.ceil(box.right * scale))
    bottom = min(image.height, math.ceil(box.bottom * scale))
    if right <= left or bottom <= top:
        return
    part = image.crop((left, top, right, bottom))
    block = max(min(part.size) / BLOCKS, max(part.size) / (2 * BLOCKS))
    few = (max(1, round(part.width / block)), max(1, round(part.height / block)))
    small = part.resize(few, Image.Resampling.BOX)
    image.paste(small.resize(part.size, Image.Resampling.BILINEAR), (left, top))

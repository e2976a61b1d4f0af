"""Live pictures for the page: small, made only while somebody looks, people unrecognizable."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image

from sentistream.monitor.cameras.background import (
    BackgroundModel,
    CellMask,
    cell_means,
    covering_boxes,
)
from sentistream.types import Box, Picture, Reading

WIDTH = 640
"""Greatest width of a live picture, pixels."""

INTERVAL = 0.2
"""Seconds between live pictures."""

REQUEST_LIFETIME = 5.0
"""How long live pictures are made after a request, seconds."""

HOLD = 2.0
"""How long the place of a lost face stays blurred, seconds."""

LEARNING_INTERVAL = 1.0
"""Seconds between pictures from which the background is learned while nobody looks."""

BLOCKS = 4
"""Blocks that a blurred face is reduced to across: too few to recognize anybody."""

_COVER = 1.7  # the blurred area, in sizes of the face from brow to chin
_HAIR = 0.3  # additional share of the face's height above it
_SPREAD = 0.5  # growth a second of the area of a lost face, which may move on
_QUALITY = 75


class PreviewRenderer:
    """Renders a camera's live pictures.

    Args:
        blur: Whether people are blurred: detected faces, and whatever differs from the background.
        moving: Whether the camera moves and so has no background: only detected faces are blurred.
    """

    def __init__(self, *, blur: bool, moving: bool = False) -> None:
        self._blur = blur
        self._learns = blur and not moving
        self._requested_until = self._next = -math.inf
        self._faces: dict[int, tuple[Box, float]] = {}
        self._background = BackgroundModel()
        self._last_learned = -math.inf
        self._picture: Picture | None = None

    def request(self, now: float) -> None:
        """Asks for live pictures for the next seconds."""
        self._requested_until = now + REQUEST_LIFETIME

    def is_due(self, now: float) -> bool:
        """Whether a picture is to be rendered at ``now``, seconds of the monotonic clock."""
        return self._next <= now < self._requested_until

    def observe(self, picture: Picture, readings: Sequence[Reading], now: float) -> None:
        """Remembers where faces are and learns the background; call it for every moment."""
        for reading in readings:
            if reading.face is not None:
                self._faces[reading.face.track] = reading.face.box, now
        self._faces = {
            track: (box, seen) for track, (box, seen) in self._faces.items() if now - seen <= HOLD
        }
        if self._learns and now - self._last_learned >= LEARNING_INTERVAL:
            self._foreground(picture, now)

    def render(self, picture: Picture, now: float) -> bytes:
        """A JPEG of a picture that was observed before."""
        self._next = now + INTERVAL
        scale = min(1.0, WIDTH / picture.width)
        width = max(1, round(picture.width * scale))
        height = max(1, round(picture.height * scale))
        whole = Box(0, 0, picture.width, picture.height)
        image = Image.fromarray(picture.crop(whole, width, height))
        if self._learns:
            foreground = self._foreground(picture, now)
            down, across = height / foreground.shape[0], width / foreground.shape[1]
            for left, top, right, bottom in covering_boxes(foreground):
                _blur(image, Box(left * across, top * down, right * across, bottom * down), 1.0)
        if self._blur:
            for box, seen in self._faces.values():
                _blur(image, _covered(box, _COVER + _SPREAD * (now - seen)), scale)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=_QUALITY)
        return encoded.getvalue()

    def _foreground(self, picture: Picture, now: float) -> CellMask:
        """The cells that differ from the background, which learns from the picture if it is new."""
        elapsed = 0.0 if picture is self._picture else now - self._last_learned
        self._picture, self._last_learned = picture, now
        cells = cell_means(picture)
        down, across = len(cells) / picture.height, cells.shape[1] / picture.width
        faces = [
            Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
            for box, _ in self._faces.values()
        ]
        return self._background.update(cells, elapsed, faces)


def _covered(face: Box, factor: float) -> Box:
    """The area to blur: the face, grown on all sides and by its hair."""
    area = face.scaled(factor)
    return Box(area.left, area.top - _HAIR * face.height, area.right, area.bottom)


def _blur(image: Image.Image, box: Box, scale: float) -> None:
    """Reduces an area to the mean colours of a few blocks, interpolated.

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

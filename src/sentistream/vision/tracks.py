"""Faces that are followed: what is known of each, and which detection belongs to which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sentistream.media.picture import resample
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.shape import frame

_THUMB = 16
_GLANCE = 64  # pixels across that are enough to know a face by


@dataclass(slots=True)
class Track:
    """A face that is followed.

    Attributes:
        number: Its track number.
        landmarks: Its newest points, shape (68, 2), pixels.
        score: The detector's at its last confirmation.
        confirmed_at: When the detector last found it, seconds.
        seen_at: When it was last there.
        looked_at: When the detector last looked for it.
        look: What it looked like then; see ``look_of``.
        found: Whether it is in the newest picture.
        confirmed: Whether the detector found it in this very picture.
        missed: Whether the detector's last look missed it.
        place: The detector's square about its points.
    """

    number: int
    landmarks: FloatArray
    score: float
    confirmed_at: float
    seen_at: float
    looked_at: float
    look: FloatArray
    found: bool = True
    confirmed: bool = True
    missed: bool = False
    place: Box = field(init=False)

    def __post_init__(self) -> None:
        self.place = frame(self.landmarks)

    def move(self, landmarks: FloatArray) -> None:
        """Takes new points."""
        self.landmarks = landmarks
        self.place = frame(landmarks)

    def confirm(self, score: float, time: float) -> None:
        """The detector vouches for it now."""
        self.score, self.confirmed, self.confirmed_at, self.missed = score, True, time, False


def look_of(luma: UInt8Array, box: Box) -> FloatArray:
    """The brightness within a box in little, of zero mean and unit length, shape (256,)."""
    step = max(1, int(min(box.width, box.height) // _GLANCE))
    box = Box(box.left / step, box.top / step, box.right / step, box.bottom / step)
    values = resample(luma[::step, ::step], box, _THUMB, _THUMB).astype(np.float32).ravel()
    values -= values.mean()
    length = math.sqrt(float(values @ values))
    return values / length if length > 1 else np.zeros_like(values)


def likeness(one: FloatArray, other: FloatArray) -> float:
    """Correlation of two looks, -1 to 1."""
    return float(one @ other)


def near(place: Box, box: Box) -> bool:
    """Whether a face at ``box`` may be the one lost at ``place``."""
    (x, y), (other_x, other_y) = place.center, box.center
    distance = math.hypot(x - other_x, y - other_y)
    return distance < place.width and 0.5 < box.width / place.width < 2


def holds(place: Box, box: Box) -> bool:
    """Whether the middle of ``box`` lies well within ``place``."""
    x, y = box.center
    inside = place.scaled(0.6)
    return inside.left < x < inside.right and inside.top < y < inside.bottom


def match(places: Sequence[Box], boxes: Sequence[Box], least: float) -> dict[int, int]:
    """Pairs places with boxes, the best overlap first; each is paired once at most."""
    overlaps = sorted(
        ((place.iou(box), i, j) for i, place in enumerate(places) for j, box in enumerate(boxes)),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for overlap, i, j in overlaps:
        if overlap >= least and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs

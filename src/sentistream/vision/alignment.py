"""Face alignment: the upright, tight luma crop that the ``lite`` networks take.

A rotation, a scale and a shift (least squares, Umeyama 1991) map eyes, nose and mouth to fixed
positions, which removes roll, distance and position. No colour is used, so grey cameras and
coloured light make no difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentistream.media.resample import resample
from sentistream.types import Box, FloatArray, UInt8Array

VIEW_SIZE = 64
"""Width and height of the ``lite`` face network's input, pixels."""

UPRIGHT = math.radians(20)
"""Faces rotated less than this are nearly upright, radians."""

POINTS = (slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 49), slice(54, 55))
"""Landmarks of the right eye, the left eye, the tip of the nose and the corners of the mouth."""

PLACES = np.array([[0.31, 0.40], [0.69, 0.40], [0.50, 0.60], [0.355, 0.77], [0.645, 0.77]])
"""Target positions of their means, as shares of the view."""


def _means() -> NDArray[np.float64]:
    """From 68 points to the mean of each part, (5, 68)."""
    means = np.zeros((len(POINTS), 68))
    for row, part in zip(means, POINTS, strict=True):
        row[part] = 1 / (part.stop - part.start)
    return means


_MEANS = _means()


@dataclass(frozen=True, slots=True)
class Alignment:
    """An upright view of a face: a square in the picture, turned with the face.

    Attributes:
        x, y: Its centre, pixels.
        side: Its width and height, pixels.
        roll: Rotation, radians; positive is clockwise as the viewer sees it.
    """

    x: float
    y: float
    side: float
    roll: float

    @property
    def turn(self) -> float:
        """By how much its view has to be turned, radians: 0 if the face is nearly upright."""
        return self.roll if abs(self.roll) > UPRIGHT else 0.0

    @property
    def box(self) -> Box:
        """The upright square with the same centre and side."""
        half = self.side / 2
        return Box(self.x - half, self.y - half, self.x + half, self.y + half)

    def from_shares(self, shares: FloatArray) -> FloatArray:
        """Converts shares of the square's sides, shape (N, 2), to pixels at pixel centres."""
        cosine, sine = math.cos(self.roll) * self.side, math.sin(self.roll) * self.side
        turn = np.array([[cosine, sine], [-sine, cosine]])
        return np.asarray((shares - 0.5) @ turn + (self.x - 0.5, self.y - 0.5), dtype=np.float32)

    def to_shares(self, points: FloatArray) -> FloatArray:
        """Converts pixels at pixel centres, shape (N, 2), to shares; the inverse of
        ``from_shares``."""
        cosine, sine = math.cos(self.roll) / self.side, math.sin(self.roll) / self.side
        turn = np.array([[cosine, -sine], [sine, cosine]])
        shares = (points - (self.x - 0.5, self.y - 0.5)) @ turn + 0.5
        return np.asarray(shares, dtype=np.float32)


def similarity(shares: NDArray[np.floating], points: NDArray[np.floating]) -> Alignment:
    """The square in which ``points`` come closest to ``shares`` of its sides (least squares).

    Args:
        shares: Shape (N, 2).
        points: Shape (N, 2), pixels.

    Raises:
        ValueError: The points are not finite or span nothing.
    """
    # in complex numbers a similarity is one factor and one shift
    target, template = points.astype(np.float64) @ (1, 1j), shares.astype(np.float64) @ (1, 1j)
    template_mean, target_mean = template.mean(), target.mean()
    spread = template - template_mean
    factor = complex(np.vdot(spread, target - target_mean) / np.vdot(spread, spread).real)
    side = abs(factor)
    if not (math.isfinite(side) and side > 0):
        raise ValueError(f"Points need a finite extent, not {side}.")
    centre = target_mean + factor * (0.5 + 0.5j - template_mean)
    return Alignment(
        float(centre.real), float(centre.imag), side, math.atan2(factor.imag, factor.real)
    )


def align(landmarks: FloatArray) -> Alignment:
    """The view of the face with these points.

    Args:
        landmarks: Shape (68, 2), pixels.

    Raises:
        ValueError: The points are not finite or span nothing.
    """
    return similarity(PLACES, five_points(landmarks))


def five_points(landmarks: FloatArray) -> NDArray[np.float64]:
    """Centres of the eyes, tip of the nose, corners of the mouth, shape (5, 2), pixels."""
    return _MEANS @ landmarks.astype(np.float64)


def view(
    luma: UInt8Array, where: Alignment, size: int = VIEW_SIZE, cover: float = 1.0
) -> UInt8Array:
    """The face upright, shape (size, size); parts outside the picture repeat its edge.

    Args:
        luma: Brightness, shape (height, width).
        where: From ``align``.
        size: Pixels per side.
        cover: How much of the surroundings to show; 1 is the networks' view.
    """
    cosine, sine = math.cos(where.roll), math.sin(where.roll)
    widening = abs(cosine) + abs(sine)
    half = where.side * cover * widening / 2
    box = Box(where.x - half, where.y - half, where.x + half, where.y + half)
    # first resized to about the right size without aliasing, then rotated
    count = math.ceil(size * widening)
    patch = resample(luma, box, count, count)
    across, down = cosine * count / (size * widening), sine * count / (size * widening)
    # PIL maps pixel centres to pixel centres: the two centres coincide
    shift = count / 2 - (across - down) * size / 2, count / 2 - (across + down) * size / 2
    turned = Image.fromarray(patch).transform(
        (size, size),
        Image.Transform.AFFINE,
        (across, -down, shift[0], down, across, shift[1]),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(turned)


def roughly_upright_view(
    luma: UInt8Array, where: Alignment, size: int, cover: float = 1.0
) -> UInt8Array:
    """As ``view``, but a face that is nearly upright is not rotated, which saves time."""
    if where.turn:
        return view(luma, where, size, cover)
    return resample(luma, where.box.scaled(cover), size, size)

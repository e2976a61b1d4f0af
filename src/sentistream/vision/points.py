"""What the ``lite`` landmark network sees of a face, and where its answers lie in the picture."""

from __future__ import annotations

import math

import numpy as np

from sentistream.media.picture import resample
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, view

VIEW_SIZE = 64
"""Width and height of the network's input, pixels."""

COVER = 1.3
"""Width of what it sees, in widths of the detector's square about the face."""


UPRIGHT = math.radians(20)
"""Faces turned less than this are seen as they are, without turning the picture: it costs less."""


def seen(luma: UInt8Array, square: Alignment) -> UInt8Array:
    """The view of a face, turned upright, shape (64, 64, 1).

    Args:
        luma: Brightness, shape (height, width).
        square: The face's, as ``shape.detector_square`` gives it; may reach outside.
    """
    if _turn(square):
        return view(luma, square, VIEW_SIZE, COVER)[..., np.newaxis]
    return resample(luma, square.box.scaled(COVER), VIEW_SIZE, VIEW_SIZE)[..., np.newaxis]


def shares_within(points: FloatArray, window: Box) -> FloatArray:
    """Points as shares of a window's width and height.

    Args:
        points: At pixel centres, shape (68, 2).
        window: In the same pixels.
    """
    origin = np.array((window.left, window.top), np.float32)
    size = np.array((window.width, window.height), np.float32)
    return np.asarray((points + 0.5 - origin) / size, dtype=np.float32)


def points_within(shares: FloatArray, square: Alignment) -> FloatArray:
    """From the network's shares of what it saw to pixels: the inverse, for ``seen``'s window.

    Args:
        shares: x and y by turns, shape (136,), or (68, 2).
        square: As ``seen`` was given it.
    """
    window = Alignment(square.x, square.y, square.side * COVER, _turn(square))
    return window.from_shares(shares.reshape(-1, 2))


def _turn(square: Alignment) -> float:
    """How far the view of a face is turned, radians; 0 where it is nearly upright."""
    return square.roll if abs(square.roll) > UPRIGHT else 0.0

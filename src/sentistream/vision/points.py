"""What the ``lite`` landmark network sees of a face, and where its answers lie in the picture."""

from __future__ import annotations

import numpy as np

from sentistream.media.picture import resample
from sentistream.types import Box, FloatArray, UInt8Array

VIEW_SIZE = 64
"""Width and height of the network's input, pixels."""

COVER = 1.3
"""Width of what it sees, in widths of the detector's square about the face."""


def seen(luma: UInt8Array, box: Box) -> UInt8Array:
    """The view of a face whose box is known, shape (64, 64, 1).

    Args:
        luma: Brightness, shape (height, width).
        box: The detector's square, or one framed alike; may reach outside.
    """
    view = resample(luma, box.scaled(COVER), VIEW_SIZE, VIEW_SIZE)
    return view[..., np.newaxis]


def shares_within(points: FloatArray, window: Box) -> FloatArray:
    """Points as shares of a window's width and height.

    Args:
        points: At pixel centres, shape (68, 2).
        window: In the same pixels.
    """
    origin = np.array((window.left, window.top), np.float32)
    size = np.array((window.width, window.height), np.float32)
    return np.asarray((points + 0.5 - origin) / size, dtype=np.float32)


def points_within(shares: FloatArray, box: Box) -> FloatArray:
    """From the network's shares of what it saw to pixels: the inverse, for ``seen``'s window.

    Args:
        shares: x and y by turns, shape (136,), or (68, 2).
        box: As ``seen`` was given it.
    """
    window = box.scaled(COVER)
    origin = np.array((window.left, window.top), np.float32)
    size = np.array((window.width, window.height), np.float32)
    return np.asarray(shares.reshape(-1, 2) * size + origin - 0.5, dtype=np.float32)

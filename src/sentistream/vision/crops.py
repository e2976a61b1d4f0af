"""The crop windows of the ``paper`` networks, shared by training and inference.

A caller draws them with ``picture.crop(face_window(points), FACE_SIZE, FACE_SIZE)`` and
``picture.crop(mouth_window(points), MOUTH_SIZE, MOUTH_SIZE)``. Windows stay upright
whatever the roll of the head, as in the paper, and may reach outside the picture.
"""

from __future__ import annotations

import math

import numpy as np

from sentistream.types import Box, FloatArray

FACE_SIZE = 96
"""Width and height of the face networks' input, pixels."""

MOUTH_SIZE = 28
"""Width and height of the mouth network's input, pixels."""

FACE_ASPECT, FACE_HEIGHT = 800 / 450, 450 / 120.7
"""The face window's width over its height, and its height in centroid sizes.

The paper's is 800 x 450 on RAVDESS, whose faces there have a centroid size of 120.7 (root mean
square distance of the 68 points from their mean, mean of two clips of actor 01).
"""

FACE_RISE = 0.2
"""Its offset above the points' mean, in centroid sizes: the points exclude the forehead."""

MOUTH = slice(48, 63)
"""Landmarks 49-63, counted from 1 (section 2.1)."""

MOUTH_MARGIN = 1.4
"""Side of the mouth window relative to that of the lips, as in the training data."""

MIN_MOUTH_SIDE = 0.5
"""Smallest side of that window in centroid sizes, for lips seen from the side or misplaced."""


def centroid_size(landmarks: FloatArray) -> float:
    """Root mean square distance of the points from their mean, pixels.

    Raises:
        ValueError: The points are not finite or all lie on one spot.
    """
    count = len(landmarks)
    # relative to one of them, so that squares stay small
    offsets = landmarks - landmarks[0]
    # ufuncs directly, here and in ``shape``: array methods cost more than the sums
    x, y = np.add.reduce(offsets, axis=0).tolist()
    x, y = x / count, y / count
    size = math.sqrt(max(0.0, float(np.vdot(offsets, offsets)) / count - x * x - y * y))
    if not (math.isfinite(size) and size > 0):
        raise ValueError(f"Landmarks need a finite extent, not {size}.")
    return size


def centroid(landmarks: FloatArray) -> tuple[float, float]:
    """The points' mean, x and y in pixels."""
    x, y = np.add.reduce(landmarks, axis=0, dtype=np.float64).tolist()
    return x / len(landmarks), y / len(landmarks)


def face_window(landmarks: FloatArray) -> Box:
    """The paper's 16:9 face window (800 x 450 on RAVDESS), scaled with the face.

    Args:
        landmarks: Shape (68, 2), pixels.

    Raises:
        ValueError: The points are not finite or all lie on one spot.
    """
    size = centroid_size(landmarks)
    x, y = centroid(landmarks)
    half_height = FACE_HEIGHT * size / 2
    half_width = half_height * FACE_ASPECT
    y -= FACE_RISE * size
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def mouth_window(landmarks: FloatArray) -> Box:
    """A square around the lips, landmarks 49-63, with a margin.

    Args:
        landmarks: Shape (68, 2), pixels.

    Raises:
        ValueError: The points are not finite or all lie on one spot.
    """
    lips = landmarks[MOUTH]
    left, top = np.minimum.reduce(lips, axis=0).tolist()
    right, bottom = np.maximum.reduce(lips, axis=0).tolist()
    x, y = (left + right) / 2, (top + bottom) / 2
    width = max(right - left, bottom - top) * MOUTH_MARGIN
    side = max(width, MIN_MOUTH_SIDE * centroid_size(landmarks))
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)

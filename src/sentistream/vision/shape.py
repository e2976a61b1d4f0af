"""What 68 points say of the face they lie on: its frame, its extent, whether it is one."""

from __future__ import annotations

import math

import numpy as np

from sentistream.types import Box, FloatArray
from sentistream.vision.crops import centroid, centroid_size

_RIGHT_EYE, _LEFT_EYE, _OUTER_LIP = slice(36, 42), slice(42, 48), slice(48, 60)


def _between() -> FloatArray:
    """From 68 points to the steps from eye to eye and from the eyes to the mouth, (2, 68)."""
    steps = np.zeros((2, 68), np.float32)
    steps[0, _LEFT_EYE], steps[0, _RIGHT_EYE] = 1 / 6, -1 / 6
    steps[1, _LEFT_EYE], steps[1, _RIGHT_EYE] = -1 / 12, -1 / 12
    steps[1, _OUTER_LIP] = 1 / 12
    return steps


_BETWEEN = _between()

# the detector's square about a face, in centroid sizes of its points: median width and rise of
# its centre above their mean over the sample clips; landmarks placed in it again stay put
_FRAME_WIDTH = 2.7
_FRAME_RISE = 0.12

# outside these no face the detector finds was seen to lie, with room (lengths in centroid sizes)
_EYE_DISTANCE = (0.4, 1.8)
_EYES_TO_MOUTH = (0.5, 1.9)
_STEEPEST_ROLL = math.radians(60)
_SMALLEST = 6.0  # pixels


def frame(landmarks: FloatArray) -> Box:
    """The square in which the detector would have found this face."""
    size = centroid_size(landmarks)
    x, y = centroid(landmarks)
    half = _FRAME_WIDTH * size / 2
    y -= _FRAME_RISE * size
    return Box(x - half, y - half, x + half, y + half)


def extent(landmarks: FloatArray) -> Box:
    """The face from brow to chin and from cheek to cheek: the box about its points.

    Raises:
        ValueError: The points lie on a line, or are not finite.
    """
    left, top = (float(value) for value in landmarks.min(axis=0))
    right, bottom = (float(value) for value in landmarks.max(axis=0))
    return Box(left, top, right, bottom)


def is_face_like(landmarks: FloatArray) -> bool:
    """Whether the points lie as those of an upright face do: two eyes, a mouth below."""
    try:
        size = centroid_size(landmarks)
        extent(landmarks)
    except ValueError:
        return False
    if size < _SMALLEST:
        return False
    across, down = (_BETWEEN @ landmarks / size).tolist()
    eye_distance, eyes_to_mouth = math.hypot(*across), math.hypot(*down)
    roll = math.atan2(across[1], across[0])
    return (
        _EYE_DISTANCE[0] < eye_distance < _EYE_DISTANCE[1]
        and _EYES_TO_MOUTH[0] < eyes_to_mouth < _EYES_TO_MOUTH[1]
        and abs(roll) < _STEEPEST_ROLL
        # the mouth lies below the eyes, not above or beside them
        and across[0] * down[1] - across[1] * down[0] > eye_distance * eyes_to_mouth / 2
    )


def lip_gap(landmarks: FloatArray) -> float:
    """Mean distance of the inner lips over the distance of the eyes' centres, 0 or more."""
    gap = np.linalg.norm(landmarks[[61, 62, 63]] - landmarks[[67, 66, 65]], axis=1).mean()
    eyes = np.linalg.norm(landmarks[36:42].mean(axis=0) - landmarks[42:48].mean(axis=0))
    return float(gap / max(eyes, 1e-6))

"""Geometry of the 68 landmarks: the mean face, the detector's square, lip gap, plausibility.

The mean face is the median over 127 upright frontal faces of 30 clips, made symmetrical, in
thousandths of the width of the square in which a detector finds a face (``detector_square``).
"""

from __future__ import annotations

import math

import numpy as np

from sentistream.types import Box, FloatArray
from sentistream.vision.alignment import Alignment, similarity
from sentistream.vision.crops import centroid, centroid_size

# fmt: off
_THOUSANDTHS = (
    (55, 302), (61, 431), (81, 557), (108, 683), (149, 803), (209, 912), (288, 1003), (387, 1073),
    (500, 1094), (613, 1073), (712, 1003), (791, 912), (851, 803), (892, 683), (919, 557),
    (939, 431), (945, 302),
    (143, 171), (196, 112), (276, 94), (357, 108), (430, 141),
    (570, 141), (643, 108), (724, 94), (804, 112), (857, 171),
    (500, 256), (500, 343), (500, 426), (500, 515),
    (411, 582), (454, 598), (500, 612), (546, 598), (589, 582),
    (228, 273), (276, 242), (337, 243), (386, 284), (332, 296), (274, 296),
    (614, 284), (663, 243), (724, 242), (772, 273), (726, 296), (668, 296),
    (340, 774), (394, 725), (454, 697), (500, 708), (546, 697), (606, 725), (660, 774), (608, 842),
    (550, 873), (500, 879), (450, 873), (392, 842),
    (372, 774), (455, 751), (500, 754), (545, 751), (628, 774), (547, 803), (500, 808), (453, 803),
)
# fmt: on

MEAN_FACE: FloatArray = np.array(_THOUSANDTHS, np.float32) / np.float32(1000)
"""The 68 points as shares of the square, shape (68, 2)."""

FIVE_POINTS: FloatArray = np.array(
    [[0.301, 0.277], [0.699, 0.277], [0.5, 0.522], [0.33, 0.73], [0.67, 0.73]], np.float32
)
"""The detector's five points in the same square, shape (5, 2)."""


_RIGHT_EYE, _LEFT_EYE, _OUTER_LIP = slice(36, 42), slice(42, 48), slice(48, 60)


def _between() -> FloatArray:
    """From 68 points to the steps from eye to eye and from the eyes to the mouth, (2, 68)."""
    steps = np.zeros((2, 68), np.float32)
    steps[0, _LEFT_EYE], steps[0, _RIGHT_EYE] = 1 / 6, -1 / 6
    steps[1, _LEFT_EYE], steps[1, _RIGHT_EYE] = -1 / 12, -1 / 12
    steps[1, _OUTER_LIP] = 1 / 12
    return steps


_BETWEEN = _between()

SQUARE_WIDTH, SQUARE_RISE = 2.7, 0.12
"""The HOG detector's square around a face, in centroid sizes of its points: median width, and
height of its centre above their mean, over the sample clips; landmarks placed in it are stable."""

EYE_DISTANCE, EYES_TO_MOUTH = (0.4, 1.8), (0.5, 1.9)
"""Range of all faces that the detector found, with a margin; in centroid sizes."""

MIN_CENTROID_SIZE = 3.0
"""Smallest centroid size of a face's points, pixels."""


def detector_square(landmarks: FloatArray) -> Alignment:
    """The square, rotated with the face, in which the landmark networks see this face.

    Args:
        landmarks: Shape (68, 2), pixels.

    Raises:
        ValueError: The points are not finite or all lie on one spot.
    """
    size = centroid_size(landmarks)
    x, y = centroid(landmarks)
    down_x, down_y = (_BETWEEN @ landmarks)[1].tolist()
    far = math.hypot(down_x, down_y) or 1.0
    rise = SQUARE_RISE * size / far
    return Alignment(
        x - rise * down_x, y - rise * down_y, SQUARE_WIDTH * size, math.atan2(-down_x, down_y)
    )


def square_of_points(points: FloatArray) -> Alignment:
    """``landmark_square`` from a detector's five points, shape (5, 2), pixels.

    Raises:
        ValueError: The points are not finite or span nothing.
    """
    return similarity(FIVE_POINTS, points)


def mean_landmarks(square: Alignment) -> FloatArray:
    """The 68 points of an average face in a square, shape (68, 2), pixels.

    They replace those of a face whose own points cannot be placed.
    """
    return square.from_shares(MEAN_FACE)


def turned_face_box(x: float, y: float, width: float, height: float, roll: float) -> Box:
    """The box of a face that fills an ellipse, after it was turned.

    Args:
        x, y: Its centre, pixels.
        width, height: Of its box while upright, pixels.
        roll: By how much it is turned, radians, either way.
    """
    cosine, sine = math.cos(roll), math.sin(roll)
    across = math.hypot(width * cosine, height * sine) / 2
    down = math.hypot(width * sine, height * cosine) / 2
    return Box(x - across, y - down, x + across, y + down)


def extent(landmarks: FloatArray) -> Box:
    """The face from brow to chin and from cheek to cheek: the bounding box of its points.

    Raises:
        ValueError: The points lie on a line, or are not finite.
    """
    left, top = np.minimum.reduce(landmarks, axis=0).tolist()
    right, bottom = np.maximum.reduce(landmarks, axis=0).tolist()
    return Box(left, top, right, bottom)


def is_face_like(landmarks: FloatArray) -> bool:
    """Whether the points form a plausible face, however rotated: two eyes, a mouth below."""
    try:
        size = centroid_size(landmarks)
        extent(landmarks)
    except ValueError:
        return False
    if size < MIN_CENTROID_SIZE:
        return False
    across, down = (_BETWEEN @ landmarks / size).tolist()
    eye_distance, eyes_to_mouth = math.hypot(*across), math.hypot(*down)
    return (
        EYE_DISTANCE[0] < eye_distance < EYE_DISTANCE[1]
        and EYES_TO_MOUTH[0] < eyes_to_mouth < EYES_TO_MOUTH[1]
        # the mouth is below the eyes, not above or beside them
        and across[0] * down[1] - across[1] * down[0] > eye_distance * eyes_to_mouth / 2
    )


def lip_gap(landmarks: FloatArray) -> float:
    """Mean distance between the inner lips, divided by the distance between the eyes; 0 or more."""
    apart = (landmarks[61:64] - landmarks[67:64:-1]).tolist()
    gap = sum(math.hypot(*step) for step in apart) / len(apart)
    eyes = math.hypot(*(_BETWEEN[0] @ landmarks).tolist())
    return gap / max(eyes, 1e-6)

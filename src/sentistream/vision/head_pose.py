"""Head pose (yaw, pitch, roll) from eyes, nose and mouth."""

from __future__ import annotations

import math

import numpy as np

from sentistream.types import FloatArray, HeadPose
from sentistream.vision.alignment import five_points

# Eye centres, tip of the nose and corners of the mouth of an average adult head, in eye distances:
# x to the viewer's right, y down, z away from the viewer. Depths are those of generic head models
# for pose estimation from few points; frontal x and y are our own medians.
HEAD = np.array(
    [
        [-0.5, -0.36, 0.12],
        [0.5, -0.36, 0.12],
        [0.0, 0.24, -0.36],
        [-0.42, 0.77, 0.06],
        [0.42, 0.77, 0.06],
    ]
)
_CENTRED = HEAD - HEAD.mean(axis=0)
_INVERSE = np.linalg.pinv(_CENTRED)  # (3, 5)


def head_pose(landmarks: FloatArray) -> HeadPose:
    """Yaw, pitch and roll of a face.

    A rigid head is fitted to five points under scaled orthographic projection (DeMenthon and
    Davis 1995, without their refinement): the two rows of the best projection, made
    perpendicular and of equal length.

    Args:
        landmarks: Shape (68, 2), or a detector's five points, shape (5, 2), pixels.
    """
    points = landmarks if len(landmarks) == 5 else five_points(landmarks)
    # how x and y of the picture depend on the head's three axes
    (a, b, c), (d, e, f) = (
        _INVERSE @ (points - np.add.reduce(points, axis=0) / len(points))
    ).T.tolist()
    # the nearest pair of perpendicular rows of equal length: (R R^T)^(-1/2) R
    xx, xy, yy = a * a + b * b + c * c, a * d + b * e + c * f, d * d + e * e + f * f
    root = math.sqrt(max(xx * yy - xy * xy, 1e-12))
    left, both, right = yy + root, -xy, xx + root
    a, b, c, d, e, f = (
        left * a + both * d,
        left * b + both * e,
        left * c + both * f,
        both * a + right * d,
        both * b + right * e,
        both * c + right * f,
    )
    size = math.sqrt(max(a * a + b * b + c * c, 1e-12))
    a, b, c, d, e, f = (value / size for value in (a, b, c, d, e, f))
    away_x, away_y, away_z = b * f - c * e, c * d - a * f, a * e - b * d
    # roll after pitch after yaw
    return HeadPose(
        yaw=math.degrees(math.atan2(away_x, away_z)),
        pitch=math.degrees(math.asin(max(-1.0, min(1.0, away_y)))),
        roll=math.degrees(math.atan2(-b, e)),
    )

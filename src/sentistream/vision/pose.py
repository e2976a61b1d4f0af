"""Which way a head is turned, from where eyes, nose and mouth lie."""

from __future__ import annotations

import math

import numpy as np

from sentistream.types import FloatArray, HeadPose
from sentistream.vision.alignment import five_points

# Eyes' centres, tip of the nose and corners of the mouth of an average adult head, in distances
# of the eyes' centres: x to the viewer's right, y down, z away from the viewer. Depths are those
# of generic head models as used for pose from few points; frontal x and y are our own medians.
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
    Davis 1995, without their refinement): the two rows that project it best, made
    perpendicular and of equal length.

    Args:
        landmarks: Shape (68, 2), or a detector's five points, shape (5, 2), pixels.
    """
    points = landmarks if len(landmarks) == 5 else five_points(landmarks)
    offsets = points - points.mean(axis=0)
    rows = (_INVERSE @ offsets).T  # (2, 3): how x and y of the picture depend on the head's axes
    # the nearest pair of perpendicular rows of one length
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    right_axis, down_axis = left @ right
    away = np.cross(right_axis, down_axis)
    # a roll of a pitch of a yaw
    yaw = math.degrees(math.atan2(away[0], away[2]))
    pitch = math.degrees(math.asin(max(-1.0, min(1.0, away[1]))))
    roll = math.degrees(math.atan2(-right_axis[1], down_axis[1]))
    return HeadPose(yaw, pitch, roll)

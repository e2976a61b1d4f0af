from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentistream.types import FloatArray
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_geometry import mean_landmarks
from sentistream.vision.head_pose import HEAD, head_pose


def turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Yaw first, then pitch, then roll; the nose goes right, down, and the head clockwise."""
    y, p, r = -math.radians(yaw), math.radians(pitch), math.radians(roll)
    about_y = [[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]]
    about_x = [[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]]
    about_z = [[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]]
    turn: NDArray[np.float64] = np.array(about_z) @ np.array(about_x) @ np.array(about_y)
    return turn


def projected(yaw: float, pitch: float, roll: float, size: float = 80.0) -> FloatArray:
    points: FloatArray = (HEAD @ turned(yaw, pitch, roll).T)[:, :2].astype(np.float32)
    return points * np.float32(size) + np.float32(300)


@given(st.floats(-80, 80), st.floats(-60, 60), st.floats(-175, 175), st.floats(5, 500))
def test_pose_of_a_rigid_head_is_exact(yaw: float, pitch: float, roll: float, size: float) -> None:
    pose = head_pose(projected(yaw, pitch, roll, size))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.5)


def test_yaw_is_positive_to_the_right_and_pitch_positive_downwards() -> None:
    assert projected(30, 0, 0)[2, 0] > projected(0, 0, 0)[2, 0]
    assert projected(0, 30, 0)[2, 1] > projected(0, 0, 0)[2, 1]


@pytest.mark.parametrize("roll", [0, 40, 90, -120])
def test_average_face_looks_into_the_camera(roll: float) -> None:
    pose = head_pose(mean_landmarks(Alignment(300, 200, 120, math.radians(roll))))
    assert pose.yaw == pytest.approx(0, abs=2)
    assert pose.pitch == pytest.approx(0, abs=12)
    assert pose.roll == pytest.approx(roll, abs=2)

"""The aligned view is invariant to rotation, scale and position of the face."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import VIEW_SIZE, align, view

SIDE = 400


def points_of_a_face() -> FloatArray:
    """Five fixed points, the rest anywhere."""
    points = np.full((68, 2), 200, np.float32)
    points[36:42], points[42:48] = (150, 160), (250, 160)
    points[30], points[48], points[54] = (200, 215), (165, 260), (235, 260)
    return points


def picture_of_a_face() -> UInt8Array:
    """Smooth blobs at eyes and mouth, comparable after resampling."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    picture = np.full((SIDE, SIDE), 120.0)
    for cx, cy, height in ((150, 160, 90), (250, 160, 60), (200, 260, -80), (260, 240, 50)):
        picture += height * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 22**2))
    return picture.clip(0, 255).astype(np.uint8)


def moved(points: FloatArray, roll: float, scale: float, shift: tuple[float, float]) -> FloatArray:
    turn = scale * np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    found = (points - SIDE / 2) @ turn.T + SIDE / 2 + np.array(shift)
    return np.asarray(found, dtype=np.float32)


@settings(max_examples=50, deadline=None)
@given(
    roll=st.floats(-1.2, 1.2),
    scale=st.floats(0.1, 8),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_alignment_follows_the_face(roll: float, scale: float, x: float, y: float) -> None:
    still = align(points_of_a_face())
    where = align(moved(points_of_a_face(), roll, scale, (x, y)))
    centre = moved(np.array([[still.x, still.y]], np.float32), roll, scale, (x, y))[0]
    assert where.roll == pytest.approx(still.roll + roll, abs=1e-4)
    assert where.side == pytest.approx(still.side * scale, rel=1e-4)
    assert (where.x, where.y) == pytest.approx(tuple(centre), abs=0.01 * still.side * scale + 1e-3)


@pytest.mark.parametrize("roll", [0, 15, -30, 45])
def test_rotated_face_looks_the_same(roll: float) -> None:
    picture = picture_of_a_face()
    turned = np.asarray(
        Image.fromarray(picture).rotate(-roll, Image.Resampling.BICUBIC, fillcolor=120)
    )
    upright = view(picture, align(points_of_a_face())).astype(int)
    found = view(turned, align(moved(points_of_a_face(), math.radians(roll), 1, (0, 0))))
    assert upright.std() > 19
    assert np.abs(found - upright).mean() < 2


def test_scale_does_not_matter() -> None:
    picture = picture_of_a_face()
    small = np.asarray(Image.fromarray(picture).resize((200, 200), Image.Resampling.BILINEAR))
    near = view(picture, align(points_of_a_face())).astype(int)
    far = view(small, align(np.asarray(points_of_a_face() / 2, dtype=np.float32)))
    assert np.abs(far - near).mean() < 2


def test_face_leaving_the_picture_repeats_its_edge() -> None:
    picture = np.full((50, 50), 77, np.uint8)
    seen = view(picture, align(points_of_a_face()))
    assert seen.shape == (VIEW_SIZE, VIEW_SIZE)
    assert (seen == 77).all()


def test_degenerate_points_are_refused() -> None:
    with pytest.raises(ValueError, match="finite extent"):
        align(np.zeros((68, 2), np.float32))
    with pytest.raises(ValueError, match="finite extent"):
        align(np.full((68, 2), np.nan, np.float32))

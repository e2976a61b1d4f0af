from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.types import FloatArray
from sentistream.vision.crops import centroid_size, face_window, mouth_window

scales = st.floats(0.1, 10)
shifts = st.tuples(st.floats(-500, 500), st.floats(-500, 500))


def face_like(seed: int = 0) -> FloatArray:
    """68 points: a ring for jaw and brows, lips 60 wide and 20 high at the bottom."""
    rng = np.random.default_rng(seed)
    points = rng.normal((640, 380), 90, (68, 2))
    lips = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    points[48:68] = np.stack([640 + 60 * np.cos(lips), 480 + 20 * np.sin(lips)], axis=1)
    return points.astype(np.float32)


def test_face_window_has_the_papers_aspect_and_size_at_ravdess_scale() -> None:
    points = face_like()
    at_ravdess = (points - points.mean(axis=0)) * (120.7 / centroid_size(points))
    window = face_window(at_ravdess.astype(np.float32))
    assert window.height == pytest.approx(450, rel=1e-4)
    assert window.width == pytest.approx(800, rel=1e-4)


@given(scale=scales, shift=shifts, seed=st.integers(0, 50))
def test_windows_move_and_scale_with_the_face(
    scale: float, shift: tuple[float, float], seed: int
) -> None:
    points = face_like(seed)
    moved = (points * scale + shift).astype(np.float32)
    for window in (face_window, mouth_window):
        before, after = window(points), window(moved)
        expected = [
            before.left * scale + shift[0],
            before.top * scale + shift[1],
            before.right * scale + shift[0],
            before.bottom * scale + shift[1],
        ]
        got = [after.left, after.top, after.right, after.bottom]
        assert got == pytest.approx(expected, abs=2e-3 * scale + 2e-2)


def test_mouth_window_is_a_square_centered_on_the_lips() -> None:
    window = mouth_window(face_like())
    assert window.width == pytest.approx(window.height)
    assert window.width > 120
    assert window.center == pytest.approx((640, 480), abs=6)


def test_mouth_window_has_a_minimum_size_when_the_lips_collapse() -> None:
    points = face_like()
    points[48:68] = (640, 480)
    assert mouth_window(points).width > 10


@pytest.mark.parametrize(
    "points", [np.zeros((68, 2), np.float32), np.full((68, 2), np.nan, np.float32)]
)
def test_degenerate_landmarks_are_refused(points: FloatArray) -> None:
    for window in (face_window, mouth_window):
        with pytest.raises(ValueError, match="finite extent"):
            window(points)

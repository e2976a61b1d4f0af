from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.vision.alignment import Alignment
from sentistream.vision.landmarker import (
    COVER,
    VIEW_SIZE,
    landmark_view,
    landmarks_from_network,
    normalized_points,
)


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(10, 900))
def test_shares_and_points_are_inverses(x: float, y: float, side: float) -> None:
    square = Alignment(x, y, side, 0.0)
    points = np.random.default_rng(0).uniform(-100, 100, (68, 2)).astype(np.float32)
    shares = normalized_points(points, square.box.scaled(COVER))
    assert landmarks_from_network(shares.ravel(), square) == pytest.approx(points, abs=0.01)


@pytest.mark.parametrize("degrees", [0, 8, 45, 90, 180, -130])
def test_bright_spot_is_located_by_its_share(degrees: float) -> None:
    luma = np.zeros((200, 300), np.uint8)
    luma[78:83, 118:123] = 255
    square = Alignment(110, 90, 100, math.radians(degrees))
    view = landmark_view(luma, square)
    assert view.shape == (VIEW_SIZE, VIEW_SIZE, 1)
    row, column = np.unravel_index(int(view.argmax()), view.shape[:2])
    spot = np.array([[column + 0.5, row + 0.5]], np.float32) / np.float32(VIEW_SIZE)
    assert landmarks_from_network(spot, square)[0] == pytest.approx([120, 80], abs=2.5)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.types import Box
from sentistream.vision.points import COVER, VIEW_SIZE, points_within, seen, shares_within


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(10, 900))
def test_shares_and_points_are_inverses(left: float, top: float, side: float) -> None:
    box = Box(left, top, left + side, top + side)
    points = np.random.default_rng(0).uniform(-100, 100, (68, 2)).astype(np.float32)
    shares = shares_within(points, box.scaled(COVER))
    assert points_within(shares.ravel(), box) == pytest.approx(points, abs=0.01)


def test_a_bright_spot_is_where_its_share_says() -> None:
    luma = np.zeros((200, 300), np.uint8)
    luma[78:83, 118:123] = 255
    box = Box(60, 40, 160, 140)
    view = seen(luma, box)
    assert view.shape == (VIEW_SIZE, VIEW_SIZE, 1)
    row, column = np.unravel_index(int(view.argmax()), view.shape[:2])
    spot = np.array([[column + 0.5, row + 0.5]], np.float32) / np.float32(VIEW_SIZE)
    assert points_within(spot, box)[0] == pytest.approx([120, 80], abs=2)

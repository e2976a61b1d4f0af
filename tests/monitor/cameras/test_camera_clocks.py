from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.monitor.cameras.clocks import BACK, StreamClock, WallClock


def test_late_moments_get_their_capture_time() -> None:
    clock = StreamClock()
    assert clock.place(0.0, 100.0) == 100.0
    assert clock.place(0.5, 100.5) == pytest.approx(100.5)
    # a second's stall, then all at once
    assert clock.place(1.0, 102.0) == pytest.approx(101.0, abs=0.01)
    assert clock.place(1.5, 102.0) == pytest.approx(101.5, abs=0.01)
    assert clock.place(2.0, 102.0) == pytest.approx(102.0, abs=0.01)


def test_accelerated_file_is_timed_by_its_pace() -> None:
    clock = StreamClock(pace=10)
    clock.place(0.0, 50.0)
    assert clock.place(20.0, 52.0) == pytest.approx(52.0, abs=0.01)


@pytest.mark.parametrize("leap", [-1000.0, 1000.0])
def test_jumping_timestamps_are_followed(leap: float) -> None:
    clock = StreamClock()
    clock.place(2000.0, 10.0)
    assert clock.place(2000.0 + leap, 10.1) == pytest.approx(10.1)
    assert clock.place(2000.5 + leap, 10.6) == pytest.approx(10.6, abs=0.01)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 5)), max_size=50))
def test_time_is_monotonic_and_never_ahead(steps: list[tuple[float, float]]) -> None:
    clock = StreamClock()
    media, arrival, before = 0.0, 0.0, float("-inf")
    for step, waited in steps:
        media, arrival = media + step, arrival + waited
        placed = clock.place(media, arrival)
        assert before <= placed <= arrival
        before = placed


class FakeTime:
    """Both clocks of a machine."""

    def __init__(self) -> None:
        self.monotonic = 500.0
        self.wall = 1_700_000_000.0
        self.clock = WallClock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds
        self.clock.follow()

    @property
    def error(self) -> float:
        return self.clock.at(self.monotonic) - self.wall


def test_small_corrections_are_approached_without_going_back() -> None:
    time = FakeTime()
    time.wall -= 2.0
    before = time.clock.at(time.monotonic)
    for _ in range(100):
        time.advance(0.1)
        assert time.clock.at(time.monotonic) > before
        before = time.clock.at(time.monotonic)
    assert time.error == pytest.approx(1.0, abs=0.01)  # a tenth of ten seconds
    for _ in range(110):
        time.advance(0.1)
    assert time.error == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("step", [0.8, 3600.0, 86400.0 * 365, -2 * BACK, -3600.0])
def test_large_corrections_are_applied_at_once(step: float) -> None:
    time = FakeTime()
    time.wall += step
    time.advance(0.03)
    assert time.error == pytest.approx(0.0, abs=1e-6)

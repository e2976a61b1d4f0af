"""The sliding window: correct sums, bounded memory, jumping clocks."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus_helpers import BEGIN, crowd, reading
from sentistream.monitor.alerts import SlidingWindow
from sentistream.monitor.alerts.sliding_window import CLOCK_STEP, MAX_TRACKS


def test_shares_are_weighted_by_face_time() -> None:
    window = SlidingWindow(60)
    window.add(BEGIN, [reading("a", 1.0, seen=1.0), reading("b", 0.0, seen=0.5)])
    window.add(BEGIN + 1, [reading("b", 0.0, seen=0.5)])
    stats = window.stats()
    assert stats.shares is not None
    assert stats.shares["negative"] == pytest.approx(0.5)
    assert stats.seen == pytest.approx(2.0)
    assert stats.appearances == 2
    assert stats.covered == pytest.approx(2 / 60)


def test_nobody_in_view_differs_from_not_watched() -> None:
    window = SlidingWindow(10)
    for second in range(10):
        window.add(BEGIN + second, [])
    assert window.stats().shares is None
    assert window.stats().covered == 1.0


@given(
    length=st.integers(1, 50),
    steps=st.lists(
        st.tuples(
            st.integers(1, 20),
            st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), max_size=4),
        ),
        max_size=80,
    ),
)
def test_window_agrees_with_summing_every_second(
    length: int, steps: list[tuple[int, list[tuple[int, float]]]]
) -> None:
    window = SlidingWindow(length)
    second, seen = BEGIN, []
    for step, faces in steps:
        second += step
        seen.append((second, faces))
        window.add(second, [reading(str(track), negative) for track, negative in faces])
    inside = [(when, faces) for when, faces in seen if when > second - length]
    everybody = [face for _, faces in inside for face in faces]
    stats = window.stats()
    assert stats.appearances == len({track for track, _ in everybody})
    assert stats.covered == pytest.approx(len(inside) / length)
    assert (stats.shares is None) == (not everybody)
    if stats.shares is not None:
        mean = sum(negative for _, negative in everybody) / len(everybody)
        assert stats.shares["negative"] == pytest.approx(mean, abs=1e-9)
        assert sum(stats.shares.values()) == pytest.approx(1)


@given(st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=40), st.integers(1, 86_400))
def test_times_in_any_order_are_accepted(times: list[int], length: int) -> None:
    window = SlidingWindow(length)
    for time in times:
        window.add(time, crowd(2, 0.5))
    stats = window.stats()
    assert 0 < stats.covered <= 1
    assert stats.shares is None or 0 <= stats.shares["negative"] <= 1


def test_clock_set_back_loses_nothing() -> None:
    window = SlidingWindow(600)
    for second in range(300):
        window.add(BEGIN + second, crowd(3, 0.2))
    for second in range(300):
        window.add(BEGIN - 3600 + second, crowd(3, 0.2))
    assert window.stats().covered == 1.0
    assert window.stats().appearances == 3


def test_clock_set_forward_leaves_a_gap_that_fills() -> None:
    window = SlidingWindow(100)
    for second in range(100):
        window.add(BEGIN + second, crowd(1, 1.0))
    window.add(BEGIN + 7200, crowd(1, 0.0))
    assert window.stats().covered == pytest.approx(0.01)
    assert window.stats().shares == {"positive": 0.0, "neutral": 1.0, "negative": 0.0}


def test_late_seconds_are_inserted() -> None:
    window = SlidingWindow(20)
    window.add(BEGIN + 25, crowd(1, 1.0))
    window.add(BEGIN + 10, crowd(1, 0.0))  # within CLOCK_STEP and inside the window
    window.add(BEGIN + 1, crowd(1, 0.0))  # within CLOCK_STEP, but too old by now
    assert CLOCK_STEP >= 24
    assert window.stats().seen == 2


def test_day_of_a_crowd_uses_little_memory() -> None:
    window = SlidingWindow(24 * 3600)
    tracemalloc.start()
    for second in range(0, 24 * 3600, 10):
        window.add(BEGIN + second, [reading(f"p{second}", 0.5)])
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size < 100_000
    assert window.stats().appearances == MAX_TRACKS

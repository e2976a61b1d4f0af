"""Delays grow, repeat the last one, and start over after a reset or a good run."""

from __future__ import annotations

import pytest

from sentistream.backoff import Backoff, doubling_delays


def test_last_delay_repeats_until_a_reset() -> None:
    backoff = Backoff((1, 5, 60))
    assert [backoff.next_delay() for _ in range(5)] == [1, 5, 60, 60, 60]
    assert backoff.failures == 5
    backoff.reset()
    assert (backoff.failures, backoff.next_delay()) == (0, 1)


def test_good_run_resets_the_delays() -> None:
    backoff = Backoff((1, 5, 60), reset_after=30)
    assert [backoff.next_delay(ran=29.9) for _ in range(3)] == [1, 5, 60]
    assert [backoff.next_delay(ran=30), backoff.next_delay(ran=0)] == [1, 5]


def test_doubling_stops_at_the_longest_delay() -> None:
    assert doubling_delays(1, 10) == (1, 2, 4, 8, 10)
    assert doubling_delays(20, 10) == (20,)
    with pytest.raises(ValueError, match="not above 0"):
        doubling_delays(0, 10)

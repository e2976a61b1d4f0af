from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.media import Faults, MediaInfo, Source
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.streams.governor import MOST, Governor
from sentistream.types import Flag, Moment, Reading

TICK = 0.03


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def play(governor: Governor, clock: Clock, seconds: float, cost: float, begin: float) -> float:
    """Moments in real time, each analyzed one taking ``cost``; returns the media time after."""
    moment, late = begin, 0.0
    while moment < begin + seconds:
        late = max(0.0, late - TICK)
        if governor.admits(moment):
            governor.worked(cost, age=cost + late)
            late += cost
        clock.now += TICK
        moment += TICK
    return moment


def test_a_machine_with_time_to_spare_leaves_nothing_out() -> None:
    clock = Clock()
    governor = Governor(TICK, clock=clock)
    play(governor, clock, 10, cost=0.02, begin=0.0)
    assert governor.tick == TICK and not governor.is_slowed


@pytest.mark.parametrize(("cost", "least"), [(0.04, 2), (0.07, 3), (0.15, 6), (1.0, MOST)])
def test_it_slows_until_there_is_room_and_no_further_than_need_be(cost: float, least: int) -> None:
    clock = Clock()
    governor = Governor(TICK, clock=clock)
    play(governor, clock, 20, cost=cost, begin=0.0)
    assert least * TICK <= governor.tick + 1e-9 <= min(least + 2, MOST) * TICK + 1e-8


def test_it_recovers_and_does_not_waver() -> None:
    clock = Clock()
    governor = Governor(TICK, clock=clock)
    moment = play(governor, clock, 10, cost=0.05, begin=0.0)
    slowed, ticks = governor.tick, set()
    for _ in range(20):
        moment = play(governor, clock, 1, cost=0.05, begin=moment)
        ticks.add(governor.tick)
    assert ticks == {slowed}
    play(governor, clock, 30, cost=0.005, begin=moment)
    assert not governor.is_slowed


def test_late_readings_slow_it_down_even_where_the_load_is_low() -> None:
    clock = Clock()
    governor = Governor(TICK, clock=clock)
    for _ in range(100):
        governor.worked(0.001, age=2.0)
        clock.now += TICK
    assert governor.is_slowed


@given(
    every=st.integers(1, MOST),
    jitter=st.lists(st.floats(-0.004, 0.004), min_size=50, max_size=200),
)
def test_what_is_admitted_keeps_the_pace(every: int, jitter: list[float]) -> None:
    governor = Governor(TICK, clock=Clock())
    governor._every = every
    times = [number * TICK + shake for number, shake in enumerate(jitter)]
    admitted = [moment for moment in times if governor.admits(moment)]
    assert len(admitted) == pytest.approx(len(times) / every, abs=1.01)


def test_streams_do_not_share_their_turns_and_a_reset_clock_begins_anew() -> None:
    governor = Governor(TICK, clock=Clock())
    governor._every = 4
    assert governor.admits(0.0, "a") and governor.admits(0.0, "b")
    assert not governor.admits(TICK, "a")
    assert governor.admits(500.0, "a")
    assert governor.admits(0.0, "a"), "the stream's clock began anew"


class Camera(Source):
    """Moments at the pace of the clock; what is not taken in time is dropped."""

    def __init__(self, seconds: float) -> None:
        self.info = MediaInfo(
            name="camera", container="test", duration=None, width=64, height=64, frame_rate=None,
            rotation=0, video_codec="test", audio_codec=None, audio_rate=None,
            audio_channels=None, live=True,
        )  # fmt: skip
        self.faults = Faults()
        self._picture = RgbPicture(np.zeros((64, 64, 3), np.uint8))
        self._moments = int(seconds / TICK)
        self._begun = time.monotonic()
        self._next = 0

    def __next__(self) -> Moment:
        now = int((time.monotonic() - self._begun) / TICK)
        if now > self._next + 4:
            self.faults.dropped_moments += now - self._next
            self._next = now
        if self._next >= self._moments:
            raise StopIteration
        time.sleep(max(0.0, self._begun + self._next * TICK - time.monotonic()))
        self._next += 1
        return Moment(self._next * TICK, self._picture, self._next * TICK)

    def close(self) -> None:
        pass


class Slow(Analyzer):
    """Takes twice as long as there is."""

    def __init__(self) -> None:
        pass

    def reset(self, *, renumber: bool = False) -> None:
        pass

    def process(self, moment: Moment) -> tuple[Reading, ...]:
        time.sleep(2 * TICK)
        return (Reading(time=moment.time),)


def analysed(seconds: float) -> Iterator[tuple[Moment, tuple[Reading, ...]]]:
    with Analysis(Camera(seconds), Slow(), LITE) as analysis:
        yield from analysis.moments()


def test_a_camera_too_fast_for_the_machine_is_looked_at_less_often_and_says_so() -> None:
    flags = [readings[0].flags for _, readings in analysed(6.0)]
    assert Flag.SLOWED not in flags[0]
    assert Flag.SLOWED in flags[-1]

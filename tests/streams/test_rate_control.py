from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.media import Faults, MediaInfo, Source
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.streams.rate_control import FULL_MOMENTS, MAX_DIVISOR, STEP, RateController
from sentistream.types import Flag, Moment, Reading

TICK = 0.03


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """Analyzes what it is given; up to four moments can be queued.

    Each takes ``cost`` seconds, and ``picture_cost`` more with a new picture.
    """

    def __init__(self, clock: Clock, rate: RateController) -> None:
        self.cost = self.picture_cost = 0.0
        self.dropped = 0
        self._clock, self._rate = clock, rate
        self._free_at, self._moment = 0.0, 0.0

    def run(self, seconds: float) -> None:
        end = self._moment + seconds
        while self._moment < end:
            self._moment += TICK
            self._clock.now = max(self._clock.now, self._moment)
            if not self._rate.admits(self._moment):
                continue
            if self._free_at - self._moment > 4 * max(self.cost, TICK):
                self.dropped += 1
                continue
            start = max(self._free_at, self._moment)
            self._free_at = start + self.cost + self.picture_cost * self._rate.share
            self._rate.update(waited=start - self._moment, dropped=self.dropped)


def machine(cost: float) -> tuple[Machine, RateController]:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    simulated = Machine(clock, rate)
    simulated.cost = cost
    return simulated, rate


@pytest.mark.parametrize("cost", [0.001, 0.02, 0.028])
def test_sufficient_machine_skips_nothing(cost: float) -> None:
    simulated, rate = machine(cost)
    simulated.run(20)
    assert rate.tick == TICK and not rate.is_slowed


def test_short_hitch_does_not_reduce_the_rate() -> None:
    simulated, rate = machine(0.005)
    simulated.run(5)
    simulated.cost = 0.1
    simulated.run(TICK)
    simulated.cost = 0.005
    simulated.run(5)
    assert not rate.is_slowed


@pytest.mark.parametrize("cost", [0.04, 0.07, 0.15, 1.0])
def test_rate_falls_until_the_machine_keeps_up_and_little_further(cost: float) -> None:
    simulated, rate = machine(cost)
    simulated.run(60)
    before = simulated.dropped
    most = min(math.ceil(cost / TICK) + 1, MAX_DIVISOR)
    assert min(cost / TICK, MAX_DIVISOR) * TICK <= rate.tick + TICK
    simulated.run(30)
    assert rate.tick <= most * TICK + 1e-9
    if cost < MAX_DIVISOR * TICK:
        assert simulated.dropped - before < 0.1 * 30 / TICK


def test_rate_is_probed_with_growing_delays_and_recovers() -> None:
    simulated, rate = machine(0.005)
    simulated.picture_cost = 0.04
    raises = []
    for second in range(120):
        before = rate.share
        simulated.run(1)
        if rate.share > before:
            raises.append(second)
    assert 2 <= len(raises) <= 12
    assert raises[-1] - raises[-2] > raises[1] - raises[0]
    simulated.picture_cost = 0.005
    simulated.run(200)
    assert not rate.is_slowed


def test_higher_rates_are_probed_sooner_at_a_low_picture_rate() -> None:
    def longest_pause(cost: float) -> int:
        simulated, rate = machine(0.005)
        simulated.picture_cost = cost
        raises = []
        for second in range(200):
            before = rate.share
            simulated.run(1)
            if rate.share > before:
                raises.append(second)
        return max(b - a for a, b in itertools.pairwise(raises))

    assert longest_pause(0.2) < longest_pause(0.035)


def test_dropped_moments_reduce_the_rate_if_waits_are_unknown() -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    for number in range(400):
        rate.update(dropped=number)
        clock.now += TICK
    assert rate.is_slowed


def slowed(every: int) -> RateController:
    """A controller with so many drops behind it that at most every n-th moment is analyzed."""
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    dropped = 0
    while rate.tick < every * TICK - 1e-9:
        dropped += 1
        rate.update(dropped=dropped)
        clock.now += TICK
    return rate


@settings(deadline=None)
@given(
    every=st.integers(1, MAX_DIVISOR),
    jitter=st.lists(st.floats(-0.004, 0.004), min_size=50, max_size=200),
)
def test_admitted_moments_are_evenly_paced(every: int, jitter: list[float]) -> None:
    rate = slowed(every)
    times = [number * TICK + shake for number, shake in enumerate(jitter)]
    admitted = [moment for moment in times if rate.admits(moment)]
    assert len(admitted) == pytest.approx(len(times) * TICK / rate.tick, abs=1.01)


def pictures(rate: RateController, count: int) -> list[Moment]:
    """Moments, each with a picture of its own."""
    simulated = [RgbPicture(np.zeros((2, 2, 3), np.uint8)) for _ in range(count)]
    return [rate.thin(Moment(n * TICK, one, n * TICK)) for n, one in enumerate(simulated)]


def test_without_overload_each_picture_is_analyzed() -> None:
    rate = RateController(TICK)
    assert [one.picture_time for one in pictures(rate, 20)] == [n * TICK for n in range(20)]


@given(windows=st.integers(1, 12))
def test_source_that_cannot_skip_is_analyzed_in_part(windows: int) -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    while rate.share > STEP**windows + 1e-9 and rate.share > FULL_MOMENTS:
        rate.update(waited=1.0)
        clock.now += TICK
    thinned = pictures(rate, 400)
    fresh = len({one.picture_time for one in thinned})
    assert fresh / 400 == pytest.approx(rate.share, abs=0.01)
    assert all(one.picture_time <= one.time for one in thinned)
    assert max(one.time - one.picture_time for one in thinned) <= TICK / rate.share + 1e-9


def test_waiting_alone_skips_no_moments() -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    for _ in range(4000):
        rate.update(waited=1.0, lag=1.0)
        clock.now += TICK
    assert rate.share == FULL_MOMENTS and rate.tick == TICK


def test_pictures_are_skipped_before_moments() -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    dropped, shares = 0, [1.0]
    while rate.tick == TICK:
        dropped += 1
        rate.update(dropped=dropped)
        clock.now += TICK
        if rate.share != shares[-1] and rate.tick == TICK:
            shares.append(rate.share)
    assert shares[-1] == FULL_MOMENTS
    assert all(b < a for a, b in itertools.pairwise(shares))


@given(windows=st.integers(1, 12), kept=st.floats(0.4, 1.0))
def test_thinning_keeps_the_share_given_by_the_source(windows: int, kept: float) -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    for _ in range(windows * 40):
        rate.update(waited=1.0)
        clock.now += TICK
    simulated = [RgbPicture(np.zeros((2, 2, 3), np.uint8)) for _ in range(400)]
    times = {
        rate.thin(Moment(n * TICK, one, n * TICK), share=kept).picture_time
        for n, one in enumerate(simulated)
    }
    assert len(times) / 400 == pytest.approx(kept, abs=0.01)


def test_severe_overload_is_answered_sooner() -> None:
    def seconds_until_slowed(dropped_of_ten: int) -> float:
        clock = Clock()
        rate = RateController(TICK, clock=clock)
        dropped = 0
        for number in range(1000):
            dropped += number % 10 < dropped_of_ten
            rate.update(dropped=dropped)
            clock.now += TICK
            if rate.is_slowed:
                break
        return clock.now

    assert seconds_until_slowed(6) < seconds_until_slowed(1) - 0.5


def test_shrinking_backlog_is_no_overload() -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    lag = 1.0
    for _ in range(1000):
        lag *= 0.997
        rate.update(lag=lag)
        clock.now += TICK
    assert not rate.is_slowed


def test_source_that_cannot_catch_up_has_fewer_moments() -> None:
    clock = Clock()
    rate = RateController(TICK, clock=clock)
    for number in range(4000):
        rate.update(lag=number * 0.01)
        clock.now += TICK
    assert rate.tick == pytest.approx(MAX_DIVISOR * TICK)


def test_streams_are_independent_and_a_reset_clock_starts_over() -> None:
    rate = slowed(4)
    assert rate.admits(0.0, "a") and rate.admits(0.0, "b")
    assert not rate.admits(TICK, "a")
    assert rate.admits(500.0, "a")
    assert rate.admits(0.0, "a"), "the stream's clock started over"


class Camera(Source):
    """Moments at the pace of the clock; those not taken in time are dropped."""

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
        if now > self._next + 4 and self._next:
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
    """Takes twice the time available."""

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


def test_overloaded_camera_is_analyzed_less_often_and_reports_it() -> None:
    flags = [readings[0].flags for _, readings in analysed(9.0)]
    assert Flag.SLOWED not in flags[0]
    assert Flag.SLOWED in flags[-1]

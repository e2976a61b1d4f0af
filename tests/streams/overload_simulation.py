"""A simulated machine: cores, and worker processes that decode and analyze streams on them.

Costs are those measured for 720p (docs/benchmark.md); the cores serve runnable threads in turn,
as operating systems do.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sentistream.media.packet_skipping import PacketSkipper
from sentistream.media.picture import RgbPicture
from sentistream.media.receive_clock import MAX_BEHIND
from sentistream.streams.multi_source import PATIENCE
from sentistream.streams.rate_control import RateController
from sentistream.streams.stream_worker import DEPTH
from sentistream.types import Moment

TICK = 0.03
QUANTUM = 0.001
SEARCH = 0.27
"""Seconds between detections in the whole picture."""
_PIXELS = np.zeros((2, 2, 3), np.uint8)


@dataclass(frozen=True)
class Costs:
    """CPU seconds.

    Attributes:
        decode: Decoding a picture.
        key, referred, disposable: The same for such pictures, as multiples.
        skip: Skipping a packet.
        fresh: Analyzing a moment with a new picture, immediately after the one before.
        search: Additional detection in the whole picture if moments are ``SEARCH`` apart.
        repeated: Analyzing a moment without a new picture.
        make: Creating a moment.
    """

    decode: float = 0.004
    key: float = 1.7
    referred: float = 1.2
    disposable: float = 0.8
    skip: float = 0.00005
    fresh: float = 0.0028
    search: float = 0.0075
    repeated: float = 0.0005
    make: float = 0.0002


@dataclass(frozen=True)
class Coding:
    """A stream's GOP structure.

    Attributes:
        rate: Pictures per second.
        group: Pictures from one keyframe to the next.
        referred: Of this many consecutive pictures, only the first is a reference; 1 for all.
    """

    rate: float = 30.0
    group: int = 30
    referred: int = 1


@dataclass(eq=False)
class Packet:
    is_keyframe: bool
    is_disposable: bool


def is_disposable(packet: Any) -> bool:
    return bool(packet.is_disposable)


@dataclass
class Stream:
    """One camera; its thread reads packets as they arrive, decodes, and queues moments."""

    coding: Coding
    begin: float
    costs: Costs
    rate: RateController
    number: int
    patience: float = PATIENCE
    catches_up: bool = True
    until: float = math.inf
    skipper: PacketSkipper = field(default_factory=lambda: PacketSkipper(is_disposable))
    waiting: deque[tuple[Moment, float]] = field(default_factory=deque)
    lag: float = 0.0
    dropped: int = 0
    moments: int = 0
    fresh: int = 0
    slowed: int = 0

    def run(self, clock: Clock) -> Iterator[bool]:
        """Yield whether there is work, for each quantum of CPU time."""
        packet, ticks = 0, 0
        picture, shown = RgbPicture(_PIXELS), 0.0
        work = 0.0
        while True:
            due = self.begin + packet / self.coding.rate
            while clock.now < due or clock.now > self.until:
                yield False
            self.lag = clock.now - due
            self.skipper.share = self.rate.share
            if self.catches_up and self.lag > MAX_BEHIND:
                now = packet / self.coding.rate
                self.skipper.catch_up(now, now + self.lag)
            place = packet % self.coding.group
            new_packet = Packet(place == 0, place % self.coding.referred != 0)
            time = packet / self.coding.rate
            if self.skipper.wants(new_packet, time, 1 / self.coding.rate):  # type: ignore[arg-type]
                work += self.costs.decode * self._cost_factor(new_packet)
                picture, shown = RgbPicture(_PIXELS), time
            else:
                work += self.costs.skip
            packet += 1
            while ticks * TICK < packet / self.coding.rate:
                moment = Moment(ticks * TICK, picture, shown)
                ticks += 1
                work += self.costs.make
                while work >= QUANTUM:
                    work -= QUANTUM
                    yield True
                if self.skipper.in_gap:
                    self.dropped += 1
                    continue
                if not self.rate.admits(moment.time, self.number):
                    continue
                full = clock.now
                while len(self.waiting) >= DEPTH and clock.now - full < self.patience:
                    yield False
                if len(self.waiting) >= DEPTH:
                    self.waiting.popleft()
                    self.dropped += 1
                self.waiting.append((moment, clock.now))

    def _cost_factor(self, packet: Packet) -> float:
        if packet.is_keyframe:
            return self.costs.key
        if packet.is_disposable:
            return self.costs.disposable
        return self.costs.referred if self.coding.referred > 1 else 1.0


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """A process: a thread for each stream, and one that analyzes."""

    def __init__(
        self,
        clock: Clock,
        codings: dict[int, Coding],
        costs: Costs,
        controlled: bool,
        patience: float,
        catches_up: bool,
        until: dict[int, float],
        apart: float,
    ) -> None:
        self._clock = clock
        self._costs = costs
        self._controlled = controlled
        self.rate = RateController(TICK, clock=clock)
        self.streams = [
            Stream(
                coding,
                apart * number,
                costs,
                self.rate,
                place,
                patience,
                catches_up,
                until.get(number, math.inf),
            )
            for place, (number, coding) in enumerate(codings.items())
        ]
        self.threads = [stream.run(clock) for stream in self.streams] + [self._analyze()]

    def _analyze(self) -> Iterator[bool]:
        last: dict[int, Any] = {}
        seen: dict[int, float] = {}
        work = 0.0
        while True:
            ready = {s.number: s.waiting.popleft() for s in self.streams if s.waiting}
            if not ready:
                yield False
                continue
            started = self._clock.now
            for number, (moment, _) in ready.items():
                share = self.streams[number].skipper.analyzed_share
                thinned = self.rate.thin(moment, number, share)
                is_fresh = last.get(number) is not thinned.picture
                last[number] = thinned.picture
                work += self._costs.repeated
                if is_fresh:
                    apart = thinned.picture_time - seen.get(number, 0.0) - 1 / 30
                    seen[number] = thinned.picture_time
                    work += self._costs.fresh - self._costs.repeated
                    work += self._costs.search * min(1.0, max(0.0, apart) / SEARCH)
                while work >= QUANTUM:
                    work -= QUANTUM
                    yield True
                stream = self.streams[number]
                stream.moments += 1
                stream.fresh += is_fresh
                stream.slowed += self.rate.is_slowed
            if self._controlled:
                self.rate.update(
                    moments=len(ready),
                    waited=max(started - decoded for _, decoded in ready.values()),
                    dropped=sum(stream.dropped for stream in self.streams),
                    lag=max(stream.lag for stream in self.streams),
                )


@dataclass(frozen=True)
class Outcome:
    """Per-second results of each stream, once the machine has settled."""

    moments: list[float]
    fresh: list[float]
    slowed: list[float]
    lags: list[float]
    shares: list[float]


def simulate(
    codings: list[Coding],
    *,
    cores: int = 2,
    settle: float = 60.0,
    seconds: float = 30.0,
    costs: Costs | None = None,
    controlled: bool = True,
    patience: float = PATIENCE,
    catches_up: bool = True,
    until: dict[int, float] | None = None,
    apart: float = 0.1,
) -> Outcome:
    """Run streams on as many workers as cores.

    Args:
        codings: One per stream.
        cores: Number of cores.
        settle: Warm-up seconds, not counted.
        seconds: Counted seconds.
        costs: CPU seconds of each kind of work.
        controlled: Whether the rate is controlled at all.
        patience: Seconds for which a full queue blocks decoding.
        catches_up: Whether a lagging reader skips pictures.
        until: End of the streams from these numbers on, seconds.
        apart: Seconds between the starts of consecutive streams, and so between their
            keyframes.
    """
    clock = Clock()
    ends = {
        number: end for first, end in (until or {}).items() for number in range(first, len(codings))
    }
    workers = [
        Worker(
            clock,
            dict(list(enumerate(codings))[place::cores]),
            costs or Costs(),
            controlled,
            patience,
            catches_up,
            ends,
            apart,
        )
        for place in range(min(cores, len(codings)))
    ]
    threads = [thread for worker in workers for thread in worker.threads]
    turn = 0
    counts_at_start: list[tuple[int, int, int]] = []
    streams = [stream for worker in workers for stream in worker.streams]
    while clock.now < settle + seconds:
        if clock.now >= settle and not counts_at_start:
            counts_at_start = [(stream.moments, stream.fresh, stream.slowed) for stream in streams]
        busy = 0
        for step in range(len(threads)):
            place = (turn + step) % len(threads)
            if next(threads[place]):
                busy += 1
                if busy == cores:
                    turn = place + 1
                    break
        clock.now = round(clock.now + QUANTUM, 6)
    return Outcome(
        [(s.moments - b[0]) / seconds for s, b in zip(streams, counts_at_start, strict=True)],
        [(s.fresh - b[1]) / seconds for s, b in zip(streams, counts_at_start, strict=True)],
        [
            (s.slowed - b[2]) / max(1, s.moments - b[0])
            for s, b in zip(streams, counts_at_start, strict=True)
        ],
        [stream.lag for stream in streams],
        [worker.rate.share for worker in workers],
    )


def jain(values: list[float]) -> float:
    """Jain's fairness index: 1 if all are equal."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))

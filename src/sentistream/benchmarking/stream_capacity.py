"""How many cameras this machine can handle: copies of the clip, each in real time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentistream.operating_system import proportional_memory
from sentistream.profiles import Profile
from sentistream.streams import StreamEnd, analyze_streams
from sentistream.types import Flag

REAL_TIME_SHARE = 0.99
"""Share of the moments that must be analyzed to count as real time."""


@dataclass(frozen=True, slots=True)
class StreamsResult:
    """The result for a number of streams.

    Attributes:
        streams: How many.
        workers: Processes.
        rate: Moments analyzed per second, all streams together.
        expected: Moments per second that arrived.
        latency_p50, latency_p95: Seconds from the end of decoding to the readings.
        memory: MiB of all workers, shared pages counted in parts (proportional set size).
        pictures: Moments per second with a new picture, all streams together.
        fairness: Jain's index of the streams' moments, 1 / streams to 1: 1 if all have as many.
        slowed: Streams that reported being slowed at least once.
    """

    streams: int
    workers: int
    rate: float
    expected: float
    latency_p50: float
    latency_p95: float
    memory: float
    pictures: float = float("nan")
    fairness: float = 1.0
    slowed: int = 0

    @property
    def keeps_up(self) -> bool:
        """Whether the streams ran in real time."""
        return self.rate >= REAL_TIME_SHARE * self.expected


def run_streams(
    paths: Sequence[Path],
    profile: Profile,
    seconds: float,
    workers: int,
    *,
    apart: float = 0.0,
    settle: float = 0.0,
) -> StreamsResult:
    """Plays recordings as cameras; moments are dropped if the machine cannot keep up.

    Args:
        paths: One per stream, each longer than ``seconds``.
        profile: Which networks and settings.
        seconds: How long to measure once all have begun.
        workers: Processes.
        apart: Seconds between their beginnings.
        settle: Seconds that are not measured once all have begun: rates adapt within them.
    """
    moments: Counter[int] = Counter()
    pictures, slowed = 0, set[int]()
    latencies: list[float] = []
    begun: float | None = None
    reached: dict[int, float] = {}
    memory = 0.0
    with analyze_streams(
        paths, profile=profile, workers=workers, paced=True, apart=apart
    ) as streams:
        for event in streams:
            if isinstance(event, StreamEnd):
                if event.problem is not None:
                    raise event.problem
                break
            if begun is None:
                reached[event.stream] = event.time
                # the first look at each whole picture is over by then
                if len(reached) == len(paths) and min(reached.values()) > _WARM_UP:
                    begun = time.monotonic() + settle
                continue
            if time.monotonic() < begun:
                continue
            latencies.append(event.latency)
            moments[event.stream] += 1
            flags = {flag for reading in event.readings for flag in reading.flags}
            pictures += Flag.REPEATED_PICTURE not in flags
            if Flag.SLOWED in flags:
                slowed.add(event.stream)
            if time.monotonic() - begun >= seconds:
                memory = sum(_memory(process) for process in streams.processes)
                break
    spent = time.monotonic() - begun if begun is not None else float("nan")
    return StreamsResult(
        streams=len(paths),
        workers=workers,
        rate=len(latencies) / spent,
        expected=len(paths) / profile.tick,
        latency_p50=float(np.percentile(latencies, 50)) if latencies else float("nan"),
        latency_p95=float(np.percentile(latencies, 95)) if latencies else float("nan"),
        memory=memory,
        pictures=pictures / spent,
        fairness=jain([moments[number] for number in range(len(paths))]),
        slowed=len(slowed),
    )


def jain(values: Sequence[float]) -> float:
    """Jain's index of fairness (Jain, Chiu and Hawe 1984, eq. 2); 0 if nobody has any."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


_WARM_UP = 2.0


def _memory(process: int) -> float:
    """MiB of a process, shared pages counted in parts."""
    held = proportional_memory(process)
    return float("nan") if held is None else held / 1024**2

"""How many cameras this machine can follow: copies of the clip, each at the pace of the clock."""

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
"""Share of the moments that has to be analyzed for real time to count as kept."""


@dataclass(frozen=True, slots=True)
class StreamsResult:
    """What so many streams came to.

    Attributes:
        streams: How many.
        workers: Processes.
        rate: Moments a second of all together.
        expected: Moments a second that came.
        latency_p50, latency_p95: Seconds from the end of decoding to the readings.
        memory: MiB of all workers, shared pages counted in parts (proportional set size).
        pictures: Moments a second with a new picture, of all together.
        fairness: Jain's index of the streams' moments, 1 / streams to 1: 1 where all have as many.
        slowed: Streams that said at least once that they were slowed.
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
        """Whether real time was kept."""
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
    """Follows recordings as cameras; those that cannot be kept up with drop moments.

    Args:
        paths: One a stream, each longer than ``seconds``.
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
    """Jain's index of fairness (Jain, Chiu and Hawe 1984, eq. 2); 0 where nobody has anything."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


_WARM_UP = 2.0


def _memory(process: int) -> float:
    """MiB of a process, pages shared with others counted in parts."""
    held = proportional_memory(process)
    return float("nan") if held is None else held / 1024**2

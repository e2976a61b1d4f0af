"""An appearance's sentiment over time in a bounded number of bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sentistream.reports.columns import mouth_state
from sentistream.reports.statistics import TRACKS_TOLD
from sentistream.types import Reading

BINS = 240
FINEST = 0.1
"""Seconds of the first bins."""


@dataclass(slots=True)
class Bin:
    """Sums over the readings of one stretch of time.

    Attributes:
        readings: How many.
        weighed: How many had smoothed probabilities.
        sums: Of the smoothed probabilities, in the order of ``SENTIMENTS``.
        mouths: How many had a known mouth.
        opened: How many had an open one.
    """

    readings: int = 0
    weighed: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    mouths: int = 0
    opened: int = 0

    def merge(self, other: Bin) -> None:
        self.readings += other.readings
        self.weighed += other.weighed
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.mouths += other.mouths
        self.opened += other.opened

    @property
    def mean(self) -> tuple[float, float, float] | None:
        """Mean smoothed probabilities; None where there were none."""
        if not self.weighed:
            return None
        positive, neutral, negative = (value / self.weighed for value in self.sums)
        return positive, neutral, negative


class Timeline:
    """Bins of one width for all tracks; the width doubles when the time no longer fits.

    So an hour takes no more room than a minute, without knowing the length beforehand.
    """

    def __init__(self, mouth_threshold: float, bins: int = BINS, finest: float = FINEST) -> None:
        self._threshold = mouth_threshold
        self._bins = bins
        self._start: float | None = None
        self.width = finest
        self.tracks: dict[int, dict[int, Bin]] = {}

    @property
    def start(self) -> float:
        """Time of the first moment, seconds; 0 without one."""
        return self._start or 0.0

    def add(self, time: float, readings: Sequence[Reading]) -> None:
        """Count one moment."""
        if self._start is None:
            self._start = time
        while self._index(time) >= self._bins:
            self._halve()
        index = self._index(time)
        for reading in readings:
            if reading.track is None:
                continue
            if reading.track not in self.tracks and len(self.tracks) >= TRACKS_TOLD:
                continue
            bins = self.tracks.setdefault(reading.track, {})
            bin_ = bins.setdefault(index, Bin())
            bin_.readings += 1
            if reading.smoothed is not None:
                bin_.weighed += 1
                for position, value in enumerate(reading.smoothed.as_tuple()):
                    bin_.sums[position] += value
            state = mouth_state(reading.mouth_open, self._threshold)
            bin_.mouths += state is not None
            bin_.opened += state == "open"

    def _index(self, time: float) -> int:
        return max(0, int((time - self.start) / self.width))

    def _halve(self) -> None:
        self.width *= 2
        for track, bins in self.tracks.items():
            merged: dict[int, Bin] = {}
            for index, bin_ in bins.items():
                if index // 2 in merged:
                    merged[index // 2].merge(bin_)
                else:
                    merged[index // 2] = bin_
            self.tracks[track] = merged

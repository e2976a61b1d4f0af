"""Shares of sentiments over a camera's last minutes, in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sentistream.monitor.observations import SecondReading
from sentistream.types import SENTIMENTS
from sentistream.values import ByValue

MAX_BUCKETS = 600
"""A window is kept as at most this many sums, each over one or more seconds."""

MAX_TRACKS = 128
"""Different tracks that are counted; more than any smallest group."""

CLOCK_STEP = 30
"""Seconds; if time goes back by more, the clock was set back."""

_COVERED = len(SENTIMENTS)


@dataclass(frozen=True, slots=True, eq=False)
class WindowStats(ByValue):
    """The contents of a window.

    Attributes:
        shares: Of each sentiment in the time of faces, 0 to 1; None if nobody was seen.
        seen: Seconds of faces, added up over everybody.
        appearances: Different tracks, counted up to ``MAX_TRACKS``.
        covered: The share of the window's seconds that were watched, 0 to 1.
    """

    shares: dict[str, float] | None
    seen: float
    appearances: int
    covered: float


class SlidingWindow:
    """Sums over the last ``seconds`` of one camera or zone.

    Time is that of the readings, not of the machine. When it goes back by more than ``CLOCK_STEP``,
    the clock was set: earlier readings keep their distance to now. When it goes forward, the
    seconds between were not watched.

    Args:
        seconds: Its length.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._width = max(1, math.ceil(seconds / MAX_BUCKETS))
        self._length = max(1, math.ceil(seconds / self._width))
        self._sums = np.zeros((self._length, len(SENTIMENTS) + 1))
        self._tracks: OrderedDict[str, int] = OrderedDict()
        self._shift = 0
        self._newest: int | None = None

    def add(self, second: int, readings: Iterable[SecondReading]) -> None:
        """Adds one watched second; without readings, nobody was seen in it."""
        moved = self._advance(second)
        if moved is None:
            return
        bucket = self._sums[moved // self._width % self._length]
        bucket[_COVERED] = min(bucket[_COVERED] + 1, self._width)
        for reading in readings:
            bucket[:_COVERED] += (
                reading.seen * reading.positive,
                reading.seen * reading.neutral,
                reading.seen * reading.negative,
            )
            self._tracks[reading.track] = moved
            self._tracks.move_to_end(reading.track)
        while len(self._tracks) > MAX_TRACKS:
            self._tracks.popitem(last=False)

    def stats(self) -> WindowStats:
        """Its contents up to the newest second."""
        totals = self._sums.sum(axis=0)
        seen = float(totals[:_COVERED].sum())
        shares = None
        if seen > 0:
            shares = {
                name: min(1.0, max(0.0, float(total) / seen))
                for name, total in zip(SENTIMENTS, totals, strict=False)
            }
        covered = min(1.0, float(totals[_COVERED]) / (self._length * self._width))
        return WindowStats(shares=shares, seen=seen, appearances=len(self._tracks), covered=covered)

    def _advance(self, second: int) -> int | None:
        """Advances to a second; its place on the window's own timeline, None if it is too old."""
        moved = second + self._shift
        if self._newest is None:
            self._newest = moved
        elif moved < self._newest - CLOCK_STEP:
            # the clock was set back: continue right after the newest second
            self._shift += self._newest + 1 - moved
            moved = self._newest + 1
        if moved <= self._newest:
            oldest = (self._newest // self._width - self._length + 1) * self._width
            return moved if moved >= oldest else None
        first = self._newest // self._width + 1
        last = moved // self._width
        for number in range(max(first, last - self._length + 1), last + 1):
            self._sums[number % self._length] = 0.0
        self._newest = moved
        oldest = (last - self._length + 1) * self._width
        while self._tracks and next(iter(self._tracks.values())) < oldest:
            self._tracks.popitem(last=False)
        return moved

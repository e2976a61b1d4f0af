"""Capture times of received frames, estimated from their arrival."""

from __future__ import annotations

_WINDOW = 10.0
"""Window for the earliest arrival, seconds."""
_RESTART = 20.0


class ReceiveClock:
    """Maps a track's timestamps, whose zero is unknown, to the receiver's clock.

    Frames arrive late because of the network and decoding, never early: the least late one of the
    last ten seconds determines the timestamps' zero. Two tracks aligned this way match as well
    as their minimum delays agree, a few hundredths of a second over WebRTC.

    Attributes:
        lag: Seconds by which the last one was later than the least late one ever.
    """

    def __init__(self) -> None:
        self.lag: float = 0.0
        self._zero: float | None = None
        self._floor = 0.0
        self._least = 0.0
        self._since = 0.0

    def place(self, stamp: float, arrived: float) -> float:
        """Capture time, on the receiver's clock, of a frame received at ``arrived``."""
        early = arrived - stamp
        if self._zero is None or abs(early - self._zero) > _RESTART:
            self._zero = self._floor = early
            self._begin(arrived)
        late = early - self._zero
        if late < 0:
            self._zero = early
            self._floor = min(self._floor, early)
            self._begin(arrived)
            late = 0.0
        self._least = min(self._least, late)
        if arrived - self._since > _WINDOW:
            self._zero += self._least
            self._begin(arrived)
        self.lag = early - self._floor
        return stamp + self._zero

    def _begin(self, arrived: float) -> None:
        self._least, self._since = float("inf"), arrived


MAX_BEHIND = 1.0
"""Seconds by which reading may lag behind a live source before it skips to catch up."""

_DRIFT = 0.001  # drift of a sender's clock, seconds a second


class ArrivalPace:
    """How far reading is behind what a live source sends, by its timestamps.

    Compared with the wall clock, packets that are read late have older timestamps than those
    read in time: the smallest difference so far counts as zero, and grows slowly with clock drift.
    """

    def __init__(self) -> None:
        self._least: float | None = None
        self._before = 0.0

    def lag(self, stamp: float, now: float) -> float:
        """Seconds behind.

        Args:
            stamp: The packet's timestamp, seconds; one that jumps ahead starts over.
            now: When it was read, seconds of a monotonic clock.
        """
        distance = now - stamp
        if self._least is not None:
            self._least += _DRIFT * max(0.0, now - self._before)
        self._before = now
        self._least = distance if self._least is None else min(self._least, distance)
        return distance - self._least

"""Converts a stream's timestamps to the monotonic clock, and that to the wall clock.

A stream's timestamps may restart or jump, and the wall clock may be set. Neither makes time go
back here, unless the wall clock is set back by more than ``BACK``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

BACKLOG = 2.0
"""Seconds by which a moment may arrive late; more than that is a jump of the timestamps."""

DRIFT = 0.001
"""Seconds per second by which a stream's clock may be slower than ours; crystals are far better."""

FORWARD = 0.5
"""Seconds by which the wall clock may be ahead and is still slewed; a larger step is adopted at
once."""

BACK = 10.0
"""The same for a wall clock that is behind."""

SLEW = 0.1
"""Seconds per second by which the wall clock is approached."""


class StreamClock:
    """Maps a stream's moments to the monotonic clock by those that arrived with the least delay.

    Args:
        pace: Seconds of the stream played in one second.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._offset: float | None = None
        self._media = 0.0
        self._arrival = 0.0
        self._placed = float("-inf")

    def place(self, media: float, arrival: float) -> float:
        """The time of a moment on the monotonic clock; never goes back, never in the future.

        Args:
            media: Its time on the stream's clock, seconds.
            arrival: When it was decoded, seconds of the monotonic clock.
        """
        stream_time = media / self._pace
        offset = arrival - stream_time
        if self._offset is None or media < self._media or offset - self._offset > BACKLOG:
            self._offset = offset
        else:
            drift = DRIFT * max(0.0, arrival - self._arrival)
            self._offset = min(offset, self._offset + drift)
        self._media, self._arrival = media, arrival
        self._placed = max(self._placed, min(arrival, self._offset + stream_time))
        return self._placed


class WallClock:
    """Follows the wall clock: small differences are slewed, large ones adopted at once.

    Args:
        wall: Seconds since 1970, UTC.
        monotonic: Seconds of a clock that is never set.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._checked = monotonic()
        self._offset = wall() - self._checked

    def follow(self) -> None:
        """Compares with the wall clock; call it from time to time."""
        now = self._monotonic()
        difference = self._wall() - now - self._offset
        limit = SLEW * (now - self._checked)
        self._checked = now
        if -BACK <= difference <= FORWARD:
            difference = max(-limit, min(limit, difference))
        self._offset += difference

    def at(self, moment: float) -> float:
        """Wall-clock seconds (UTC) of a time on the monotonic clock."""
        return moment + self._offset

"""From a stream's own clock to the clock that only goes on, and from that to the one on the wall.

A stream's timestamps may start anew or leap, and the wall clock may be set; neither makes
time go back here, except where the wall clock is put back by more than is worth waiting for.
"""

from __future__ import annotations

import time
from collections.abc import Callable

BACKLOG = 2.0
"""Seconds by which a moment may come late; one that seems later follows a leap of timestamps."""

CREEP = 0.001
"""Seconds a second by which a stream's clock may be slower than ours; crystals are far better."""

FORWARD = 0.5
"""Seconds the wall clock may be ahead and still be approached; more is taken over at once."""

BACK = 10.0
"""Seconds it may be behind and still be approached; more is taken over at once."""

SLEW = 0.1
"""Seconds a second by which it is approached."""


class StreamClock:
    """Places a stream's moments on the monotonic clock by those that came with least delay.

    Args:
        pace: Seconds of the stream a second.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._offset: float | None = None
        self._media = 0.0
        self._arrival = 0.0
        self._placed = float("-inf")

    def place(self, media: float, arrival: float) -> float:
        """When a moment was, seconds of the monotonic clock; never back, never in the future.

        Args:
            media: Its time on the stream's clock.
            arrival: When it had come, seconds of the monotonic clock.
        """
        time_in_stream = media / self._pace
        offset = arrival - time_in_stream
        if self._offset is None or media < self._media or offset - self._offset > BACKLOG:
            self._offset = offset
        else:
            slower = CREEP * max(0.0, arrival - self._arrival)
            self._offset = min(offset, self._offset + slower)
        self._media, self._arrival = media, arrival
        self._placed = max(self._placed, min(arrival, self._offset + time_in_stream))
        return self._placed


class WallClock:
    """Follows the wall clock: small differences slowly, large ones at once.

    Args:
        wall: Seconds since 1970, UTC.
        monotonic: Seconds that only go on.
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
        """Compares with the wall clock; to be called now and then."""
        now = self._monotonic()
        difference = self._wall() - now - self._offset
        most = SLEW * (now - self._checked)
        self._checked = now
        if -BACK <= difference <= FORWARD:
            difference = max(-most, min(most, difference))
        self._offset += difference

    def at(self, moment: float) -> float:
        """Wall-clock seconds (UTC) of a time on the monotonic clock."""
        return moment + self._offset

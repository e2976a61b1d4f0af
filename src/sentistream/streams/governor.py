"""Looks less often when the machine cannot keep up, and says so: live work never queues up.

A live source gives a moment every tick whether or not there is time for it. When moments are
dropped or wait long second after second, only every second moment is analyzed, then
every third, and so on. When all goes well for a while it looks more often again; each time that
proves too much, it waits twice as long before it tries anew. Recordings are never governed.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Hashable, Sequence

from sentistream.types import Flag, Reading

MOST = 8
"""At the least every eighth moment is analyzed: as far as the sound of one moment reaches."""

WINDOW = 1.0
"""Seconds after which it is judged how things go."""

LATE = 2.0
"""Ticks that the middle one of a window's moments may wait before it is worked on."""

DROPPED = 0.05
"""Share of a window's moments that may be dropped: a short hitch is no reason to slow down."""

BAD = 3
"""Windows in a row that have to go badly before it looks less often."""

CALM = 3
"""Windows that have to go well before it looks more often; twice as many after each relapse."""

LONGEST_CALM = 48
"""So many at most."""


SETTLE = 3.0
"""Seconds at the start that say nothing: networks warm up, whole pictures are searched."""


class Governor:
    """How often one thread of analysis looks at its live streams.

    Args:
        tick: Seconds between moments as the profile has them.
        clock: Seconds that only go on.
    """

    def __init__(self, tick: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._base = tick
        self._clock = clock
        self._every = 1
        self._due: dict[Hashable, float] = {}
        self._begun: float | None = None
        self._waits: list[float] = []
        self._worked = 0
        self._dropped_before = self._dropped = 0
        self._bad, self._calm, self._needed, self._since_raise = 0, 0, CALM, 0

    @property
    def tick(self) -> float:
        """Seconds between analyzed moments at present."""
        return self._base * self._every

    @property
    def is_slowed(self) -> bool:
        """Whether moments are left out."""
        return self._every > 1

    def admits(self, moment_time: float, stream: Hashable = 0) -> bool:
        """Whether this moment is to be analyzed; the others are left out on purpose.

        Args:
            moment_time: On the stream's own media clock, seconds; a step back begins anew.
            stream: Whose moment it is.
        """
        due = self._due.get(stream, moment_time)
        if moment_time < due - self._base / 2 and due - moment_time <= self.tick:
            return False
        # from when it was due, unless that is long past: no drift, and no rush after a gap
        begun = due if abs(moment_time - due) < self._base else moment_time
        self._due[stream] = begun + self.tick
        return True

    def forget(self, stream: Hashable) -> None:
        """A stream is over."""
        self._due.pop(stream, None)

    def worked(self, *, waited: float = 0.0, dropped: int = 0) -> None:
        """Takes in that moments were analyzed, and adapts.

        Args:
            waited: Seconds from the end of decoding of the oldest of them until work on it
                began; 0 where it is not known.
            dropped: How many moments the sources have dropped in all, up to now.
        """
        now = self._clock()
        if self._begun is None:
            self._begun = now + SETTLE
        if now < self._begun:
            self._dropped_before = dropped
            return
        self._waits.append(waited)
        self._worked += 1
        self._dropped = dropped
        if now - self._begun >= WINDOW:
            self._judge()
            self._begun, self._dropped_before = now, dropped
            self._waits, self._worked = [], 0

    def _judge(self) -> None:
        lost = max(0, self._dropped - self._dropped_before)
        half = len(self._waits) // 2
        late = statistics.median(self._waits) > LATE * self._base
        if late and half:  # what has piled up may be on its way off
            late = statistics.mean(self._waits[half:]) > 0.95 * statistics.mean(self._waits[:half])
        self._since_raise += 1
        if late or lost > DROPPED * (self._worked + lost):
            self._bad, self._calm = self._bad + 1, 0
            if self._bad < BAD:
                return
            if self._since_raise <= self._needed + BAD:
                self._needed = min(2 * self._needed, LONGEST_CALM)
            self._bad, self._every = 0, min(MOST, self._every + 1)
            return
        self._bad = 0
        if self.is_slowed:
            self._calm += 1
            if self._calm >= self._needed:
                self._every, self._calm, self._since_raise = self._every - 1, 0, 0
        else:
            self._calm += 1
            if self._calm >= LONGEST_CALM:
                self._needed = CALM


def told(readings: Sequence[Reading], governor: Governor) -> tuple[Reading, ...]:
    """The readings, saying so where moments are left out."""
    if not governor.is_slowed:
        return tuple(readings)
    return tuple(dataclasses.replace(one, flags=(*one.flags, Flag.SLOWED)) for one in readings)

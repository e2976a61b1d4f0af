"""Looks less often when the machine cannot keep up, and says so: live work never queues up.

A live source gives a moment every tick whether or not there is time for it. When analysis takes
nearly all of its thread's time, or readings come late, only every second moment is analyzed, then
every third, and so on; when there is room again, more. Recordings are never governed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Hashable, Sequence

from sentistream.types import Flag, Reading

MOST = 8
"""At the least every eighth moment is analyzed: as far as the sound of one moment reaches."""

WINDOW = 1.0
"""Seconds over which the load is taken."""

FULL = 0.85
"""Share of the time at work from which moments are left out."""

ROOM = 0.65
"""Share of the time at work that looking more often may take, so that it does not waver."""

CALM = 3
"""Windows with room in a row before it looks more often."""

LATE = 0.25
"""Seconds a moment may be old when its reading is there before moments are left out."""


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
        self._begun = clock()
        self._busy = 0.0
        self._oldest = 0.0
        self._calm = 0

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

    def worked(self, seconds: float, *, age: float = 0.0) -> None:
        """Takes in that moments were analyzed, and adapts.

        Args:
            seconds: What it took, by the clock.
            age: Seconds from the end of decoding of the oldest of them to its reading.
        """
        self._busy += seconds
        self._oldest = max(self._oldest, age)
        now = self._clock()
        if now - self._begun < WINDOW:
            return
        load = self._busy / (now - self._begun)
        self._begun, self._busy = now, 0.0
        late, self._oldest = self._oldest > LATE + self.tick, 0.0
        if load > FULL or late:
            self._calm = 0
            # straight to where there is room, not one step at a time
            wanted = max(self._every + 1, round(self._every * load / FULL))
            self._every = min(MOST, wanted)
        elif self.is_slowed and load * self._every / (self._every - 1) < ROOM:
            self._calm += 1
            if self._calm >= CALM:
                self._every, self._calm = self._every - 1, 0
        else:
            self._calm = 0


def told(readings: Sequence[Reading], governor: Governor) -> tuple[Reading, ...]:
    """The readings, saying so where moments are left out."""
    if not governor.is_slowed:
        return tuple(readings)
    return tuple(dataclasses.replace(one, flags=(*one.flags, Flag.SLOWED)) for one in readings)

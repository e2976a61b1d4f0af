"""Rate control: analyzes live streams less often when the machine cannot keep up.

A live source yields a moment every tick, whether or not there is time for it. When moments are
dropped or wait for several seconds in a row, only every second moment is analyzed, then every
third, and so on. When all goes well for a while, the rate is raised again; each time that proves
too much, twice as much time passes before the next attempt. Recordings are never slowed down.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Hashable, Sequence

from sentistream.types import Flag, Reading

MAX_DIVISOR = 8
"""At least every eighth moment is analyzed: the sound of one moment reaches that far."""

WINDOW = 1.0
"""Seconds of one measurement."""

LATE_TICKS = 2.0
"""Ticks that the median moment of a window may wait before it is analyzed."""

DROPPED_SHARE = 0.05
"""Share of a window's moments that may be dropped: a short hitch is no reason to slow down."""

OVERLOADED_WINDOWS = 3
"""Windows in a row that have to be overloaded before the rate is lowered."""

CALM_WINDOWS = 3
"""Windows that have to go well before the rate is raised; doubled after each relapse."""

LONGEST_CALM = 48
"""Upper limit of that doubling."""

WARM_UP = 3.0
"""Seconds at the start that are not measured: networks warm up, whole pictures are searched."""


class RateController:
    """Decides which moments of its live streams one thread analyzes.

    Args:
        tick: The profile's seconds between moments.
        clock: Seconds of a clock that is never set.
    """

    def __init__(self, tick: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._base = tick
        self._clock = clock
        self._divisor = 1
        self._due: dict[Hashable, float] = {}
        self._window_begin: float | None = None
        self._waits: list[float] = []
        self._dropped_before = self._dropped = 0
        self._overloaded = self._calm = self._since_raise = 0
        self._calm_needed = CALM_WINDOWS

    @property
    def tick(self) -> float:
        """Seconds between analyzed moments now."""
        return self._base * self._divisor

    @property
    def is_slowed(self) -> bool:
        """Whether moments are skipped."""
        return self._divisor > 1

    def admits(self, moment_time: float, stream: Hashable = 0) -> bool:
        """Whether this moment is to be analyzed; the others are skipped on purpose.

        Args:
            moment_time: On the stream's own media clock, seconds; a step back restarts the count.
            stream: Whose moment it is.
        """
        due = self._due.get(stream, moment_time)
        if moment_time < due - self._base / 2 and due - moment_time <= self.tick:
            return False
        # counted from when it was due, unless that is long past: no drift, no burst after a gap
        begin = due if abs(moment_time - due) < self._base else moment_time
        self._due[stream] = begin + self.tick
        return True

    def forget(self, stream: Hashable) -> None:
        """Forgets a stream that has ended."""
        self._due.pop(stream, None)

    def update(self, *, waited: float = 0.0, dropped: int = 0) -> None:
        """Records that moments were analyzed, and adapts the rate.

        Args:
            waited: Seconds from the end of decoding of the oldest of them until its analysis
                began; 0 where that is not known.
            dropped: Moments that the sources have dropped in all, up to now.
        """
        now = self._clock()
        if self._window_begin is None:
            self._window_begin = now + WARM_UP
        if now < self._window_begin:
            self._dropped_before = dropped
            return
        self._waits.append(waited)
        self._dropped = dropped
        if now - self._window_begin >= WINDOW:
            self._adapt()
            self._window_begin, self._dropped_before = now, dropped
            self._waits = []

    def _adapt(self) -> None:
        self._since_raise += 1
        if self._is_overloaded():
            self._overloaded, self._calm = self._overloaded + 1, 0
            if self._overloaded < OVERLOADED_WINDOWS:
                return
            if self._since_raise <= self._calm_needed + OVERLOADED_WINDOWS:
                self._calm_needed = min(2 * self._calm_needed, LONGEST_CALM)
            self._overloaded, self._divisor = 0, min(MAX_DIVISOR, self._divisor + 1)
            return
        self._overloaded = 0
        self._calm += 1
        if self.is_slowed and self._calm >= self._calm_needed:
            self._divisor, self._calm, self._since_raise = self._divisor - 1, 0, 0
        elif not self.is_slowed and self._calm >= LONGEST_CALM:
            self._calm_needed = CALM_WINDOWS

    def _is_overloaded(self) -> bool:
        waits = self._waits
        half = len(waits) // 2
        is_late = statistics.median(waits) > LATE_TICKS * self._base
        if is_late and half:  # a backlog may be shrinking already
            is_late = statistics.mean(waits[half:]) > 0.95 * statistics.mean(waits[:half])
        dropped = max(0, self._dropped - self._dropped_before)
        return is_late or dropped > DROPPED_SHARE * (len(waits) + dropped)


def mark_slowed(readings: Sequence[Reading], rate: RateController) -> tuple[Reading, ...]:
    """The readings, flagged as ``Flag.SLOWED`` while moments are skipped."""
    if not rate.is_slowed:
        return tuple(readings)
    return tuple(dataclasses.replace(one, flags=(*one.flags, Flag.SLOWED)) for one in readings)

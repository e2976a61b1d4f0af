"""Rate control: takes fewer pictures of live streams when the machine cannot keep up.

A live source yields a moment every tick, whether or not there is time for it. When moments wait or
reading falls behind for several seconds in a row, a share of the pictures is left out: by the
source before they are decoded, as far as its coding allows (``media.packet_skipping``), else before
they are analyzed. Sound is heard as before, and the moments between two pictures say
``repeated_picture``. Only where moments are dropped all the same, or reading cannot catch up, are
moments left out, too: every second one, and so on. When all goes well for a while, the share is
raised again; each time that proves too much, twice as much time passes before the next attempt.
Recordings are never slowed down.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from sentistream.types import Flag, Moment, Picture, Reading

MAX_DIVISOR = 8
"""At least every eighth moment is analyzed: the sound of one moment reaches that far."""

FULL_MOMENTS = 0.25
"""Share of the pictures down to which every moment is still analyzed."""

MIN_SHARE = FULL_MOMENTS / MAX_DIVISOR
"""At least this share; then only every eighth moment is analyzed."""

STEP = 0.85
"""By how much the share is lowered at least, and raised, each time."""

MAX_STEP = 0.5
"""By how much the share is lowered at most each time."""

WINDOW = 1.0
"""Seconds of one measurement."""

LATE_TICKS = 2.0
"""Ticks that the median moment of a window may wait before it is analyzed."""

MAX_LAG = 0.25
"""Seconds by which reading a source may be behind all through a window."""

MAX_CATCHABLE_LAG = 2.0
"""Seconds behind that tell that a source cannot catch up: it leaves out pictures from 1 s on."""

DROPPED_SHARE = 0.05
"""Share of a window's moments that may be dropped: a short hitch is no reason to slow down."""

OVERLOADED_WINDOWS = 3
"""Windows in a row that have to be overloaded before the rate is lowered."""

CALM_WINDOWS = 3
"""Windows that have to go well before the rate is raised; doubled after each relapse, and halved
after each raise that lasts."""

LONGEST_CALM = 48
"""Upper limit of that doubling."""

WARM_UP = 3.0
"""Seconds at the start that are not measured: networks warm up, whole pictures are searched."""


@dataclass(slots=True)
class _Shown:
    """A stream's pictures.

    Attributes:
        time: Of its newest moment, seconds.
        credit: Pictures that may be analyzed now.
        offered: The newest that came.
        picture: The newest that is analyzed.
        picture_time: When that was to be seen, seconds.
    """

    time: float
    credit: float
    offered: Picture
    picture: Picture
    picture_time: float


class RateController:
    """Decides which pictures and moments of its live streams one thread analyzes.

    Args:
        tick: The profile's seconds between moments.
        clock: Seconds of a clock that is never set.
    """

    def __init__(self, tick: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._base = tick
        self._clock = clock
        self._share = 1.0
        self._due: dict[Hashable, float] = {}
        self._shown: dict[Hashable, _Shown] = {}
        self._window_begin: float | None = None
        self._waits: list[float] = []
        self._lags: list[float] = []
        self._dropped_before = self._dropped = 0
        self._overloaded = self._calm = 0
        self._since_raise = math.inf
        self._calm_needed = CALM_WINDOWS
        self._lowered = False

    @property
    def share(self) -> float:
        """The share of the pictures that is to be decoded and analyzed, ``MIN_SHARE`` to 1."""
        return self._share

    @property
    def tick(self) -> float:
        """Seconds between analyzed moments now."""
        return self._base * min(MAX_DIVISOR, max(1.0, FULL_MOMENTS / self._share))

    @property
    def is_slowed(self) -> bool:
        """Whether pictures or moments are skipped."""
        return self._share < 1

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

    def thin(self, moment: Moment, stream: Hashable = 0) -> Moment:
        """The moment as it is to be analyzed: with its picture, or with the one before.

        For sources that cannot leave out pictures by themselves.

        Args:
            moment: An admitted one; those of a stream come in order.
            stream: Whose moment it is.
        """
        shown = self._shown.get(stream)
        if shown is None or self._share >= 1 or moment.time < shown.time:
            self._shown[stream] = _Shown(
                moment.time, 1.0, moment.picture, moment.picture, moment.picture_time
            )
            return moment
        shown.time = moment.time
        if moment.picture is not shown.offered:
            shown.offered = moment.picture
            shown.credit = min(2.0, shown.credit + self._share)
            if shown.credit >= 1:
                shown.credit -= 1
                shown.picture, shown.picture_time = moment.picture, moment.picture_time
        if moment.picture is shown.picture:
            return moment
        return dataclasses.replace(moment, picture=shown.picture, picture_time=shown.picture_time)

    def forget(self, stream: Hashable) -> None:
        """Forgets a stream that has ended."""
        self._due.pop(stream, None)
        self._shown.pop(stream, None)

    def update(self, *, waited: float = 0.0, dropped: int = 0, lag: float = 0.0) -> None:
        """Records that moments were analyzed, and adapts the rate.

        Args:
            waited: Seconds from the end of decoding of the oldest of them until its analysis
                began; 0 where that is not known.
            dropped: Moments that the sources have dropped in all, up to now.
            lag: Seconds by which reading is behind the source that is furthest behind.
        """
        now = self._clock()
        if self._window_begin is None:
            self._window_begin = now + WARM_UP
        if now < self._window_begin:
            self._dropped_before = dropped
            return
        self._waits.append(waited)
        self._lags.append(lag)
        self._dropped = dropped
        if now - self._window_begin >= WINDOW:
            self._adapt()
            self._window_begin, self._dropped_before = now, dropped
            self._waits, self._lags = [], []

    def _adapt(self) -> None:
        self._since_raise += 1
        if self._is_overloaded():
            self._overloaded, self._calm = self._overloaded + 1, 0
            if self._overloaded < OVERLOADED_WINDOWS:
                return
            if self._since_raise <= self._calm_needed + OVERLOADED_WINDOWS:
                self._calm_needed = min(2 * self._calm_needed, LONGEST_CALM)
            self._overloaded, self._lowered, self._since_raise = 0, True, math.inf
            self._lower()
            return
        self._overloaded = 0
        self._calm += 1
        if self.is_slowed and self._calm >= self._calm_needed:
            if not self._lowered:  # the raise before went well
                self._calm_needed = max(CALM_WINDOWS, self._calm_needed // 2)
            self._share = min(1.0, self._share / STEP)
            self._calm, self._since_raise, self._lowered = 0, 0, False
        elif not self.is_slowed and self._calm >= LONGEST_CALM:
            self._calm_needed = CALM_WINDOWS

    def _lower(self) -> None:
        handled = len(self._waits) / (len(self._waits) + self._newly_dropped)
        step = max(MAX_STEP, min(STEP, handled))
        has_fewer_moments = self._share < FULL_MOMENTS
        least = MIN_SHARE if has_fewer_moments or self._loses_moments() else FULL_MOMENTS
        self._share = max(least, self._share * step)

    @property
    def _newly_dropped(self) -> int:
        return max(0, self._dropped - self._dropped_before)

    def _is_overloaded(self) -> bool:
        waits = self._waits
        half = len(waits) // 2
        is_late = statistics.median(waits) > LATE_TICKS * self._base
        if is_late and half:  # a backlog may be shrinking already
            is_late = statistics.mean(waits[half:]) > 0.95 * statistics.mean(waits[:half])
        return is_late or min(self._lags) > MAX_LAG or self._loses_moments()

    def _loses_moments(self) -> bool:
        """Whether leaving out pictures is not enough."""
        dropped = self._newly_dropped
        return (
            dropped > DROPPED_SHARE * (len(self._waits) + dropped)
            or min(self._lags) > MAX_CATCHABLE_LAG
        )


def mark_slowed(readings: Sequence[Reading], rate: RateController) -> tuple[Reading, ...]:
    """The readings, flagged as ``Flag.SLOWED`` while moments are skipped."""
    if not rate.is_slowed:
        return tuple(readings)
    return tuple(dataclasses.replace(one, flags=(*one.flags, Flag.SLOWED)) for one in readings)

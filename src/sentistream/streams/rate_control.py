"""Rate control: takes fewer pictures of live streams when the machine cannot keep up.

A live source yields a moment every tick, whether or not there is time for it. When moments wait or
reading falls behind for several seconds in a row, a share of the pictures is left out: by the
source before they are decoded, as far as its coding allows (``media.packet_skipping``), else before
they are analyzed. Sound is heard as before, and the moments between two pictures say
``repeated_picture``. Only where moments are lost even with two pictures a second, or reading cannot
catch up, are moments left out, too: every second one, and so on. When all goes well for a while,
the share is raised again; each time that proves too much, twice as much time passes before the next
attempt. Recordings are never slowed down.
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

FULL_MOMENTS = 1 / 16
"""Share of the pictures, about two a second, down to which every moment is analyzed. Below it,
moments become rarer as well."""

MIN_SHARE = FULL_MOMENTS / MAX_DIVISOR
"""Minimum share of the pictures that is decoded and analyzed, with every eighth moment."""

STEP = 0.85
"""By how much the share is lowered at least, and raised, each time."""

FEW = 0.3
"""Share of the pictures below which it is raised in larger steps."""

LARGE_STEP = 0.7
"""The size of such a step."""

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

UNCOUNTED_WINDOWS = 2
"""Overloaded windows that are ignored after a large step down."""

MUCH_TOO_MUCH = 0.8
"""Share of the moments below which an overloaded window counts twice."""

CALM_WINDOWS = 3
"""Windows that have to go well before the rate is raised; doubled after each relapse, and halved
after each raise that lasts."""

LONGEST_CALM = 48
"""Upper limit of that doubling, times the share: with few pictures, more are tried sooner."""

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
        # the share of the pictures down to FULL_MOMENTS; below, that times the share of the moments
        self._level = 1.0
        self._due: dict[Hashable, float] = {}
        self._shown: dict[Hashable, _Shown] = {}
        self._window_begin: float | None = None
        self._waits: list[float] = []
        self._lags: list[float] = []
        self._moments = self._dropped_before = self._dropped = 0
        self._overloaded = self._calm = 0
        self._since_raise = math.inf
        self._calm_needed = CALM_WINDOWS
        self._lowered = False

    @property
    def share(self) -> float:
        """The share of the pictures that is to be decoded and analyzed, ``MIN_SHARE`` to 1."""
        return max(self._level, FULL_MOMENTS / self._divisor)

    @property
    def tick(self) -> float:
        """Seconds between analyzed moments now."""
        return self._base * self._divisor

    @property
    def _divisor(self) -> float:
        return min(MAX_DIVISOR, math.sqrt(max(1.0, FULL_MOMENTS / self._level)))

    @property
    def is_slowed(self) -> bool:
        """Whether pictures or moments are skipped."""
        return self._level < 1

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

    def thin(self, moment: Moment, stream: Hashable = 0, share: float | None = None) -> Moment:
        """The moment as it is to be analyzed: with its picture, or with the one before.

        For sources that cannot leave out enough pictures by themselves.

        Args:
            moment: An admitted one; those of a stream come in order.
            stream: Whose moment it is.
            share: The share of its pictures that is to be analyzed (``Source.limit_decoding``);
                ``self.share`` unless given.
        """
        share = self.share if share is None else share
        # of the pictures some come with moments that are not admitted
        share = min(1.0, share * self._divisor)
        shown = self._shown.get(stream)
        if shown is None or share >= 1 or moment.time < shown.time:
            self._shown[stream] = _Shown(
                moment.time, 1.0, moment.picture, moment.picture, moment.picture_time
            )
            return moment
        shown.time = moment.time
        if moment.picture is not shown.offered:
            shown.offered = moment.picture
            shown.credit = min(2.0, shown.credit + share)
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

    def update(
        self, *, moments: int = 1, waited: float = 0.0, dropped: int = 0, lag: float = 0.0
    ) -> None:
        """Records that moments were analyzed, and adapts the rate.

        Args:
            moments: How many.
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
        self._moments += moments
        self._waits.append(waited)
        self._lags.append(lag)
        self._dropped = dropped
        if now - self._window_begin >= WINDOW:
            self._adapt()
            self._window_begin, self._dropped_before = now, dropped
            self._waits, self._lags, self._moments = [], [], 0

    def _adapt(self) -> None:
        self._since_raise += 1
        if self._is_overloaded():
            self._overloaded += 2 if self._handled < MUCH_TOO_MUCH else 1
            self._calm = 0
            if self._overloaded < OVERLOADED_WINDOWS:
                return
            if self._since_raise <= self._calm_needed + OVERLOADED_WINDOWS:
                longest = max(2 * CALM_WINDOWS, LONGEST_CALM * self._level)
                self._calm_needed = min(2 * self._calm_needed, int(longest))
            self._lowered, self._since_raise = True, math.inf
            self._overloaded = self._lower()
            return
        self._overloaded = 0
        self._calm += 1
        if self.is_slowed and self._calm >= self._calm_needed:
            if not self._lowered:  # the raise before went well
                self._calm_needed = max(CALM_WINDOWS, self._calm_needed // 2)
            self._level = min(1.0, self._level / (STEP if self._level > FEW else LARGE_STEP))
            self._calm, self._since_raise, self._lowered = 0, 0, False
        elif not self.is_slowed and self._calm >= LONGEST_CALM:
            self._calm_needed = CALM_WINDOWS

    def _lower(self) -> int:
        """Lowers the share; returns minus the overloaded windows to ignore before the next time."""
        step = max(MAX_STEP, min(STEP, self._handled))
        if self._cannot_catch_up():
            step = MAX_STEP
        # all pictures that can be spared, before any moment
        has_few_pictures = self._level <= FULL_MOMENTS
        has_fewer_moments = self._level < FULL_MOMENTS
        least = FULL_MOMENTS
        if has_fewer_moments or (has_few_pictures and self._loses_moments()):
            least = FULL_MOMENTS / MAX_DIVISOR**2
        self._level = max(least, self._level * step)
        # after a large step a backlog has to be worked off first
        return -UNCOUNTED_WINDOWS if step < STEP else 0

    @property
    def _newly_dropped(self) -> int:
        return max(0, self._dropped - self._dropped_before)

    @property
    def _handled(self) -> float:
        """The share of the window's moments that were analyzed."""
        return self._moments / (self._moments + self._newly_dropped)

    def _is_overloaded(self) -> bool:
        is_late = statistics.median(self._waits) > LATE_TICKS * self._base
        is_behind = min(self._lags) > MAX_LAG
        return (
            (is_late and not _shrinks(self._waits))
            or (is_behind and not _shrinks(self._lags))
            or self._loses_moments()
        )

    def _loses_moments(self) -> bool:
        """Whether moments are dropped, or will be."""
        return 1 - self._handled > DROPPED_SHARE or self._cannot_catch_up()

    def _cannot_catch_up(self) -> bool:
        return min(self._lags) > MAX_CATCHABLE_LAG


def _shrinks(backlog: Sequence[float]) -> bool:
    """Whether a backlog is being worked off: it was smaller in the second half."""
    half = len(backlog) // 2
    return half > 0 and statistics.mean(backlog[half:]) <= 0.95 * statistics.mean(backlog[:half])


def mark_slowed(readings: Sequence[Reading], rate: RateController) -> tuple[Reading, ...]:
    """The readings, flagged as ``Flag.SLOWED`` while moments are skipped."""
    if not rate.is_slowed:
        return tuple(readings)
    return tuple(dataclasses.replace(one, flags=(*one.flags, Flag.SLOWED)) for one in readings)

"""When a place is open, according to its cameras' schedules or to when people come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sentistream.monitor.cameras.zones import is_within
from sentistream.monitor.insight.spans import Span, day_start
from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.settings import CameraSettings
from sentistream.monitor.settings.camera_settings import Hours
from sentistream.monitor.store.buckets import bucket_bounds

_HOUR, _DAY = 3_600.0, 86_400.0

HourOfWeek = tuple[int, int]
"""Weekday from Monday (0), and the hour (0 to 23) by the clock."""

QUIET = 0.05
"""An hour of the week with less than this part of a busy hour's appearances counts as closed."""

_BUSY = 0.9
"""Of the hours in which anybody came, the part that is less busy than a busy one."""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The hours of the week in which a place is open.

    Attributes:
        hours: Which.
        scheduled: Whether the cameras' schedules say so; otherwise it follows from the data.
    """

    hours: frozenset[HourOfWeek]
    scheduled: bool

    def within(self, span: Span) -> list[Span]:
        """The open periods of a span, in order; whole hours except at its ends."""
        found: list[Span] = []
        begin = span.begin
        while begin < span.end:
            local = datetime.fromtimestamp(begin)
            midnight, end = day_start(local.date()), day_start(local.date() + timedelta(days=1))
            if end - midnight == _DAY:
                runs = [
                    Span(midnight + first * _HOUR, midnight + last * _HOUR)
                    for first, last in _runs(self.hours)[local.weekday()]
                ]
            else:  # clocks change
                runs = [hour for hour in hours_of(Span(midnight, end)) if self.includes(hour.begin)]
            for run in runs:
                cut = Span(max(run.begin, span.begin), min(run.end, span.end))
                if cut.begin >= cut.end:
                    continue
                if found and found[-1].end == cut.begin:
                    cut = Span(found.pop().begin, cut.end)
                found.append(cut)
            begin = end
        return found

    def includes(self, moment: float) -> bool:
        """Whether it is open in the hour that contains a moment."""
        return hour_of_week(moment) in self.hours


@lru_cache(maxsize=64)
def _runs(hours: frozenset[HourOfWeek]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """For each weekday the runs of open hours: the first, and the one after the last."""
    week = []
    for weekday in range(7):
        runs: list[list[int]] = []
        for hour in range(24):
            if (weekday, hour) not in hours:
                continue
            if runs and runs[-1][1] == hour:
                runs[-1][1] = hour + 1
            else:
                runs.append([hour, hour + 1])
        week.append(tuple((first, last) for first, last in runs))
    return tuple(week)


def hour_of_week(moment: float) -> HourOfWeek:
    """The hour of the week that contains a moment."""
    local = datetime.fromtimestamp(moment)
    return local.weekday(), local.hour


def hours_of(span: Span) -> list[Span]:
    """The hours of a span, the first and the last cut to it."""
    found = []
    begin = span.begin
    while begin < span.end:
        end = min(float(bucket_bounds(Step.HOUR, int(begin))[1]), span.end)
        found.append(Span(begin, end))
        begin = end
    return found


def scheduled_hours(cameras: Iterable[CameraSettings]) -> OpenHours | None:
    """When any of them is scheduled to watch; None if one always watches, or there are none."""
    found: set[HourOfWeek] = set()
    for camera in cameras:
        if not camera.hours:
            return None
        found |= _hours_of_week(camera.hours)
    return OpenHours(frozenset(found), scheduled=True) if found else None


def observed_hours(hours: Sequence[Aggregate]) -> OpenHours | None:
    """When people usually come; None if there were too few.

    Args:
        hours: Sums of whole pictures by the hour, of some weeks.
    """
    appearances: dict[HourOfWeek, int] = defaultdict(int)
    for each in hours:
        appearances[hour_of_week(each.begin)] += each.appearances
    counts = sorted(count for count in appearances.values() if count)
    if not counts:
        return None
    busy = counts[int(_BUSY * (len(counts) - 1))]
    kept = frozenset(hour for hour, count in appearances.items() if count > QUIET * busy)
    return OpenHours(kept, scheduled=False)


@lru_cache(maxsize=128)
def _hours_of_week(schedule: tuple[Hours, ...]) -> frozenset[HourOfWeek]:
    """Every hour of the week of which a schedule includes a minute."""
    monday = datetime(2001, 1, 1)  # a week without a change of clocks
    found = set()
    for minute in range(0, 7 * 1440, 5):
        moment = monday + timedelta(minutes=minute)
        if is_within(schedule, moment.timestamp()):
            found.add((moment.weekday(), moment.hour))
    return frozenset(found)

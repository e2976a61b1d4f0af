"""The time buckets of aggregates: minutes, hours and days in the machine's own time zone."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from functools import lru_cache

from sentistream.monitor.interfaces import Step

BucketRange = tuple[Step, int, int]
"""The buckets of one length that lie within [begin, end)."""

_LIMIT = 2**40
"""Seconds; about 35,000 years from 1970, beyond any sensible time."""


def ceil_second(moment: float) -> int:
    """The first whole second at or after a moment; infinities are clamped."""
    return math.ceil(min(max(moment, -_LIMIT), _LIMIT))


def bucket_bounds(step: Step, second: int) -> tuple[int, int]:
    """Begin and end (half open) of the minute, hour or day that contains a second.

    Hours begin on the full local hour even where the zone's offset is half an hour. A day has 23
    or 25 hours when the clocks change.
    """
    if step is Step.MINUTE:
        begin = second - second % 60
        return begin, begin + 60
    if step is Step.HOUR:
        begin = second - (second + time.localtime(second).tm_gmtoff) % 3600
        return begin, begin + 3600
    local = time.localtime(second)
    begin = _midnight(local.tm_year, local.tm_mon, local.tm_mday, time.tzname)
    return begin, _midnight(local.tm_year, local.tm_mon, local.tm_mday + 1, time.tzname)


def covering_buckets(begin: float, end: float) -> list[BucketRange]:
    """The fewest buckets that cover [begin, end), extended outwards to whole minutes."""
    if end - begin == 3_600 and bucket_bounds(Step.HOUR, int(begin)) == (begin, end):
        return [(Step.HOUR, int(begin), int(end))]  # frequently requested; the rest takes longer
    first = bucket_bounds(Step.MINUTE, math.floor(max(begin, -_LIMIT)))[0]
    last = _next_boundary(Step.MINUTE, ceil_second(end))
    hour, last_hour = _next_boundary(Step.HOUR, first), bucket_bounds(Step.HOUR, last)[0]
    day, last_day = _next_boundary(Step.DAY, first), bucket_bounds(Step.DAY, last)[0]
    if hour >= last_hour:
        ranges = [(Step.MINUTE, first, last)]
    elif day >= last_day:
        ranges = [
            (Step.MINUTE, first, hour),
            (Step.HOUR, hour, last_hour),
            (Step.MINUTE, last_hour, last),
        ]
    else:
        ranges = [
            (Step.MINUTE, first, hour),
            (Step.HOUR, hour, day),
            (Step.DAY, day, last_day),
            (Step.HOUR, last_day, last_hour),
            (Step.MINUTE, last_hour, last),
        ]
    return [one for one in ranges if one[1] < one[2]]


def _next_boundary(step: Step, second: int) -> int:
    begin, end = bucket_bounds(step, second)
    return second if begin == second else end


def _midnight_candidates(year: int, month: int, day: int) -> list[int]:
    """The C library's results for a local midnight, with and without DST, and unknown."""
    found = []
    for dst in (-1, 0, 1):
        # glibc fails near a date that was skipped, as Samoa's 2011-12-30 was
        with suppress(OverflowError):
            found.append(int(time.mktime((year, month, day, 0, 0, 0, 0, 0, dst))))
    return found


@lru_cache(maxsize=4096)
def _midnight(year: int, month: int, day: int, _zone: tuple[str, str]) -> int:
    """The first second of a local day; ``day`` may be one past the month's last."""
    found = _midnight_candidates(year, month, day)
    # normalizes the date; noon exists everywhere
    date = time.localtime(time.mktime((year, month, day, 12, 0, 0, 0, 0, -1)))[:3]
    midnights = [second for second in found if time.localtime(second)[:6] == (*date, 0, 0, 0)]
    if midnights:
        return min(midnights)  # where clocks go back at midnight, it occurs twice
    second = min(found) - 7200  # where clocks go forward at midnight there is none
    while time.localtime(second)[:3] != date:
        second += 900
    return second

"""Where minutes, hours and days begin and end on the clock of the machine's own time zone."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from functools import lru_cache

from sentistream.monitor.interfaces import Step

Piece = tuple[Step, int, int]
"""Sums of one length that lie within [begin, end)."""

_FAR = 2**40
"""Some 35,000 years from 1970: beyond every time that is meant."""


def whole(moment: float) -> int:
    """The first whole second at or after a moment; what is endless is far away."""
    return math.ceil(min(max(moment, -_FAR), _FAR))


def stretch(step: Step, second: int) -> tuple[int, int]:
    """Begin and end (half open) of the minute, hour or day in which a second lies.

    Hours begin on the local full hour also where the zone is half an hour off. A day has 23 or
    25 hours when clocks change.
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


def pieces(begin: float, end: float) -> list[Piece]:
    """The fewest sums that together make up [begin, end), cut outwards to whole minutes."""
    first = stretch(Step.MINUTE, math.floor(max(begin, -_FAR)))[0]
    last = _up(Step.MINUTE, whole(end))
    hour, last_hour = _up(Step.HOUR, first), stretch(Step.HOUR, last)[0]
    day, last_day = _up(Step.DAY, first), stretch(Step.DAY, last)[0]
    if hour >= last_hour:
        cut = [(Step.MINUTE, first, last)]
    elif day >= last_day:
        cut = [
            (Step.MINUTE, first, hour),
            (Step.HOUR, hour, last_hour),
            (Step.MINUTE, last_hour, last),
        ]
    else:
        cut = [
            (Step.MINUTE, first, hour),
            (Step.HOUR, hour, day),
            (Step.DAY, day, last_day),
            (Step.HOUR, last_day, last_hour),
            (Step.MINUTE, last_hour, last),
        ]
    return [piece for piece in cut if piece[1] < piece[2]]


def _up(step: Step, second: int) -> int:
    begin, end = stretch(step, second)
    return second if begin == second else end


def _made(year: int, month: int, day: int) -> list[int]:
    """What the C library makes of a local midnight, in summer time or not."""
    found = []
    for dst in (-1, 0, 1):
        # glibc finds no summer time about a date that was left out, as Samoa's 2011-12-30
        with suppress(OverflowError):
            found.append(int(time.mktime((year, month, day, 0, 0, 0, 0, 0, dst))))
    return found


@lru_cache(maxsize=4096)
def _midnight(year: int, month: int, day: int, _zone: tuple[str, str]) -> int:
    """The first second of a local day; ``day`` may be one past the month's last."""
    found = _made(year, month, day)
    # the day's date in plain numbers, whatever overflowed; noon exists everywhere
    date = time.localtime(time.mktime((year, month, day, 12, 0, 0, 0, 0, -1)))[:3]
    midnights = [second for second in found if time.localtime(second)[:6] == (*date, 0, 0, 0)]
    if midnights:
        return min(midnights)  # where clocks go back at midnight it comes twice
    second = min(found) - 7200  # where clocks go forward at midnight there is none
    while time.localtime(second)[:3] != date:
        second += 900
    return second

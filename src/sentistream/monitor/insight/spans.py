"""Calendar time spans in the machine's time zone: their parts, and the same time before."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sentistream.monitor.interfaces import Step
from sentistream.monitor.store.buckets import bucket_bounds

By = Literal["minute", "hour", "day", "week", "month"]
"""What a period is divided into."""
BYS: tuple[By, ...] = ("minute", "hour", "day", "week", "month")

WEEKS = 12
"""Weeks of a period by the week."""
MONTHS = 12
"""Months of a period by the month."""
MINUTE_WIDTHS = (1, 5, 15)
"""Minutes that a part of an hour may have."""
MAX_PARTS = 400
"""Parts of a period; a longer one is divided into longer parts."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, half open.

    Attributes:
        begin, end: Wall-clock seconds (UTC).
    """

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin

    def until(self, now: float) -> Span:
        """The part of it that is over; empty if it has not begun."""
        return Span(self.begin, max(self.begin, min(self.end, now)))

    def moved(self, shift: Shift) -> Span:
        """The same calendar span, earlier or later."""
        return Span(shift.of(self.begin), shift.of(self.end))


@dataclass(frozen=True, slots=True)
class Shift:
    """A calendar distance: the clock time stays the same across changes of summer time.

    Attributes:
        days, months: How many; below 0 for earlier.
    """

    days: int = 0
    months: int = 0

    def of(self, moment: float) -> float:
        """A moment moved by it; the last day of a shorter month if that lacks the moment's day."""
        local = datetime.fromtimestamp(moment)
        if self.months:
            first = _month_start(local.year, local.month + self.months)
            last = calendar.monthrange(first.year, first.month)[1]
            local = local.replace(year=first.year, month=first.month, day=min(local.day, last))
        local += timedelta(days=self.days)
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            return day_start(local.date())
        return local.timestamp()

    def times(self, count: int) -> Shift:
        """A multiple of it."""
        return Shift(self.days * count, self.months * count)


@dataclass(frozen=True, slots=True)
class Period:
    """An hour by the minute, a day by the hour, a week by the day, weeks, months, or a free range.

    Attributes:
        by: What it is divided into.
        span: All of it.
        minutes: Minutes of a part if ``by`` is minute: one of ``MINUTE_WIDTHS``; None for the
            fewest with which enough can be shown.
    """

    by: By
    span: Span
    minutes: int | None = None

    @classmethod
    def about(cls, by: By, day: date, hour: int = 0) -> Period:
        """The usual period that contains a day (and hour); weeks begin on Monday."""
        if by == "minute":
            begin = datetime(day.year, day.month, day.day, hour).timestamp()
            return cls(by, _bucket(Step.HOUR, begin))
        if by == "hour":
            return cls(by, Span(day_start(day), day_start(day + timedelta(days=1))))
        if by == "month":
            end = _month_start(day.year, day.month + 1)
            return cls(
                by, Span(day_start(_month_start(day.year, day.month + 1 - MONTHS)), day_start(end))
            )
        monday = day - timedelta(days=day.weekday())
        first = monday if by == "day" else monday - timedelta(weeks=WEEKS - 1)
        return cls(by, Span(day_start(first), day_start(monday + timedelta(weeks=1))))

    @classmethod
    def between(cls, first: date, last: date, by: By | None = None) -> Period:
        """From the start of one day to the end of another, in either order.

        ``by`` is made longer if there would be more than ``MAX_PARTS``; by default it suits
        the length. Weeks and months are taken whole.
        """
        first, last = min(first, last), max(first, last)
        days = (last - first).days + 1
        suited: By = (
            "hour" if days <= 2 else "day" if days <= 92 else "week" if days <= 730 else "month"
        )
        chosen = suited if by is None else by
        while True:
            period = cls(chosen, _whole(chosen, first, last))
            if chosen == "month" or _parts_about(chosen, days) <= MAX_PARTS:
                return period
            chosen = BYS[BYS.index(chosen) + 1]

    def parts(self) -> list[Span]:
        """Its parts in order. A day on which clocks change has 23 or 25 hours."""
        return list(self._parts())

    def _parts(self) -> Iterator[Span]:
        begin = self.span.begin
        while begin < self.span.end:
            end = self._next(begin)
            yield Span(begin, min(end, self.span.end))
            begin = end

    def _next(self, begin: float) -> float:
        if self.by == "minute":
            return begin + (self.minutes or 1) * 60
        if self.by == "hour":
            return _bucket(Step.HOUR, begin).end
        day = datetime.fromtimestamp(begin).date()
        if self.by == "month":
            return day_start(_month_start(day.year, day.month + 1))
        return day_start(day + timedelta(days=1 if self.by == "day" else 7))

    def comparisons(self) -> dict[str, Shift]:
        """How much earlier the spans to compare with are, by name; the first is the default."""
        if self.by == "month":
            return {"year": Shift(months=-12)}
        days = max(1, round(self.span.seconds / 86_400))
        if days == 1:
            return {"week": Shift(-7), "day": Shift(-1)}
        # whole weeks, so that the same weekdays are compared
        return {"before": Shift(-7 * math.ceil(days / 7))}

    def usual(self) -> Shift:
        """The distance from a part to the earlier one that should be similar."""
        return Shift(months=-1) if self.by == "month" else Shift(-7)

    def next(self, forward: bool) -> Period:
        """The next or previous period."""
        if self.by == "minute":
            moment = self.span.end if forward else self.span.begin - 1
            return Period(self.by, _bucket(Step.HOUR, moment), self.minutes)
        sign = 1 if forward else -1
        if self.by == "month":
            return Period(self.by, self.span.moved(Shift(months=sign * MONTHS)))
        days = max(1, round(self.span.seconds / 86_400))
        step = 28 if self.by == "week" else days
        return Period(self.by, self.span.moved(Shift(sign * step)))


def day_start(day: date) -> float:
    """The first second of a local day, as stored."""
    noon = datetime(day.year, day.month, day.day, 12).timestamp()
    return float(bucket_bounds(Step.DAY, int(noon))[0])


def whole_minute(moment: float) -> float:
    """The minute that contains a moment: sums are kept by the minute, so spans end on one."""
    return moment - moment % 60


def _bucket(step: Step, moment: float) -> Span:
    begin, end = bucket_bounds(step, int(moment))
    return Span(float(begin), float(end))


def _month_start(year: int, month: int) -> date:
    years, rest = divmod(month - 1, 12)
    return date(year + years, rest + 1, 1)


def _whole(by: By, first: date, last: date) -> Span:
    if by == "week":
        first -= timedelta(days=first.weekday())
        last += timedelta(days=6 - last.weekday())
    if by == "month":
        first = first.replace(day=1)
        last = _month_start(last.year, last.month + 1) - timedelta(days=1)
    return Span(day_start(first), day_start(last + timedelta(days=1)))


def _parts_about(by: By, days: int) -> float:
    return days * {"minute": 1440.0, "hour": 24.0, "day": 1.0, "week": 1 / 7, "month": 1 / 30}[by]

"""Stretches of the calendar that a history shows, and the ones to compare them with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sentistream.monitor.interfaces import Step

By = Literal["hour", "day", "week"]
BYS: tuple[By, ...] = ("hour", "day", "week")
WEEKS = 12
"""How many weeks are shown beside each other."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a period, by the clock of the machine's own time zone, half open."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Period:
    """A day by the hour, a week by the day, or twelve weeks.

    Attributes:
        by: Length of its parts.
        first: Its first day.
        days: How many days it has.
    """

    by: By
    first: date
    days: int

    @classmethod
    def about(cls, by: By, day: date) -> Period:
        """The one a day lies in; weeks begin on Monday."""
        if by == "hour":
            return cls(by, day, 1)
        monday = day - timedelta(days=day.weekday())
        if by == "day":
            return cls(by, monday, 7)
        return cls(by, monday - timedelta(weeks=WEEKS - 1), 7 * WEEKS)

    @property
    def step(self) -> Step:
        """The store's step of its parts; weeks are asked for one by one."""
        return Step.HOUR if self.by == "hour" else Step.DAY

    @property
    def begin(self) -> float:
        """Wall-clock seconds (UTC)."""
        return _midnight(self.first)

    @property
    def end(self) -> float:
        """Wall-clock seconds (UTC), itself not included."""
        return _midnight(self.first + timedelta(days=self.days))

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=self.days - 1)

    def shifted(self, days: int) -> Period:
        """The same length, some days later or, below 0, earlier."""
        return Period(self.by, self.first + timedelta(days=days), self.days)

    def parts(self) -> list[Stretch]:
        """Its parts in order. A day of a change of clocks has 23 or 25 hours."""
        if self.by == "hour":
            hours = round((self.end - self.begin) / 3600)
            return [
                Stretch(self.begin + hour * 3600, self.begin + (hour + 1) * 3600)
                for hour in range(hours)
            ]
        length = 1 if self.by == "day" else 7
        starts = [self.first + timedelta(days=days) for days in range(0, self.days, length)]
        return [
            Stretch(_midnight(start), _midnight(start + timedelta(days=length))) for start in starts
        ]

    def comparisons(self) -> dict[str, Period]:
        """What it may be compared with, by name."""
        if self.by == "hour":
            return {"week": self.shifted(-7), "day": self.shifted(-1)}
        return {"before": self.shifted(-self.days)}


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()

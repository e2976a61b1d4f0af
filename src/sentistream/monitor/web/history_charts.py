"""Calendar periods of the history page, and their stacked bar charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.types import SENTIMENTS

By = Literal["hour", "day", "week"]
BAR_LENGTHS: tuple[By, ...] = ("hour", "day", "week")
WEEKS = 12
"""How many weeks are shown beside each other."""


@dataclass(frozen=True, slots=True)
class Interval:
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

    def parts(self) -> list[Interval]:
        """Its parts in order. A day of a change of clocks has 23 or 25 hours."""
        if self.by == "hour":
            hours = round((self.end - self.begin) / 3600)
            return [
                Interval(self.begin + hour * 3600, self.begin + (hour + 1) * 3600)
                for hour in range(hours)
            ]
        length = 1 if self.by == "day" else 7
        starts = [self.first + timedelta(days=days) for days in range(0, self.days, length)]
        return [
            Interval(_midnight(start), _midnight(start + timedelta(days=length)))
            for start in starts
        ]

    def comparisons(self) -> dict[str, Period]:
        """What it may be compared with, by name."""
        if self.by == "hour":
            return {"week": self.shifted(-7), "day": self.shifted(-1)}
        return {"before": self.shifted(-self.days)}


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()


HEIGHT = 100.0
SLOT = 20.0
"""Width of a bar and its gap, in the chart's own units."""


class BarState(StrEnum):
    """What is known of a stretch of time."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    """There were too few appearances to tr more."""
    NOBODY = "nobody"
    OFF = "off"
    """There is nothing: the camera was off, or it was before it came."""
    AHEAD = "ahead"
    """It has not been yet."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One class's part of a bar, from above."""

    sentiment: str
    top: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stretch of time.

    Attributes:
        label: Beneath it; empty where there is no room.
        title: Its whole name.
        known: What is known of it.
        sum: The numbers, where they are shown.
        pieces: From above.
        before: The same of the period it is compared with.
        crowd: Appearances as a share of the busiest stretch, 0 to 1.
    """

    label: str
    title: str
    known: BarState
    sum: Aggregate | None
    pieces: tuple[Segment, ...]
    before: tuple[Segment, ...]
    before_sum: Aggregate | None
    crowd: float


def bars(
    parts: Sequence[Interval],
    sums: Mapping[float, Aggregate],
    before: Sequence[Aggregate | None],
    *,
    now: float,
    titles: Sequence[str],
    labels: Sequence[str],
) -> list[Bar]:
    """A bar for each part of a period.

    Args:
        parts: The parts.
        sums: What the store knows, by the second it begins with.
        before: What it knows of each part of the period that is compared.
        now: Wall-clock seconds; what lies ahead is empty.
        titles: Whole name of each part.
        labels: What stands beneath each.
    """
    shown = [each.appearances for each in sums.values() if not each.is_withheld]
    busiest = max(shown, default=0) or 1
    made = []
    for place, part in enumerate(parts):
        found = sums.get(part.begin)
        known = _known(found, part, now)
        earlier = before[place] if place < len(before) else None
        made.append(
            Bar(
                label=labels[place],
                title=titles[place],
                known=known,
                sum=found if known is BarState.SHOWN else None,
                pieces=pieces(found) if found is not None and known is BarState.SHOWN else (),
                before=pieces(earlier) if earlier is not None else (),
                before_sum=earlier if earlier is not None and not earlier.is_withheld else None,
                crowd=found.appearances / busiest
                if found is not None and known is BarState.SHOWN
                else 0,
            )
        )
    return made


def pieces(found: Aggregate) -> tuple[Segment, ...]:
    """A sum's three shares from above; none where it is withheld or nobody was seen."""
    made = []
    top = 0.0
    for sentiment in SENTIMENTS:
        share: float | None = getattr(found, sentiment)
        if share is None:
            return ()
        made.append(Segment(sentiment, round(top, 2), round(share * HEIGHT, 2)))
        top += share * HEIGHT
    return tuple(made)


def _known(found: Aggregate | None, part: Interval, now: float) -> BarState:
    if found is None:
        return BarState.AHEAD if part.begin > now else BarState.OFF
    if found.appearances == 0:
        return BarState.NOBODY
    return BarState.WITHHELD if found.is_withheld else BarState.SHOWN

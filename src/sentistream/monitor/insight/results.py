"""What a question about a span of time is answered with: points, series, the overview, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentistream.monitor.insight.figures import Comparison, Figures, Known, is_comparable
from sentistream.monitor.insight.shares import (
    Usual,
    Verdict,
    verdict_on_count,
    verdict_on_share,
)
from sentistream.monitor.insight.spans import Period, Span
from sentistream.types import SENTIMENTS
from sentistream.values import ByValue

Place = tuple[str, str]
"""A camera's key and a zone; ``EVERYWHERE`` for the whole picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualFigures:
    """What earlier weeks had at the same time; None each where too few had anything.

    Attributes:
        weeks: How many earlier weeks (or months) were watched for long enough.
        appearances: Of their numbers of appearances.
        positive, neutral, negative: Of their shares, 0 to 1.
    """

    weeks: int = 0
    appearances: Usual | None = None
    positive: Usual | None = None
    neutral: Usual | None = None
    negative: Usual | None = None

    def share(self, sentiment: str) -> Usual | None:
        """Of the shares of one of ``SENTIMENTS``."""
        found: Usual | None = getattr(self, sentiment)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One part of a series, or the whole of it.

    Attributes:
        figures: What was then.
        usual: What earlier weeks had at the same time.
        compared: The same beside the span that was chosen for comparison; None without.
    """

    figures: Figures
    usual: UsualFigures = UsualFigures()
    compared: Comparison | None = None

    def verdict(self, sentiment: str) -> Verdict:
        """How the share of one of ``SENTIMENTS`` compares with what is usual."""
        return verdict_on_share(self.figures.share(sentiment), self.usual.share(sentiment))

    @property
    def appearances_verdict(self) -> Verdict:
        """How the number of appearances does."""
        if self.figures.known in (Known.OFF, Known.AHEAD):
            return Verdict.UNKNOWN
        return verdict_on_count(self.figures.appearances, self.usual.appearances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A period, part by part and as a whole.

    Attributes:
        period: Which; with wider parts than were asked for where minutes show too little.
        whole: All of it that is over.
        parts: Each part, in order; closed hours are left out where only open ones are asked for.
    """

    period: Period
    whole: Point
    parts: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstHour:
    """The hour whose share of negative was highest, with the least doubt about it."""

    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overview(ByValue):
    """Today so far.

    Attributes:
        span: From midnight to the last whole minute.
        whole: All cameras together.
        places: Each camera's whole picture and each zone, in the settings' order.
        worst: The worst hour and where it was; None where too little was seen to say.
    """

    span: Span
    whole: Point
    places: Mapping[Place, Point]
    worst: WorstHour | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report(ByValue):
    """A span beside the one before of equal elapsed time, for a digest.

    Attributes:
        whole: All cameras together.
        places: Each camera's whole picture and each zone, in the settings' order.
        ranking: The same places, the most negative first, those that say too little last.
        days: Each day of the span beside what is usual on that weekday.
        worst: The worst hour and where it was; None where too little was seen to say.
    """

    whole: Comparison
    places: Mapping[Place, Comparison]
    ranking: Sequence[Figures]
    days: Sequence[Point]
    worst: WorstHour | None


def usual_of(now: Figures, earlier: Sequence[Figures]) -> UsualFigures:
    """What is usual, by earlier spans that were watched for long enough."""
    comparable = [each for each in earlier if is_comparable(each, now)]
    shares = {
        name: Usual.of([share.value for each in comparable if (share := each.share(name))])
        for name in SENTIMENTS
    }
    return UsualFigures(
        weeks=len(comparable),
        appearances=Usual.of([each.appearances for each in comparable]),
        positive=shares["positive"],
        neutral=shares["neutral"],
        negative=shares["negative"],
    )

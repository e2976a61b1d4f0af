"""Query results for time spans: points, series, the overview, reports."""

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
    """The values of earlier weeks at the same time; None each if too few weeks had data.

    Attributes:
        weeks: How many earlier weeks (or months) were watched for long enough.
        appearances: Their numbers of appearances.
        positive, neutral, negative: Their shares, 0 to 1.
    """

    weeks: int = 0
    appearances: Usual | None = None
    positive: Usual | None = None
    neutral: Usual | None = None
    negative: Usual | None = None

    def share(self, sentiment: str) -> Usual | None:
        """The usual share of one of ``SENTIMENTS``."""
        found: Usual | None = getattr(self, sentiment)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One part of a series, or the whole of it.

    Attributes:
        figures: Its figures.
        usual: Values of earlier weeks at the same time.
        compared: The comparison with the chosen span; None without.
    """

    figures: Figures
    usual: UsualFigures = UsualFigures()
    compared: Comparison | None = None

    def verdict(self, sentiment: str) -> Verdict:
        """How the share of one of ``SENTIMENTS`` compares with what is usual."""
        return verdict_on_share(self.figures.share(sentiment), self.usual.share(sentiment))

    @property
    def appearances_verdict(self) -> Verdict:
        """How the number of appearances compares with what is usual."""
        if self.figures.known in (Known.OFF, Known.AHEAD):
            return Verdict.UNKNOWN
        return verdict_on_count(self.figures.appearances, self.usual.appearances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A period, part by part and as a whole.

    Attributes:
        period: Which; with wider parts than were asked for where minutes show too little.
        whole: All of it so far.
        parts: Each part, in order; closed hours are left out if only open ones are requested.
    """

    period: Period
    whole: Point
    parts: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstHour:
    """The hour with the most certainly highest share of negative."""

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
    """A span compared with the previous one of equal elapsed time, for a digest.

    Attributes:
        whole: All cameras together.
        places: Each camera's whole picture and each zone, in the settings' order.
        ranking: The same places, the most negative first, those with too little data last.
        days: Each day of the span with the usual values of that weekday.
        worst: The worst hour and where it was; None where too little was seen to say.
    """

    whole: Comparison
    places: Mapping[Place, Comparison]
    ranking: Sequence[Figures]
    days: Sequence[Point]
    worst: WorstHour | None


def usual_of(now: Figures, earlier: Sequence[Figures]) -> UsualFigures:
    """The usual values, from earlier spans that were watched for long enough."""
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

"""The figures of a camera, a zone or all cameras over a time span."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sentistream.monitor.insight.shares import Difference, Share
from sentistream.monitor.insight.spans import Span
from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.observations import EVERYWHERE
from sentistream.types import SENTIMENTS

ALL_CAMERAS = ""
"""Instead of a camera's key: all cameras together."""

COVERED = 0.8
"""Share of the watched time that the earlier span must have had for a comparison."""


class Known(StrEnum):
    """How much is known about a time span."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    """There were too few appearances to say more."""
    NOBODY = "nobody"
    OFF = "off"
    """No data: the camera was off or not installed yet."""
    AHEAD = "ahead"
    """It lies in the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a camera, one of its zones or all cameras saw over a span.

    Attributes:
        camera: The camera's key; ``ALL_CAMERAS`` for all together.
        zone: The zone; ``EVERYWHERE`` for the whole picture.
        span: When. Where only open hours count, from the first to the last.
        known: What is known of it.
        appearances: Periods in which one face was tracked.
        watched: Seconds for which cameras watched, added up over them.
        seen: Seconds of faces, added up over everybody; None if that is withheld.
        speaking: Seconds of speech; None likewise.
        positive, neutral, negative: Shares of ``seen``; None if there are none to show.
    """

    camera: str
    zone: str
    span: Span
    known: Known
    appearances: int = 0
    watched: float = 0.0
    seen: float | None = None
    speaking: float | None = None
    positive: Share | None = None
    neutral: Share | None = None
    negative: Share | None = None

    @property
    def dwell(self) -> float | None:
        """Seconds that an appearance stayed in view, on average."""
        shown = self.negative
        if self.seen is None or shown is None or not shown.appearances:
            return None
        return self.seen / shown.appearances

    def share(self, sentiment: str) -> Share | None:
        """The share of one of ``SENTIMENTS``."""
        found: Share | None = getattr(self, sentiment)
        return found


def together(
    aggregates: Iterable[Aggregate], span: Span, *, camera: str, zone: str, now: float | None = None
) -> Figures:
    """The figures of one camera, or of several together.

    Where some of several are withheld, shares, ``seen`` and ``speaking`` cover the others only:
    adding up released figures reveals nothing more.

    Args:
        aggregates: What the store released over the span, one a camera.
        span: When that was.
        camera, zone: Its name in the result.
        now: Wall-clock seconds; a span without data that begins later lies ahead.
    """
    found = list(aggregates)
    appearances = sum(each.appearances for each in found)
    watched = sum(each.watched for each in found)
    shown = [each for each in found if each.seen and each.positive is not None]
    if shown:
        known = Known.SHOWN
    elif not found:
        known = Known.AHEAD if now is not None and span.begin >= now else Known.OFF
    else:
        known = Known.WITHHELD if appearances else Known.NOBODY
    figures = Figures(
        camera=camera,
        zone=zone,
        span=span,
        known=known,
        appearances=appearances,
        watched=watched,
        seen=0.0 if known is Known.NOBODY else None,
        speaking=0.0 if known is Known.NOBODY else None,
    )
    if not shown:
        return figures
    seen = sum(each.seen or 0.0 for each in shown)
    basis = sum(each.appearances for each in shown)
    weights = [
        sum((each.seen or 0.0) * (getattr(each, name) or 0.0) for each in shown)
        for name in SENTIMENTS
    ]
    positive, neutral, negative = (
        Share.of(min(weight / sum(weights), 1.0), basis) for weight in weights
    )
    return Figures(
        camera=camera,
        zone=zone,
        span=span,
        known=known,
        appearances=appearances,
        watched=watched,
        seen=seen,
        speaking=sum(each.speaking or 0.0 for each in shown),
        positive=positive,
        neutral=neutral,
        negative=negative,
    )


def nothing(span: Span, *, camera: str = ALL_CAMERAS, zone: str = EVERYWHERE) -> Figures:
    """Figures for a span without a row in the store."""
    return Figures(camera=camera, zone=zone, span=span, known=Known.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A span compared with an earlier one of equal elapsed time.

    Attributes:
        now, before: The figures of both.
        positive, neutral, negative: How the shares differ; None if one of them is not shown.
        covered: The watched time of the earlier span as a part of that of the later, at most 1;
            None if nothing was watched later.
    """

    now: Figures
    before: Figures
    positive: Difference | None
    neutral: Difference | None
    negative: Difference | None
    covered: float | None

    @property
    def is_incomplete(self) -> bool:
        """Whether too much earlier data is missing to compare numbers of appearances."""
        return self.covered is not None and self.covered < COVERED

    def difference(self, sentiment: str) -> Difference | None:
        """How the share of one of ``SENTIMENTS`` differs."""
        found: Difference | None = getattr(self, sentiment)
        return found


def compare(now: Figures, before: Figures) -> Comparison:
    """The figures of two spans of equal elapsed time."""
    positive, neutral, negative = (
        None if later is None or earlier is None else Difference.of(later, earlier)
        for later, earlier in ((now.share(name), before.share(name)) for name in SENTIMENTS)
    )
    return Comparison(
        now=now,
        before=before,
        positive=positive,
        neutral=neutral,
        negative=negative,
        covered=min(before.watched / now.watched, 1.0) if now.watched else None,
    )


def is_comparable(earlier: Figures, now: Figures) -> bool:
    """Whether an earlier span was watched for long enough to say what is usual."""
    return earlier.known is not Known.OFF and earlier.watched >= COVERED * now.watched

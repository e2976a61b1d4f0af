"""A series for its chart and its table: numbers for the script, words for people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sentistream.monitor.insight import By, Figures, Known, Point, Series, Share, Span, Verdict
from sentistream.monitor.insight.words import (
    VERDICTS,
    change_words,
    figures_words,
    shares_words,
    span_name,
    unknown_words,
    usual_count_words,
    usual_share_words,
)
from sentistream.monitor.observations import Annotation
from sentistream.monitor.translation import N_, Translator

DIGITS = 4
"""Decimals of shares in charts, as in exports."""

AXES = {
    "minute": N_("Time of day (hours:minutes)"),
    "hour": N_("Time of day (hour)"),
    "day": N_("Day"),
    "week": N_("Week, by its Monday"),
    "month": N_("Month"),
}
"""The label of a chart's axis, by what its period is divided into."""

DRILL = {
    "hour": N_("Show {part} by the minute"),
    "day": N_("Show {part} by the hour"),
    "week": N_("Show {part} by the day"),
    "month": N_("Show {part} by the day"),
}
"""What a click on a part leads to."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a chart: an annotation, or the begin of an alert.

    Attributes:
        at: Where, counted in parts from the left edge of the first.
        text: What it says.
        kind: Which of the two: ``note`` or ``alert``.
    """

    at: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a chart's table.

    Attributes:
        title: Which part.
        link: Where its own parts are shown; empty if it has none.
        known: Whether there are shares, and if not, why.
        note: Shown instead of shares if there are none.
        negative, neutral, positive: Shares with margins.
        usual: What is usual of the negative share.
        verdict: How it compares with that; empty if unknown.
        unusual: Whether it is outside the usual range.
        appearances, usual_appearances: The number, and what is usual.
        dwell: How long an appearance stayed on average; empty if that is not shown.
        change: How the negative share differs from the time before; empty without.
    """

    title: str
    link: str
    known: Known
    note: str
    negative: str
    neutral: str
    positive: str
    usual: str
    verdict: str
    unusual: bool
    appearances: str
    usual_appearances: str
    dwell: str
    change: str


def rows(
    points: Sequence[Point],
    by: By,
    *,
    smallest: int,
    link: Callable[[Span], str],
    tr: Translator,
) -> list[Row]:
    """The table of a series, without future parts."""
    return [
        row(
            point,
            title=span_name(point.figures.span, by, tr),
            link=link(point.figures.span),
            smallest=smallest,
            tr=tr,
        )
        for point in points
        if point.figures.known is not Known.AHEAD
    ]


def row(point: Point, *, title: str, link: str, smallest: int, tr: Translator) -> Row:
    """One row of a table."""
    figures = point.figures
    shares = shares_words(figures, tr)
    verdict = point.verdict("negative")
    change = point.compared.negative if point.compared is not None else None
    return Row(
        title=title,
        link=link,
        known=figures.known,
        note="" if figures.negative is not None else unknown_words(figures, smallest, tr),
        negative=shares.get("negative", ""),
        neutral=shares.get("neutral", ""),
        positive=shares.get("positive", ""),
        usual=usual_share_words(point.usual.negative, tr),
        verdict="" if verdict is Verdict.UNKNOWN else tr.gettext(VERDICTS[verdict]),
        unusual=verdict in (Verdict.ABOVE, Verdict.BELOW),
        appearances=tr.number(figures.appearances) if figures.known is not Known.OFF else "",
        usual_appearances=usual_count_words(point.usual.appearances, tr),
        dwell="" if figures.dwell is None else tr.length(figures.dwell),
        change="" if change is None else change_words(change, tr),
    )


def chart(
    series: Series,
    *,
    smallest: int,
    link: Callable[[Span], str],
    marks: Sequence[Mark],
    tr: Translator,
) -> dict[str, Any]:
    """The data for the script."""
    by = series.period.by
    points = series.parts
    figures = [point.figures for point in points]
    usual = [point.usual.negative for point in points]
    compared = [point.compared for point in points]
    before = [None if one is None else one.before.negative for one in compared]
    return {
        "titles": [span_name(one.span, by, tr) for one in figures],
        "ticks": [_tick(one.span, by, tr) for one in figures],
        "begins": [round(one.span.begin) for one in figures],
        "descriptions": [_description(point, by, smallest, tr) for point in points],
        "links": ["" if one.known is Known.AHEAD else link(one.span) for one in figures],
        "known": [str(one.known) for one in figures],
        "vague": [one.negative is not None and one.negative.is_vague for one in figures],
        "unusual": [
            point.verdict("negative") in (Verdict.ABOVE, Verdict.BELOW) for point in points
        ],
        "appearances": [
            None if one.known in (Known.OFF, Known.AHEAD) else one.appearances for one in figures
        ],
        "negative": _shares(figures, "negative"),
        "positive": _shares(figures, "positive"),
        "usual": {
            "low": [None if one is None else round(one.low, DIGITS) for one in usual],
            "high": [None if one is None else round(one.high, DIGITS) for one in usual],
        },
        "before": [_rounded(one, "value") for one in before],
        "marks": [{"at": round(one.at, 3), "text": one.text, "kind": one.kind} for one in marks],
        "axis": tr.gettext(AXES[by]),
        "shares_axis": tr.gettext("Share of the time in view (%)"),
        "appearances_axis": tr.gettext("Appearances"),
        "drill": tr.gettext(DRILL[by], part="{part}") if by in DRILL else "",
    }


def place_of(moment: float, parts: Sequence[Span]) -> float | None:
    """Where a moment lies, counted in parts; None if none includes it."""
    found = bisect_right([part.begin for part in parts], moment) - 1
    if found < 0 or moment >= parts[found].end:
        return None
    part = parts[found]
    return found + (moment - part.begin) / part.seconds


def annotation_marks(annotations: Sequence[Annotation], parts: Sequence[Span]) -> list[Mark]:
    """Lines for annotations, except in hours that are left out."""
    return [
        Mark(at, each.text, "note")
        for each in annotations
        if (at := place_of(each.time, parts)) is not None
    ]


def _description(point: Point, by: By, smallest: int, tr: Translator) -> str:
    figures = point.figures
    parts = [figures_words(figures, smallest, tr)]
    usual = usual_share_words(point.usual.negative, tr)
    if figures.negative is not None and usual:
        parts.append(tr.gettext("negative {usual}", usual=usual))
    if figures.dwell is not None:
        parts.append(tr.gettext("stays {length} on average", length=tr.length(figures.dwell)))
    return f"{span_name(figures.span, by, tr)}: {'; '.join(parts)}"


def _tick(span: Span, by: By, tr: Translator) -> str:
    if by == "minute":
        return tr.clock(span.begin)
    if by == "hour":
        return str(datetime.fromtimestamp(span.begin).hour)
    if by == "day":
        return f"{tr.weekday(span.begin)} {tr.short_day(span.begin)}"
    return tr.short_day(span.begin) if by == "week" else tr.short_month(span.begin)


def _shares(figures: Sequence[Figures], name: str) -> dict[str, list[float | None]]:
    shares = [one.share(name) for one in figures]
    return {
        "value": [_rounded(one, "value") for one in shares],
        "low": [_rounded(one, "low") for one in shares],
        "high": [_rounded(one, "high") for one in shares],
    }


def _rounded(share: Share | None, name: str) -> float | None:
    return None if share is None else round(getattr(share, name), DIGITS)

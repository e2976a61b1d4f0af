"""Figures in words, the same on the pages and in a digest."""

from __future__ import annotations

from collections.abc import Sequence

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.insight import (
    By,
    Comparison,
    Difference,
    Figures,
    Known,
    Point,
    Share,
    Span,
    Usual,
    Verdict,
    WorstHour,
)
from sentistream.monitor.translation import N_, Translator

VERDICTS = {
    Verdict.AS_USUAL: N_("as usual"),
    Verdict.ABOVE: N_("more than usual"),
    Verdict.BELOW: N_("less than usual"),
    Verdict.UNKNOWN: N_("too little data to say what is usual"),
}

UNKNOWN = {
    Known.NOBODY: N_("nobody in view"),
    Known.OFF: N_("not recorded"),
    Known.AHEAD: N_("in the future"),
}
"""Why there are no shares."""

TOO_FEW = N_("too few to say")
"""Where a margin is too wide."""


def span_name(span: Span, by: By, tr: Translator) -> str:
    """A part of a period: its hours, its day, its week or its month."""
    if by in ("minute", "hour"):
        return f"{tr.clock(span.begin)}\u2013{tr.clock(span.end)}"
    if by == "day":
        return tr.day(span.begin)
    if by == "week":
        return tr.gettext("Week of {day}", day=tr.day(span.begin))
    return tr.month(span.begin)


_TOGETHER = ("negative", "neutral", "positive")


def shares_words(figures: Figures, tr: Translator) -> dict[str, str]:
    """All three shares with their margins, in whole per cent that add up to 100.

    By the sentiment's name; empty if there are none to show.
    """
    shares = [figures.share(name) for name in _TOGETHER]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return {}
    percents = tr.percents([share.value for share in known])
    return {
        name: share_words(share, tr, percent)
        for name, share, percent in zip(_TOGETHER, known, percents, strict=True)
    }


def share_words(share: Share, tr: Translator, percent: str | None = None) -> str:
    """A share with its margin, and a remark if there were too few appearances.

    Args:
        share: The share.
        tr: The words.
        percent: The share in whole per cent, if it was rounded together with others.
    """
    value = tr.percent(share.value) if percent is None else percent
    if share.is_vague:
        return tr.gettext("about {share}, {few}", share=value, few=tr.gettext(TOO_FEW))
    if not share.margin <= share.value <= 1 - share.margin:
        # the interval is asymmetric there: nothing beyond 0 or 1 is a share
        return tr.gettext(
            "{share} ({range})", share=value, range=range_words(share.low, share.high, tr)
        )
    return tr.gettext(
        "{share} ± {margin}",
        share=value,
        margin=tr.number(max(1, round(share.margin * 100))),
    )


def range_words(low: float, high: float, tr: Translator) -> str:
    """Two shares, the first less than the second."""
    first, second = tr.number(round(low * 100)), tr.percent(high)
    if tr.percent(low) == second:
        return second
    return tr.gettext("{low} to {high}", low=first, high=second)


def usual_share_words(usual: Usual | None, tr: Translator) -> str:
    """The usual values of a share: median and range of earlier weeks; empty if unknown."""
    if usual is None:
        return ""
    median, range_ = tr.percent(usual.median), range_words(usual.low, usual.high, tr)
    return _usual_words(median, range_, tr)


def usual_count_words(usual: Usual | None, tr: Translator) -> str:
    """The usual number of appearances."""
    if usual is None:
        return ""
    low, high = tr.number(usual.low), tr.number(usual.high)
    range_ = low if low == high else tr.gettext("{low} to {high}", low=low, high=high)
    return _usual_words(tr.number(usual.median), range_, tr)


def _usual_words(median: str, range_: str, tr: Translator) -> str:
    if range_ == median:
        return tr.gettext("usually {median}", median=median)
    return tr.gettext("usually {median} ({range})", median=median, range=range_)


def unknown_words(figures: Figures, smallest: int, tr: Translator) -> str:
    """Why there are no shares."""
    if figures.known is Known.WITHHELD:
        if figures.appearances < smallest:
            return tr.gettext("fewer than {n} appearances", n=smallest)
        return tr.gettext("hidden, as a smaller group could be worked out from it")
    return tr.gettext(UNKNOWN[figures.known])


def figures_words(figures: Figures, smallest: int, tr: Translator) -> str:
    """All figures of a span in one line."""
    shares = [figures.share(name) for name in _TOGETHER]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return unknown_words(figures, smallest, tr)
    percents = tr.percents([share.value for share in known])
    listed = ", ".join(
        f"{_one_of_all(share, percent, tr)} {tr.gettext(name)}"
        for name, share, percent in zip(_TOGETHER, known, percents, strict=True)
    )
    few = tr.gettext(TOO_FEW) if any(share.is_vague for share in known) else ""
    count = tr.ngettext("1 appearance", "{n} appearances", figures.appearances)
    return "; ".join(filter(None, (listed, few, count)))


def _one_of_all(share: Share, percent: str, tr: Translator) -> str:
    """A share among others; a lack of data is stated once for all of them."""
    if share.is_vague:
        return tr.gettext("about {share}", share=percent)
    return share_words(share, tr, percent)


def change_words(difference: Difference, tr: Translator) -> str:
    """How much a share changed, and whether that is more than chance."""
    points = tr.ngettext(
        "{points} point",
        "{points} points",
        abs(round(difference.value * 100)),
        points=tr.points(difference.value),
    )
    if difference.is_more_than_chance:
        return tr.gettext("{points}, more than chance", points=points)
    return tr.gettext("{points}, which may be chance", points=points)


def incomplete_words(comparison: Comparison, tr: Translator) -> str:
    """A warning where earlier data is missing; empty otherwise."""
    if not comparison.is_incomplete:
        return ""
    if not comparison.before.watched:
        return tr.gettext("There is no earlier data to compare with.")
    return tr.gettext(
        "Earlier data is missing: the cameras watched for {before} then and for {now} now, so the "
        "numbers of appearances cannot be compared.",
        before=tr.length(comparison.before.watched),
        now=tr.length(comparison.now.watched),
    )


def worst_words(worst: WorstHour | None, names: DisplayNames, tr: Translator) -> str:
    """The worst hour and place, in a sentence."""
    if worst is None or worst.figures.negative is None:
        return tr.gettext("Too few people were seen to say which hour was the most negative.")
    figures = worst.figures
    return tr.gettext(
        "Most negative: {place}, {day}, {hours}, with {share} negative.",
        place=names.place(figures.camera, figures.zone, tr),
        day=tr.day(figures.span.begin),
        hours=span_name(figures.span, "hour", tr),
        share=shares_words(figures, tr)["negative"],
    )


def headline(point: Point, tr: Translator) -> str:
    """How negative a span was, and whether that is usual, in a sentence."""
    share = point.figures.negative
    if share is None:
        return ""
    if share.is_vague:
        return tr.gettext("Too few people were seen to say how they came across.")
    usual, verdict = point.usual.negative, point.verdict("negative")
    values = {"share": shares_words(point.figures, tr)["negative"]}
    if usual is None or verdict is Verdict.UNKNOWN:
        return tr.gettext(
            "{share} negative; there is too little data to say what is usual.", **values
        )
    values["usual"] = range_words(usual.low, usual.high, tr)
    if verdict is Verdict.ABOVE:
        return tr.gettext("More negative than usual: {share}, usually {usual}.", **values)
    if verdict is Verdict.BELOW:
        return tr.gettext("Less negative than usual: {share}, usually {usual}.", **values)
    return tr.gettext("As negative as usual: {share}, usually {usual}.", **values)


def unusual(points: Sequence[Point]) -> list[Point]:
    """The parts whose share of negative lies outside the usual range."""
    return [
        point for point in points if point.verdict("negative") in (Verdict.ABOVE, Verdict.BELOW)
    ]

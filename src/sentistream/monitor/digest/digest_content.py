"""A digest's content: the figures of ``Insight.report`` and that period's alerts, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sentistream.monitor.alerts import wording
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.insight import (
    ALL_CAMERAS,
    Comparison,
    Difference,
    Figures,
    Insight,
    Known,
    Period,
    Point,
    Shift,
    Span,
    Verdict,
)
from sentistream.monitor.insight.words import (
    VERDICTS,
    change_words,
    incomplete_words,
    shares_words,
    unknown_words,
    worst_words,
)
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import Acknowledgement, Alert
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import Translator

DigestPeriod = Literal["week", "month"]

ALERTS_READ = 1000
"""The number of newest events searched for the alerts of a digest."""

ALERTS_LISTED = 40
"""Most alerts that a digest lists; it says how many more there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """Figures in words, and their shares for a bar.

    Attributes:
        name: Of what: a day, a camera, a zone.
        appearances: How many; empty if nothing was recorded.
        negative, neutral, positive: Each with its margin; empty if it is not shown.
        note: Why nothing is shown, what is unusual, or how it has changed.
        shares: Negative, neutral and positive, 0 to 1; None where they are not shown.
        is_zone: Whether it is a part of a camera's picture.
    """

    name: str
    appearances: str
    negative: str = ""
    neutral: str = ""
    positive: str = ""
    note: str = ""
    shares: tuple[float, float, float] | None = None
    is_zone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert of the time.

    Attributes:
        when: When it began, and for how long it was.
        title: What it was.
        text: A sentence.
        who: Who acknowledged it; empty if nobody did.
    """

    when: str
    title: str
    text: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest, ready to be laid out.

    Attributes:
        key: Its period: ``week-2026-W48``, ``month-2026-11``.
        period: Its kind.
        span: When.
        language: Its language.
        title: Its title.
        controller: Who runs the monitor; empty if the settings do not say.
        whole: All cameras over the whole time.
        sentences: The most important points, a sentence each.
        days: Each day.
        places_title: What ``places`` are.
        places: Each camera and zone, or each shop, the most negative first.
        alerts: The alerts, the oldest first.
        more_alerts: How many were left out.
        notes: Explanations of the terms.
        path: Of the page with these figures.
        path_title: The label of the button to it.
    """

    key: str
    period: DigestPeriod
    span: Span
    language: str
    title: str
    controller: str
    whole: FigureRow
    sentences: Sequence[str]
    days: Sequence[FigureRow]
    places_title: str
    places: Sequence[FigureRow]
    alerts: Sequence[AlertRow]
    more_alerts: int
    notes: Sequence[str]
    path: str
    path_title: str


def digest_span(period: DigestPeriod, day: date) -> tuple[Span, Shift]:
    """The calendar week or month that a day lies in, and how far before lies the one before."""
    if period == "week":
        return Period.about("day", day).span, Shift(days=-7)
    first = day.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return Period.between(first, last, "month").span, Shift(months=-1)


def digest_key(period: DigestPeriod, day: date) -> str:
    """The name of the calendar week (ISO 8601) or month that a day lies in."""
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"week-{year}-W{week:02}"
    return f"month-{day:%Y-%m}"


def last_day_of(period: DigestPeriod, now: float) -> date:
    """The last day of the newest week or month that is over."""
    today = datetime.fromtimestamp(now).date()
    if period == "week":
        return today - timedelta(days=today.weekday() + 1)
    return today.replace(day=1) - timedelta(days=1)


def make_digest(
    period: DigestPeriod,
    day: date,
    *,
    store: Store,
    settings: Settings,
    names: DisplayNames,
    now: float,
    tr: Translator,
) -> Digest:
    """The digest of the week or month that a day lies in.

    Args:
        period: Which of the two.
        day: Any day in it.
        store: The readings and alerts.
        settings: The current settings.
        names: The display names; the cameras among them are reported.
        now: Wall-clock seconds; an unfinished period is compared up to now.
        tr: The translator.

    Raises:
        StorageError: The database does not answer.
    """
    span, shift = digest_span(period, day)
    insight = Insight(store, settings, names.cameras)
    report = insight.report(span, shift, now=now)
    smallest = settings.privacy.smallest_group
    alerts, more = _alerts(store, span, names, tr)
    return Digest(
        key=digest_key(period, day),
        period=period,
        span=span,
        language=tr.language,
        title=digest_title(period, span, tr),
        controller=settings.privacy.controller.strip(),
        whole=figure_row(report.whole.now, tr.gettext("all cameras"), "", smallest, tr),
        sentences=[
            each
            for each in (
                whole_sentence(report.whole.now, report.whole.negative, period, smallest, tr),
                incomplete_words(report.whole, tr),
                worst_words(report.worst, names, tr),
                alert_sentence(len(alerts) + more, tr),
            )
            if each
        ],
        days=[_day(point, smallest, tr) for point in report.days],
        places_title=tr.gettext("Cameras and zones, the most negative first"),
        places=[
            _place(figures, report.places.get((figures.camera, figures.zone)), names, smallest, tr)
            for figures in report.ranking
        ],
        alerts=alerts,
        more_alerts=more,
        notes=[
            shares_note(tr),
            tr.gettext(
                "Aggregates of fewer than {n} appearances are withheld. The program says how a "
                "face and a voice come across, and is often wrong.",
                n=smallest,
            ),
        ],
        path="/history",
        path_title=tr.gettext("Open the history"),
    )


def digest_title(period: DigestPeriod, span: Span, tr: Translator) -> str:
    """A week from its first day to its last, or a month by its name."""
    if period == "month":
        return tr.month(span.begin)
    begin, end = tr.date(span.begin), tr.date(span.end - 1)
    return tr.gettext("Week from {begin} to {end}", begin=begin, end=end)


def shares_note(tr: Translator) -> str:
    """Explanations of shares, margins and appearances."""
    return tr.gettext(
        "Shares are of the time that faces were in view. ± is the margin of 95 %, by the "
        "number of appearances. An appearance is the time during which one face is "
        "tracked; somebody who returns counts again."
    )


def whole_sentence(
    now: Figures, change: Difference | None, period: DigestPeriod, smallest: int, tr: Translator
) -> str:
    """How negative the whole period was, and how that has changed."""
    if now.negative is None:
        return tr.gettext("Nothing can be said: {why}.", why=unknown_words(now, smallest, tr))
    said = tr.gettext("{share} negative", share=shares_words(now, tr)["negative"])
    if change is None:
        return tr.gettext("{said}; nothing to compare it with.", said=said)
    words = change_words(change, tr)
    if period == "week":
        return tr.gettext(
            "{said}; compared with the week before: {change}.", said=said, change=words
        )
    return tr.gettext("{said}; compared with the month before: {change}.", said=said, change=words)


def alert_sentence(count: int, tr: Translator) -> str:
    """How many alerts there were."""
    if not count:
        return tr.gettext("There was no alert.")
    return tr.ngettext("There was 1 alert.", "There were {n} alerts.", count)


def figure_row(
    figures: Figures,
    name: str,
    note: str,
    smallest: int,
    tr: Translator,
    *,
    is_zone: bool = False,
) -> FigureRow:
    """Figures in words; if there are none, the note says why."""
    negative, neutral, positive = figures.negative, figures.neutral, figures.positive
    if negative is None or neutral is None or positive is None:
        return FigureRow(
            name=name,
            # nobody was watched, or could have been
            appearances=""
            if figures.known in (Known.OFF, Known.AHEAD)
            else tr.number(figures.appearances),
            note=unknown_words(figures, smallest, tr),
            is_zone=is_zone,
        )
    return FigureRow(
        name=name,
        appearances=tr.number(figures.appearances),
        **shares_words(figures, tr),
        note=note,
        shares=(negative.value, neutral.value, positive.value),
        is_zone=is_zone,
    )


def _day(point: Point, smallest: int, tr: Translator) -> FigureRow:
    verdict = point.verdict("negative")
    note = ""
    if verdict in (Verdict.ABOVE, Verdict.BELOW):
        note = tr.gettext("negative: {verdict}", verdict=tr.gettext(VERDICTS[verdict]))
    return figure_row(point.figures, tr.day(point.figures.span.begin), note, smallest, tr)


def _place(
    figures: Figures,
    comparison: Comparison | None,
    names: DisplayNames,
    smallest: int,
    tr: Translator,
) -> FigureRow:
    change = None if comparison is None else comparison.negative
    return figure_row(
        figures,
        names.place(figures.camera, figures.zone, tr),
        "" if change is None else change_words(change, tr),
        smallest,
        tr,
        is_zone=bool(figures.zone) and figures.camera != ALL_CAMERAS,
    )


def _alerts(
    store: Store, span: Span, names: DisplayNames, tr: Translator
) -> tuple[list[AlertRow], int]:
    found = store.alerts(since=span.begin, limit=ALERTS_READ)
    ends = {alert.incident: alert for alert in found if not alert.active}
    begun = sorted(
        (alert for alert in found if alert.active and alert.time < span.end),
        key=lambda alert: alert.time,
    )
    listed = begun[:ALERTS_LISTED]
    known = store.acknowledgements([alert.incident for alert in listed])
    return [
        _alert(alert, ends.get(alert.incident), known.get(alert.incident), names, tr)
        for alert in listed
    ], len(begun) - len(listed)


def _alert(
    begin: Alert,
    end: Alert | None,
    acknowledged: Acknowledgement | None,
    names: DisplayNames,
    tr: Translator,
) -> AlertRow:
    return AlertRow(
        when=when_words(begin.time, None if end is None else end.time, tr),
        title=wording.title(begin, names, tr),
        text=wording.sentence(begin, names, tr),
        who="" if acknowledged is None else acknowledged.user,
    )


def when_words(began: float, ended: float | None, tr: Translator) -> str:
    """When an alert began, and for how long it was."""
    if ended is None:
        return tr.gettext("since {moment}", moment=tr.moment(began))
    return tr.gettext(
        "{begin}, for {length}", begin=tr.moment(began), length=tr.length(ended - began)
    )

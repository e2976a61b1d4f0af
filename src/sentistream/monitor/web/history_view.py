"""The history page's content: insight results in words, rows and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.insight import (
    ALL_CAMERAS,
    Figures,
    Insight,
    OpenHours,
    Period,
    Point,
    Series,
    Span,
)
from sentistream.monitor.insight.words import (
    figures_words,
    headline,
    incomplete_words,
    span_name,
    unknown_words,
    unusual,
)
from sentistream.monitor.observations import EVERYWHERE, Annotation
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.alerts_page import Episode, episodes
from sentistream.monitor.web.history_query import HistoryQuery
from sentistream.monitor.web.insight_charts import (
    Mark,
    Row,
    annotation_marks,
    chart,
    place_of,
    row,
    rows,
)
from sentistream.monitor.web.site import Site

MAX_ALERTS = 500
"""Alerts that a view searches, the newest first."""

LEVELS = 9
"""Colour levels of the hours of the week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap:
    """Negative by the hour of the week.

    Attributes:
        hours: The hours of the day, one per row.
        weekdays: Names of the days, one per column.
        cells: By hour and weekday: a level of colour, 0 to ``LEVELS``, short and whole words.
    """

    hours: Sequence[str]
    weekdays: Sequence[str]
    cells: Sequence[Sequence[HeatmapCell]]


@dataclass(frozen=True, slots=True)
class HeatmapCell:
    """One hour of the week.

    Attributes:
        level: Of its colour; None if there are no shares.
        short, sentence: Its short text, and the complete one.
        vague: Whether there were too few appearances to say much.
    """

    level: int | None
    short: str
    sentence: str
    vague: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """The data, ready to be shown; ``series`` is None for a pattern."""

    series: Series | None
    rows: Sequence[Row]
    chart: dict[str, object] | None
    chosen: int | None
    whole: Row | None
    headline: str
    warning: str
    ranking: Sequence[tuple[Figures, Row]]
    unusual: Sequence[Row]
    heatmap: Heatmap | None
    annotations: Sequence[Annotation]
    alerts: Sequence[tuple[Episode, str]]
    api: str
    hours: OpenHours | None


def view_of(
    site: Site,
    insight: Insight,
    query: HistoryQuery,
    against: str,
    names: DisplayNames,
    now: float,
    tr: Translator,
) -> HistoryView:
    """Queries the store for a complete view.

    Raises:
        StorageError: It does not answer.
    """
    store, settings = site.services.store, site.services.configuration.settings
    smallest = settings.privacy.smallest_group
    hours = insight.open_hours(now, query.camera) if query.open_only else None
    period = query.period()
    shift = None if query.by == "pattern" else period.comparisons().get(against)
    series = heatmap = None
    if query.by == "pattern":
        heatmap = _heatmap(
            insight.heatmap(
                period.span.until(now), camera=query.camera, zone=query.zone, hours=hours
            ),
            smallest,
            tr,
        )
        points: Sequence[Point] = []
    else:
        series = insight.series(
            period, now=now, camera=query.camera, zone=query.zone, shift=shift, hours=hours
        )
        points = series.parts
    parts = [point.figures.span for point in points]
    annotations = [
        each
        for each in store.annotations(begin=period.span.begin, end=period.span.end)
        if not (query.camera and each.camera) or each.camera == query.camera
    ]
    found = store.alerts(since=period.span.begin, limit=MAX_ALERTS)
    alerts = [
        each
        for each in episodes(found, names, tr)
        if each.alert.time < period.span.end
        and query.camera in (ALL_CAMERAS, each.alert.camera)
        and (not query.zone or each.alert.zone in (EVERYWHERE, query.zone))
    ]
    by = "day" if series is None else series.period.by

    def link(span: Span) -> str:
        return query.drill(by, span)

    ranked = insight.ranking(
        period.span.until(now),
        camera=query.camera,
        hours=None if query.by == "minute" else hours,
    )
    return HistoryView(
        series=series,
        rows=rows(points, by, smallest=smallest, link=link, tr=tr),
        chart=None
        if series is None
        else chart(
            series,
            smallest=smallest,
            link=link,
            marks=[*annotation_marks(annotations, parts), *_alert_marks(alerts, parts)],
            tr=tr,
        ),
        chosen=_chosen(query, parts),
        whole=None
        if series is None
        else row(series.whole, title=tr.gettext("All of it"), link="", smallest=smallest, tr=tr),
        headline="" if series is None else _headline(series.whole, smallest, tr),
        warning=""
        if series is None or series.whole.compared is None
        else incomplete_words(series.whole.compared, tr),
        ranking=[
            (
                figures,
                row(
                    Point(figures=figures),
                    title=names.place(figures.camera, figures.zone, tr),
                    link=query.link(camera=figures.camera, zone=figures.zone),
                    smallest=smallest,
                    tr=tr,
                ),
            )
            for figures in ranked
        ],
        unusual=[
            (
                row(
                    point,
                    title=span_name(point.figures.span, by, tr),
                    link=link(point.figures.span),
                    smallest=smallest,
                    tr=tr,
                )
            )
            for point in unusual(points)
        ],
        heatmap=heatmap,
        annotations=annotations,
        alerts=[
            (each, query.drill("hour", Span(each.alert.time, each.alert.time))) for each in alerts
        ],
        api="" if series is None else _api(query, series.period, against),
        hours=hours,
    )


def _headline(whole: Point, smallest: int, tr: Translator) -> str:
    """How negative a period was, in a sentence."""
    sentence = headline(whole, tr)
    return sentence or unknown_words(whole.figures, smallest, tr).capitalize() + "."


def _api(query: HistoryQuery, period: Period, against: str) -> str:
    """The API query for the same view."""
    values = {
        "by": period.by,
        "minutes": str(period.minutes or ""),
        "begin": f"{period.span.begin:.0f}",
        "end": f"{period.span.end:.0f}",
        "camera": query.camera,
        "zone": query.zone,
        "against": "" if against == "none" else against,
        "open_hours": "true" if query.open_only else "",
    }
    return urlencode({key: value for key, value in values.items() if value})


def _chosen(query: HistoryQuery, parts: Sequence[Span]) -> int | None:
    """The part that was requested by its time."""
    if query.minute is None or not parts:
        return None
    place = place_of(parts[0].begin + query.minute * 60, parts)
    return None if place is None else int(place)


def _alert_marks(alerts: Sequence[Episode], parts: Sequence[Span]) -> list[Mark]:
    return [
        Mark(at, ", ".join(filter(None, (each.title, each.place))), "alert")
        for each in alerts
        if (at := place_of(each.alert.time, parts)) is not None
    ]


def _heatmap(
    found: Mapping[tuple[int, int], Figures], smallest: int, tr: Translator
) -> Heatmap | None:
    if not found:
        return None
    hours = sorted({hour for _, hour in found})
    days = range(7)
    monday = datetime(2001, 1, 1)
    highest = max(
        (each.negative.value for each in found.values() if each.negative is not None), default=0.0
    )
    cells = [
        [_cell(found.get((day, hour)), highest, smallest, tr) for day in days]
        for hour in range(hours[0], hours[-1] + 1)
    ]
    return Heatmap(
        hours=[
            tr.clock((monday + timedelta(hours=hour)).timestamp())
            for hour in range(hours[0], hours[-1] + 1)
        ],
        weekdays=[tr.weekday((monday + timedelta(days=day)).timestamp()) for day in days],
        cells=cells,
    )


def _cell(figures: Figures | None, highest: float, smallest: int, tr: Translator) -> HeatmapCell:
    if figures is None:
        return HeatmapCell(None, "", tr.gettext("not recorded"), vague=False)
    sentence = figures_words(figures, smallest, tr)
    if figures.negative is None:
        return HeatmapCell(None, "\u2013" if figures.appearances else "", sentence, vague=False)
    level = round(LEVELS * figures.negative.value / highest) if highest else 0
    return HeatmapCell(
        level, tr.number(round(figures.negative.value * 100)), sentence, figures.negative.is_vague
    )

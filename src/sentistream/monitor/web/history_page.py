"""How people came across by the minute, hour, day, week and month, and by the hour of the week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream import parquet
from sentistream.errors import StorageError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.insight import (
    ALL_CAMERAS,
    BYS,
    By,
    Figures,
    Insight,
    OpenHours,
    Period,
    Point,
    Series,
    Span,
)
from sentistream.monitor.insight.spans import day_start
from sentistream.monitor.insight.words import (
    figures_words,
    headline,
    incomplete_words,
    place_name,
    span_name,
    unknown_words,
    unusual,
)
from sentistream.monitor.observations import EVERYWHERE, Annotation
from sentistream.monitor.store.reading_tables import ANNOTATION_LENGTH
from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.alerts_page import Episode, episodes
from sentistream.monitor.web.form_data import Form, first, read_form
from sentistream.monitor.web.insight_charts import (
    Mark,
    Row,
    annotation_marks,
    chart,
    place_of,
    row,
    rows,
)
from sentistream.monitor.web.live_tiles import shown_cameras
from sentistream.monitor.web.site import Site

EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)

PATTERN_WEEKS = 8
"""Weeks whose hours are added up by the hour of the week."""

MOST_ALERTS = 500
"""Alerts that a view looks through, the newest first."""

LEVELS = 9
"""Steps of colour of the hours of the week."""

View = Literal["minute", "hour", "day", "week", "month", "pattern"]
VIEWS: tuple[View, ...] = (*BYS, "pattern")

FormDep = Annotated[Form, Depends(read_form)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """What a visitor wants to see, slips put right.

    Attributes:
        by: What the period is divided into, or ``pattern`` for the hours of the week.
        day, hour: In which period; the hour counts by the minute only.
        minute: Which of its minutes was asked for; None for no single one.
        first, last: The days of a free range; None for the usual period.
        camera, zone: Of what; empty for all cameras, for the whole picture.
        against: What it is compared with; empty for the usual, ``none`` for nothing.
        open_only: Whether only opening hours count.
    """

    by: View
    day: date
    hour: int
    minute: int | None
    first: date | None
    last: date | None
    camera: str
    zone: str
    against: str
    open_only: bool

    def link(self, **changes: str) -> str:
        """The address of the same view with something else."""
        values = {
            "by": self.by,
            "day": self.day.isoformat(),
            "hour": str(self.hour) if self.by == "minute" else "",
            "from": "" if self.first is None else self.first.isoformat(),
            "to": "" if self.last is None else self.last.isoformat(),
            "camera": self.camera,
            "zone": self.zone,
            "against": self.against,
            "open": "1" if self.open_only else "",
        } | changes
        return "/history?" + urlencode({key: value for key, value in values.items() if value})

    def query(self) -> str:
        """What follows the path in the address of this view, with its question mark."""
        return self.link().removeprefix("/history")

    def period(self) -> Period:
        """The period it is about; a pattern's is that of its weeks."""
        if self.by == "pattern":
            if self.first is not None and self.last is not None:
                return Period.between(self.first, self.last, "day")
            end = self.day
            return Period.between(end - timedelta(days=7 * PATTERN_WEEKS - 1), end, "day")
        if self.first is not None and self.last is not None:
            return Period.between(self.first, self.last, self.by)
        return Period.about(self.by, self.day, self.hour)

    def drill(self, by: By, span: Span) -> str:
        """Where a part of a period is shown in parts of its own; empty for minutes."""
        local = datetime.fromtimestamp(span.begin)
        day = local.date().isoformat()
        if by == "hour":
            return self.link(**_USUAL, by="minute", day=day, hour=str(local.hour))
        if by == "day":
            return self.link(**_USUAL, by="hour", day=day, hour="")
        if by == "week":
            return self.link(**_USUAL, by="day", day=day, hour="")
        if by == "month":
            last = datetime.fromtimestamp(span.end - 43_200).date()
            free = {"from": day, "to": last.isoformat()}
            return self.link(**free, by="day", day=day, hour="", against="")
        return ""


_USUAL = {"from": "", "to": "", "against": ""}
"""What a link to another period leaves behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap:
    """Negative by the hour of the week.

    Attributes:
        hours: The hours of the day, one a row.
        weekdays: Names of the days, one a column.
        cells: By hour and weekday: a level of colour, 0 to ``LEVELS``, short and whole words.
    """

    hours: Sequence[str]
    weekdays: Sequence[str]
    cells: Sequence[Sequence[HeatmapCell]]


@dataclass(frozen=True, slots=True)
class HeatmapCell:
    """One hour of the week.

    Attributes:
        level: Of its colour; None where there are no shares.
        short, told: What stands in it, and all that is known.
        vague: Whether there were too few appearances to say much.
    """

    level: int | None
    short: str
    told: str
    vague: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What the store says, ready to be shown; ``series`` is None for a pattern."""

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


def history_routes(site: Site) -> APIRouter:
    """The routes of the history."""
    routes = APIRouter()
    from_address = Depends(_asked(site))

    def show(
        request: Request, user: User, asked: HistoryQuery, *, problem: str = "", status: int = 200
    ) -> HTMLResponse:
        settings = site.services.configuration.settings
        tr, now = site.translator(request), site.clock()
        names = shown_cameras(settings, site.services.bus)
        period = asked.period()
        comparisons = {} if asked.by == "pattern" else period.comparisons()
        against = asked.against if asked.against in comparisons else next(iter(comparisons), "none")
        if asked.against == "none":
            against = "none"
        insight = Insight(site.services.store, settings, names)
        view: HistoryView | None
        try:
            view = _view(site, insight, asked, against, names, now, tr)
        except StorageError:
            view = None
        if view is not None and view.series is not None:
            period = view.series.period
        name = place_name(asked.camera, asked.zone, names, tr)
        compared = (
            "" if against == "none" else tr.gettext(labels.COMPARISONS[_kind(asked), against])
        )
        return site.render(
            request,
            "history",
            user=user,
            status=503 if view is None else status,
            asked=asked,
            views=VIEWS,
            names=names,
            place=name,
            zones=[zone for camera, zone in insight.places(asked.camera) if zone]
            if asked.camera
            else [],
            period=period,
            comparisons={key: labels.COMPARISONS[_kind(asked), key] for key in comparisons},
            against=against,
            compared=compared,
            view=view,
            heading=_heading(period, tr),
            trail=_trail(asked, period, tr),
            earlier=_neighbour(asked, period, forward=False),
            later=_neighbour(asked, period, forward=True) if period.span.end <= now else "",
            smallest=settings.privacy.smallest_group,
            has_parquet=parquet.is_available(),
            parquet_command=parquet.COMMAND,
            problem=problem,
            longest=ANNOTATION_LENGTH,
            written=datetime.fromtimestamp(min(now, max(period.span.begin, period.span.end - 1))),
        )

    @routes.get("/history")
    def history(
        request: Request,
        user: CurrentUser,
        asked: HistoryQuery = from_address,
    ) -> HTMLResponse:
        return show(request, user, asked)

    @routes.post("/history/annotations")
    def annotate(
        request: Request,
        user: CurrentManager,
        form: FormDep,
        asked: HistoryQuery = from_address,
    ) -> Response:
        tr = site.translator(request)
        text = " ".join(first(form, "text").split())
        moment = _moment(first(form, "time"))
        if not text or len(text) > ANNOTATION_LENGTH:
            problem = tr.gettext(
                "Write what happened, in at most {n} characters.", n=ANNOTATION_LENGTH
            )
            return show(request, user, asked, problem=problem, status=422)
        if moment is None:
            problem = tr.gettext("Say when it happened.")
            return show(request, user, asked, problem=problem, status=422)
        names = shown_cameras(site.services.configuration.settings, site.services.bus)
        camera = first(form, "about")
        site.services.store.add_annotation(
            Annotation(
                time=moment,
                camera=camera if camera in names else "",
                text=text,
                author=user.name,
            )
        )
        return RedirectResponse(asked.link(), 303)

    @routes.post("/history/annotations/{number}/remove")
    def remove(
        request: Request,
        number: int,
        _: CurrentManager,
        asked: HistoryQuery = from_address,
    ) -> Response:
        site.services.store.remove_annotation(number)
        return RedirectResponse(asked.link(), 303)

    return routes


def _asked(site: Site) -> Callable[..., HistoryQuery]:
    """Reads the address; what makes no sense becomes the usual."""

    def read(
        by: str = "hour",
        day: str = "",
        hour: str = "",
        at: str = "",
        first: Annotated[str, Query(alias="from")] = "",
        last: Annotated[str, Query(alias="to")] = "",
        camera: str = "",
        zone: str = "",
        against: str = "",
        opened: Annotated[str, Query(alias="open")] = "",
    ) -> HistoryQuery:
        settings = site.services.configuration.settings
        now = datetime.fromtimestamp(site.clock())
        names = shown_cameras(settings, site.services.bus)
        chosen = camera if camera in names else ""
        zones = Insight(site.services.store, settings, names).places(chosen) if chosen else []
        view: View = next((each for each in VIEWS if each == by), "hour")
        begin, end = _day(first), _day(last)
        clock = _clock(at)
        if clock is not None:
            view, hour = "minute", str(clock.hour)
        free = begin is not None and end is not None and view != "minute"
        return HistoryQuery(
            by=view,
            day=_day(day) or now.date(),
            hour=int(hour) if hour.isdecimal() and int(hour) < 24 else now.hour,
            minute=None if clock is None else clock.minute,
            first=begin if free else None,
            last=end if free else None,
            camera=chosen,
            zone=zone if (chosen, zone) in zones else "",
            against=against,
            open_only=opened == "1",
        )

    return read


def _day(text: str) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(text)
        if EARLIEST <= day < LATEST:
            return day
    return None


def _clock(text: str) -> time | None:
    with suppress(ValueError):
        return time.fromisoformat(text)
    return None


def _moment(text: str) -> float | None:
    """A local date and time, as browsers write it."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and EARLIEST <= moment.date() < LATEST:
            return moment.timestamp()
    return None


def _view(
    site: Site,
    insight: Insight,
    asked: HistoryQuery,
    against: str,
    names: Mapping[str, str],
    now: float,
    tr: Translator,
) -> HistoryView:
    """Asks the store for all of a view.

    Raises:
        StorageError: It does not answer.
    """
    store, settings = site.services.store, site.services.configuration.settings
    smallest = settings.privacy.smallest_group
    hours = insight.open_hours(now, asked.camera) if asked.open_only else None
    period = asked.period()
    shift = None if asked.by == "pattern" else period.comparisons().get(against)
    series = heatmap = None
    if asked.by == "pattern":
        heatmap = _heatmap(
            insight.heatmap(
                period.span.until(now), camera=asked.camera, zone=asked.zone, hours=hours
            ),
            smallest,
            tr,
        )
        points: Sequence[Point] = []
    else:
        series = insight.series(
            period, now=now, camera=asked.camera, zone=asked.zone, shift=shift, hours=hours
        )
        points = series.parts
    parts = [point.figures.span for point in points]
    annotations = [
        each
        for each in store.annotations(begin=period.span.begin, end=period.span.end)
        if not (asked.camera and each.camera) or each.camera == asked.camera
    ]
    found = store.alerts(since=period.span.begin, limit=MOST_ALERTS)
    alerts = [
        each
        for each in episodes(found, dict(names), tr)
        if each.alert.time < period.span.end
        and asked.camera in (ALL_CAMERAS, each.alert.camera)
        and (not asked.zone or each.alert.zone in (EVERYWHERE, asked.zone))
    ]
    by = "day" if series is None else series.period.by

    def link(span: Span) -> str:
        return asked.drill(by, span)

    ranked = insight.ranking(
        period.span.until(now),
        camera=asked.camera,
        hours=None if asked.by == "minute" else hours,
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
        chosen=_chosen(asked, parts),
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
                    title=place_name(figures.camera, figures.zone, names, tr),
                    link=asked.link(camera=figures.camera, zone=figures.zone),
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
            (each, asked.drill("hour", Span(each.alert.time, each.alert.time))) for each in alerts
        ],
        api="" if series is None else _api(asked, series.period, against),
        hours=hours,
    )


def _headline(whole: Point, smallest: int, tr: Translator) -> str:
    """How negative a period was, in a sentence."""
    told = headline(whole, tr)
    return told or unknown_words(whole.figures, smallest, tr).capitalize() + "."


def _api(asked: HistoryQuery, period: Period, against: str) -> str:
    """What the API is asked for the same view."""
    values = {
        "by": period.by,
        "minutes": str(period.minutes or ""),
        "begin": f"{period.span.begin:.0f}",
        "end": f"{period.span.end:.0f}",
        "camera": asked.camera,
        "zone": asked.zone,
        "against": "" if against == "none" else against,
        "open_hours": "true" if asked.open_only else "",
    }
    return urlencode({key: value for key, value in values.items() if value})


def _chosen(asked: HistoryQuery, parts: Sequence[Span]) -> int | None:
    """The part that somebody asked for by its time."""
    if asked.minute is None or not parts:
        return None
    place = place_of(parts[0].begin + asked.minute * 60, parts)
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
    told = figures_words(figures, smallest, tr)
    if figures.negative is None:
        return HeatmapCell(None, "\u2013" if figures.appearances else "", told, vague=False)
    level = round(LEVELS * figures.negative.value / highest) if highest else 0
    return HeatmapCell(
        level, tr.number(round(figures.negative.value * 100)), told, figures.negative.is_vague
    )


def _neighbour(asked: HistoryQuery, period: Period, *, forward: bool) -> str:
    """The address of the period before or after."""
    if asked.by == "pattern":
        days = (7 if forward else -7) * PATTERN_WEEKS
        if asked.first is None or asked.last is None:
            return asked.link(day=(asked.day + timedelta(days=days)).isoformat())
    other = period.next(forward)
    first, last = _days(other.span)
    if asked.first is not None:
        return asked.link(**{"from": first.isoformat(), "to": last.isoformat()})
    if asked.by == "minute":
        local = datetime.fromtimestamp(other.span.begin)
        return asked.link(day=local.date().isoformat(), hour=str(local.hour))
    return asked.link(day=last.isoformat())


def _days(span: Span) -> tuple[date, date]:
    """The first and the last day of a span."""
    return (
        datetime.fromtimestamp(span.begin).date(),
        datetime.fromtimestamp(span.end - 1).date(),
    )


def _trail(asked: HistoryQuery, period: Period, tr: Translator) -> list[tuple[str, str]]:
    """From the months down to what is shown: names and addresses."""
    if asked.by == "pattern" or asked.first is not None:
        return []
    day = datetime.fromtimestamp(period.span.end - 1).date()
    usual = _USUAL | {"hour": "", "day": day.isoformat()}
    steps = [
        ("month", tr.gettext("Months")),
        ("week", tr.gettext("Weeks")),
        ("day", tr.gettext("Week of {day}", day=tr.day(_monday(day)))),
        ("hour", tr.day(period.span.begin)),
    ]
    depth = {"month": 0, "week": 1, "day": 2, "hour": 3, "minute": 4}[asked.by]
    return [(name, asked.link(**usual, by=by)) for by, name in steps[:depth]]


def _monday(day: date) -> float:
    return day_start(day - timedelta(days=day.weekday()))


def _heading(period: Period, tr: Translator) -> str:
    first, last = _days(period.span)
    begin = tr.day(period.span.begin)
    if period.by == "minute":
        return f"{begin}, {span_name(period.span, 'hour', tr)}"
    if first == last:
        return begin
    if first.year != last.year or last.year != date.today().year:
        return tr.gettext(
            "{begin} to {end}",
            begin=f"{begin} {first.year}",
            end=f"{tr.day(period.span.end - 1)} {last.year}",
        )
    return tr.gettext("{begin} to {end}", begin=begin, end=tr.day(period.span.end - 1))


def _kind(asked: HistoryQuery) -> str:
    """What its comparisons are called after."""
    return "free" if asked.first is not None else asked.by

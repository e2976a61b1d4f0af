"""How people came across by the minute, hour, day, week and month, and by the hour of the week."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream import parquet
from sentistream.errors import StorageError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.display_names import display_names
from sentistream.monitor.insight import (
    Insight,
    Period,
    Span,
)
from sentistream.monitor.insight.spans import day_start
from sentistream.monitor.insight.words import span_name
from sentistream.monitor.observations import Annotation
from sentistream.monitor.store.reading_tables import ANNOTATION_LENGTH
from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.form_data import Form, first, read_form
from sentistream.monitor.web.history_query import (
    EARLIEST,
    LATEST,
    PATTERN_WEEKS,
    USUAL,
    VIEWS,
    HistoryQuery,
    from_address,
)
from sentistream.monitor.web.history_view import HistoryView, view_of
from sentistream.monitor.web.site import Site, SiteDep

FormDep = Annotated[Form, Depends(read_form)]

QueryDep = Annotated[HistoryQuery, Depends(from_address)]

router: APIRouter = APIRouter(include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    query: HistoryQuery,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    settings = site.services.configuration.settings
    tr, now = site.translator(request), site.clock()
    names = display_names(settings, site.services.bus)
    period = query.period()
    comparisons = {} if query.by == "pattern" else period.comparisons()
    against = query.against if query.against in comparisons else next(iter(comparisons), "none")
    if query.against == "none":
        against = "none"
    insight = Insight(site.services.store, settings, names.cameras)
    view: HistoryView | None
    try:
        view = view_of(site, insight, query, against, names, now, tr)
    except StorageError:
        view = None
    if view is not None and view.series is not None:
        period = view.series.period
    name = names.place(query.camera, query.zone, tr)
    compared = "" if against == "none" else tr.gettext(labels.COMPARISONS[_kind(query), against])
    return site.render(
        request,
        "history",
        user=user,
        status=503 if view is None else status,
        query=query,
        views=VIEWS,
        names=names.cameras,
        place=name,
        zones={
            zone: names.zone(camera, zone)
            for camera, zone in insight.places(query.camera)
            if query.camera and zone
        },
        period=period,
        comparisons={key: labels.COMPARISONS[_kind(query), key] for key in comparisons},
        against=against,
        compared=compared,
        view=view,
        heading=_heading(period, tr),
        trail=_trail(query, period, tr),
        earlier=_neighbour(query, period, forward=False),
        later=_neighbour(query, period, forward=True) if period.span.end <= now else "",
        smallest=settings.privacy.smallest_group,
        has_parquet=parquet.is_available(),
        parquet_command=parquet.COMMAND,
        problem=problem,
        longest=ANNOTATION_LENGTH,
        written=datetime.fromtimestamp(min(now, max(period.span.begin, period.span.end - 1))),
    )


@router.get("/history")
def history(request: Request, user: CurrentUser, site: SiteDep, query: QueryDep) -> HTMLResponse:
    return _show(site, request, user, query)


@router.post("/history/annotations")
def annotate(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, query: QueryDep
) -> Response:
    tr = site.translator(request)
    text = " ".join(first(form, "text").split())
    moment = _moment(first(form, "time"))
    if not text or len(text) > ANNOTATION_LENGTH:
        problem = tr.gettext("Write what happened, in at most {n} characters.", n=ANNOTATION_LENGTH)
        return _show(site, request, user, query, problem=problem, status=422)
    if moment is None:
        problem = tr.gettext("Say when it happened.")
        return _show(site, request, user, query, problem=problem, status=422)
    names = display_names(site.services.configuration.settings, site.services.bus)
    camera = first(form, "about")
    site.services.store.add_annotation(
        Annotation(
            time=moment,
            camera=camera if camera in names.cameras else "",
            text=text,
            author=user.name,
        )
    )
    return RedirectResponse(query.link(), 303)


@router.post("/history/annotations/{number}/remove")
def remove(
    request: Request, number: int, _: CurrentManager, site: SiteDep, query: QueryDep
) -> Response:
    site.services.store.remove_annotation(number)
    return RedirectResponse(query.link(), 303)


def _moment(text: str) -> float | None:
    """A local date and time, as browsers write it."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and EARLIEST <= moment.date() < LATEST:
            return moment.timestamp()
    return None


def _neighbour(query: HistoryQuery, period: Period, *, forward: bool) -> str:
    """The address of the period before or after."""
    if query.by == "pattern":
        days = (7 if forward else -7) * PATTERN_WEEKS
        if query.first is None or query.last is None:
            return query.link(day=(query.day + timedelta(days=days)).isoformat())
    other = period.next(forward)
    first, last = _days(other.span)
    if query.first is not None:
        return query.link(**{"from": first.isoformat(), "to": last.isoformat()})
    if query.by == "minute":
        local = datetime.fromtimestamp(other.span.begin)
        return query.link(day=local.date().isoformat(), hour=str(local.hour))
    return query.link(day=last.isoformat())


def _days(span: Span) -> tuple[date, date]:
    """The first and the last day of a span."""
    return (
        datetime.fromtimestamp(span.begin).date(),
        datetime.fromtimestamp(span.end - 1).date(),
    )


def _trail(query: HistoryQuery, period: Period, tr: Translator) -> list[tuple[str, str]]:
    """Breadcrumbs from the months down to the current view: names and addresses."""
    if query.by == "pattern" or query.first is not None:
        return []
    day = datetime.fromtimestamp(period.span.end - 1).date()
    usual = USUAL | {"hour": "", "day": day.isoformat()}
    steps = [
        ("month", tr.gettext("Months")),
        ("week", tr.gettext("Weeks")),
        ("day", tr.gettext("Week of {day}", day=tr.day(_monday(day)))),
        ("hour", tr.day(period.span.begin)),
    ]
    depth = {"month": 0, "week": 1, "day": 2, "hour": 3, "minute": 4}[query.by]
    return [(name, query.link(**usual, by=by)) for by, name in steps[:depth]]


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


def _kind(query: HistoryQuery) -> str:
    """The key of its comparisons' names."""
    return "free" if query.first is not None else query.by

"""Figures with margins and what is usual, as the pages show them; annotations."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import Field

from sentistream.monitor.api.auth import Manager, ServicesDep, viewer
from sentistream.monitor.api.history import DECIMAL_MARKS, End, file_name
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import (
    Instant,
    RequestBody,
    ResponseBody,
    check_span,
    utc,
)
from sentistream.monitor.api.series_file import series_file
from sentistream.monitor.camera_keys import own_cameras
from sentistream.monitor.display_names import display_names
from sentistream.monitor.insight import (
    By,
    Comparison,
    Insight,
    Known,
    Period,
    Point,
    Series,
    Span,
    Verdict,
)
from sentistream.monitor.insight import Difference as DifferenceOfShares
from sentistream.monitor.insight import Share as ShareOfTime
from sentistream.monitor.insight import Usual as UsualRange
from sentistream.monitor.insight.spans import MAX_PARTS, whole_minute
from sentistream.monitor.observations import Annotation
from sentistream.monitor.services import Services
from sentistream.monitor.store.reading_tables import ANNOTATION_LENGTH
from sentistream.reports.table_formats import PLAIN, spreadsheet_style

router: APIRouter = APIRouter(prefix="/api", tags=["Past"], dependencies=[Depends(viewer)])

SPAN = 3660 * 86_400.0
"""Longest period of one query, seconds."""

_SECONDS: dict[str, float] = {
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "week": 7 * 86_400.0,
    "month": 28 * 86_400.0,
}


class Share(ResponseBody):
    """A share of the time in view, 0 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, given: ShareOfTime | None) -> Self | None:
        return None if given is None else cls(value=given.value, low=given.low, high=given.high)


class Usual(ResponseBody):
    """Values of earlier weeks (or months) at the same time: median, lowest, highest."""

    median: float
    low: float
    high: float
    count: int = Field(description="Of how many of them.")

    @classmethod
    def of(cls, given: UsualRange | None) -> Self | None:
        if given is None:
            return None
        return cls(median=given.median, low=given.low, high=given.high, count=given.count)


class Difference(ResponseBody):
    """A share's difference from the period before, with its 95 % interval."""

    value: float
    low: float
    high: float
    more_than_chance: bool

    @classmethod
    def of(cls, given: DifferenceOfShares | None) -> Self | None:
        if given is None:
            return None
        return cls(
            value=given.value,
            low=given.low,
            high=given.high,
            more_than_chance=given.is_more_than_chance,
        )


class ComparedWith(ResponseBody):
    """An earlier span of equal elapsed time."""

    begin: datetime
    end: datetime
    appearances: int
    incomplete: bool = Field(
        description="Whether so much earlier data is missing that counts mislead."
    )
    positive: Difference | None
    neutral: Difference | None
    negative: Difference | None

    @classmethod
    def of(cls, given: Comparison | None) -> Self | None:
        if given is None:
            return None
        return cls(
            begin=utc(given.before.span.begin),
            end=utc(given.before.span.end),
            appearances=given.before.appearances,
            incomplete=given.is_incomplete,
            positive=Difference.of(given.positive),
            neutral=Difference.of(given.neutral),
            negative=Difference.of(given.negative),
        )


class FiguresOfSpan(ResponseBody):
    """What a camera, a zone or all cameras saw over a span, compared with what is usual."""

    camera: str = Field(description="Empty for all cameras together.")
    zone: str = Field(description="Empty for the whole picture.")
    begin: datetime
    end: datetime
    known: Known = Field(description="Whether there are shares, and if not, why.")
    appearances: int
    watched: float = Field(description="Seconds for which cameras watched, over all of them.")
    seen: float | None = Field(description="Seconds of faces, over everybody.")
    speaking: float | None = Field(description="Seconds of speech, over everybody.")
    dwell: float | None = Field(description="Seconds that an appearance stayed, on average.")
    positive: Share | None
    neutral: Share | None
    negative: Share | None
    usual_appearances: Usual | None
    usual_positive: Usual | None
    usual_negative: Usual | None
    verdict: Verdict = Field(description="How negative compares with what is usual.")
    compared: ComparedWith | None = Field(description="Beside the time before; where asked for.")

    @classmethod
    def of(cls, point: Point) -> Self:
        given = point.figures
        return cls(
            camera=given.camera,
            zone=given.zone,
            begin=utc(given.span.begin),
            end=utc(given.span.end),
            known=given.known,
            appearances=given.appearances,
            watched=given.watched,
            seen=given.seen,
            speaking=given.speaking,
            dwell=given.dwell,
            positive=Share.of(given.positive),
            neutral=Share.of(given.neutral),
            negative=Share.of(given.negative),
            usual_appearances=Usual.of(point.usual.appearances),
            usual_positive=Usual.of(point.usual.positive),
            usual_negative=Usual.of(point.usual.negative),
            verdict=point.verdict("negative"),
            compared=ComparedWith.of(point.compared),
        )


class SeriesOfFigures(ResponseBody):
    """A period, part by part and as a whole."""

    by: str
    minutes: int | None = Field(description="Minutes of a part, where it is by the minute.")
    whole: FiguresOfSpan = Field(description="All of it that is over.")
    parts: list[FiguresOfSpan]


class Today(ResponseBody):
    """Today so far, compared with the same weekday of the last weeks up to the same time."""

    whole: FiguresOfSpan = Field(description="All cameras together.")
    places: list[FiguresOfSpan] = Field(description="Each camera's whole picture and its zones.")
    worst_hour: FiguresOfSpan | None = Field(description="None where too little was seen to say.")


class StoredAnnotation(ResponseBody):
    """What happened when, in a manager's words."""

    id: int
    time: datetime
    camera: str = Field(description="Empty where it concerns all.")
    text: str
    author: str

    @classmethod
    def of(cls, given: Annotation) -> Self:
        return cls(
            id=given.id,
            time=utc(given.time),
            camera=given.camera,
            text=given.text,
            author=given.author,
        )


class NewAnnotation(RequestBody):
    """What happened; everybody who may see the history sees it."""

    time: Instant
    text: str = Field(min_length=1, max_length=ANNOTATION_LENGTH, pattern=r"^\S([^\r\n]*\S)?$")
    camera: str = Field(default="", max_length=64, description="Only of this one; else of all.")


def _insight(services: Services) -> Insight:
    settings = services.configuration.settings
    running = (health.camera for health in services.bus.health())
    return Insight(services.store, settings, own_cameras(settings, running))


def _series(
    services: ServicesDep,
    begin: Annotated[Instant, Query(description="Beginning, ISO 8601 or seconds since 1970.")],
    end: End = None,
    by: Annotated[By, Query(description="How long the parts are.")] = "hour",
    minutes: Annotated[
        Literal["1", "5", "15"] | None,
        Query(description="Minutes of a part by the minute; the fewest that show enough without."),
    ] = None,
    camera: Annotated[
        str, Query(max_length=64, description="Only this camera; all together without.")
    ] = "",
    zone: Annotated[
        str, Query(max_length=64, description="Only this zone; whole pictures without.")
    ] = "",
    against: Annotated[
        Literal["week", "day", "before", "year"] | None,
        Query(
            description="What to compare with: a day or less with the same a week or a day before, "
            "a year of months with the year before, all else with the same length before."
        ),
    ] = None,
    open_hours: Annotated[bool, Query(description="Whether only opening hours count.")] = False,
) -> Series:
    now = time.time()
    until = now if end is None else end
    check_span(begin, until, SPAN, "sums")
    span = Span(whole_minute(begin), -whole_minute(-until))
    period = Period(by, span, None if minutes is None else int(minutes))
    if span.seconds / _SECONDS[by] / (period.minutes or 1) > MAX_PARTS:
        raise HTTPException(
            400, "That is too much at once; ask for longer parts or a shorter time."
        )
    shift = None
    if against is not None:
        shift = period.comparisons().get(against)
        if shift is None:
            raise HTTPException(400, "A period of this length is not compared with that.")
    insight = _insight(services)
    return insight.series(
        period,
        now=now,
        camera=camera,
        zone=zone,
        shift=shift,
        hours=insight.open_hours(now, camera) if open_hours else None,
    )


SeriesDep = Annotated[Series, Depends(_series)]


@router.get(
    "/series",
    summary="A period part by part, with margins and what is usual",
    responses=documented(400, 422),
)
def series(found: SeriesDep) -> SeriesOfFigures:
    """As on the history page; at most 400 parts. An unfinished period is compared up to now."""
    return SeriesOfFigures(
        by=found.period.by,
        minutes=found.period.minutes if found.period.by == "minute" else None,
        whole=FiguresOfSpan.of(found.whole),
        parts=[FiguresOfSpan.of(point) for point in found.parts],
    )


_FILES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


@router.get(
    "/series.{kind}",
    summary="The same as a file",
    response_class=Response,
    responses={
        200: {
            "content": {
                media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for media in _FILES.values()
            }
        },
        **documented(400, 422, 501),
    },
)
def series_as_file(
    services: ServicesDep,
    found: SeriesDep,
    kind: Annotated[Literal["csv", "parquet"], Path(description="The file's format.")],
    excel: Annotated[
        Literal["point", "comma"] | None,
        Query(description="CSV for a spreadsheet whose numbers have this; with a byte order mark."),
    ] = None,
) -> Response:
    """One row per part; docs/monitor-data.md has the columns."""
    style = PLAIN if excel is None else spreadsheet_style(DECIMAL_MARKS[excel])
    names = display_names(services.configuration.settings, services.bus)
    span = found.period.span
    # the aggregates of the same time have a name, too
    name = file_name(
        f"history-{found.period.by}",
        kind,
        begin=span.begin,
        end=span.end,
        camera=found.whole.figures.camera,
    )
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    content = series_file(found, kind, style=style, names=names)
    return Response(content, media_type=_FILES[kind], headers=headers)


@router.get("/overview", summary="Today beside what is usual", responses=documented())
def overview(services: ServicesDep) -> Today:
    """As the overview shows it."""
    found = _insight(services).overview(time.time())
    worst = found.worst
    return Today(
        whole=FiguresOfSpan.of(found.whole),
        places=[FiguresOfSpan.of(point) for point in found.places.values()],
        worst_hour=None if worst is None else FiguresOfSpan.of(Point(figures=worst.figures)),
    )


@router.get("/annotations", summary="What happened, in words", responses=documented(400, 422))
def annotations_of(
    services: ServicesDep,
    begin: Annotated[Instant, Query(description="Beginning.")] = 0.0,
    end: End = None,
) -> list[StoredAnnotation]:
    """The oldest first."""
    until = time.time() if end is None else end
    check_span(begin, until, float("inf"), "notes")
    return [StoredAnnotation.of(one) for one in services.store.annotations(begin=begin, end=until)]


@router.post(
    "/annotations",
    summary="Write down what happened",
    status_code=201,
    responses=documented(400, 403, 422),
)
def annotate(body: NewAnnotation, services: ServicesDep, identity: Manager) -> StoredAnnotation:
    """Such as "new till opened"; the charts show it as a line. For managers."""
    running = (health.camera for health in services.bus.health())
    if body.camera and body.camera not in own_cameras(services.configuration.settings, running):
        raise HTTPException(400, "There is no such camera.")
    made = Annotation(time=body.time, camera=body.camera, text=body.text, author=identity.user.name)
    return StoredAnnotation.of(services.store.add_annotation(made))


@router.delete(
    "/annotations/{number}",
    summary="Remove a note",
    status_code=204,
    responses=documented(403, 404, 422),
)
def remove_annotation(
    number: Annotated[int, Path(ge=1, le=2**31 - 1, description="Its id.")],
    services: ServicesDep,
    _: Manager,
) -> None:
    """For managers."""
    if not services.store.remove_annotation(number):
        raise HTTPException(404, "There is no such note.")

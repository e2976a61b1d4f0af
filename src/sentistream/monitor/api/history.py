"""Recorded data: aggregates, single readings, file exports and deletion."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from sentistream.monitor.api.auth import Manager, ServicesDep, Viewer, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import (
    AggregateInterval,
    Instant,
    Readings,
    RequestBody,
    ResponseBody,
    SingleReading,
    check_span,
    utc,
)
from sentistream.monitor.interfaces import Step, Store
from sentistream.monitor.observations import SecondReading
from sentistream.monitor.services import Services
from sentistream.reports.table_formats import PLAIN, spreadsheet_style

router: APIRouter = APIRouter(prefix="/api", tags=["Past"], dependencies=[Depends(viewer)])

DAY = 86_400.0
LONGEST = {Step.MINUTE: 14 * DAY, Step.HOUR: 400 * DAY, Step.DAY: 3660 * DAY}
"""Longest period of one query, seconds."""
_SECONDS = {Step.MINUTE: 60.0, Step.HOUR: 3600.0, Step.DAY: DAY}
MAX_AGGREGATES = 250_000
READINGS_SPAN = 2 * DAY
AGGREGATE_SPAN = 3660 * DAY
MAX_READINGS = 10_000

Begin = Annotated[Instant, Query(description="Beginning, ISO 8601 or seconds since 1970.")]
End = Annotated[Instant | None, Query(description="End, not included; now where it is left out.")]
OneCamera = Annotated[
    str | None, Query(max_length=64, description="Only this camera; all where it is left out.")
]
OneZone = Annotated[
    str, Query(max_length=64, description="Only this zone; empty for whole pictures, * for all.")
]


@router.get("/history", summary="Sums by minute, hour or day", responses=documented(400, 422))
def history(
    services: ServicesDep,
    begin: Begin,
    end: End = None,
    step: Annotated[Step, Query(description="How long each sum is.")] = Step.HOUR,
    camera: OneCamera = None,
    zone: OneZone = "",
) -> list[AggregateInterval]:
    """The oldest first. At most 14 days of minutes, 400 days of hours, 10 years of days."""
    until = time.time() if end is None else end
    check_span(begin, until, LONGEST[step], f"{step}s")
    _check_size(services, (until - begin) / _SECONDS[step], camera, zone)
    found = services.store.history(
        step, begin=begin, end=until, camera=camera, zone=None if zone == "*" else zone
    )
    return [AggregateInterval.of(one) for one in found]


@router.get(
    "/together", summary="One sum a camera over a whole stretch", responses=documented(400, 422)
)
def together(
    services: ServicesDep,
    begin: Begin,
    end: End = None,
    camera: OneCamera = None,
    zone: Annotated[str, Query(max_length=64, description="The zone.")] = "",
) -> list[AggregateInterval]:
    """For comparisons between weeks or cameras."""
    until = time.time() if end is None else end
    check_span(begin, until, AGGREGATE_SPAN, "sums")
    found = services.store.aggregate(begin=begin, end=until, camera=camera, zone=zone)
    return [AggregateInterval.of(one) for one in found]


@router.get(
    "/readings",
    summary="Single readings, second by second",
    responses=documented(400, 403, 422),
)
def readings(
    services: ServicesDep,
    _: Manager,
    begin: Annotated[
        Instant | None, Query(description="Beginning; a minute ago where it is left out.")
    ] = None,
    end: End = None,
    camera: OneCamera = None,
    limit: Annotated[int, Query(ge=1, le=MAX_READINGS, description="The most.")] = 1000,
) -> Readings:
    """Of each face, the oldest first; at most two days at a time; for managers.

    If there are more than ``limit``, ``next_begin`` says where to continue: whole seconds are
        returned, unless a single one has more than ``limit``.
    """
    until = time.time() if end is None else end
    since = max(0.0, until - 60) if begin is None else begin
    check_span(since, until, READINGS_SPAN, "readings")
    found, rest = _page(services.store, since, until, camera, limit)
    return Readings(
        readings=[SingleReading.of(reading) for reading in found],
        next_begin=None if rest is None else utc(rest),
    )


class DeletionRequest(RequestBody):
    """Which readings to delete: all of a camera and time."""

    begin: Instant
    end: Instant
    camera: str | None = Field(
        default=None, max_length=64, description="Only of this camera; of all without."
    )


class DeletionResult(ResponseBody):
    """What was deleted."""

    readings: int


@router.post(
    "/forget",
    summary="Delete single readings on somebody's request",
    responses=documented(400, 403, 422),
)
def forget(body: DeletionRequest, services: ServicesDep, _: Manager) -> DeletionResult:
    """No identity is stored, so people are found by time and camera; for managers."""
    check_span(body.begin, body.end, 400 * DAY, "readings")
    gone = services.store.erase(begin=body.begin, end=body.end, camera=body.camera)
    return DeletionResult(readings=gone)


def _check_size(services: Services, steps: float, camera: str | None, zone: str) -> None:
    cameras = services.configuration.settings.cameras
    chosen = [one for key, one in cameras.items() if camera in (None, key)]
    series = sum(1 + len(one.zones) if zone == "*" else 1 for one in chosen)
    if steps * max(1, series) > MAX_AGGREGATES:
        raise HTTPException(400, "That is too much at once; ask for one camera or a shorter time.")


def _page(
    store: Store, begin: float, end: float, camera: str | None, limit: int
) -> tuple[list[SecondReading], int | None]:
    """Up to ``limit`` readings in whole seconds, and where the rest begins."""
    found = list(store.readings(begin=begin, end=end, camera=camera, limit=limit + 1))
    if len(found) <= limit:
        return found, None
    cut = found[-1].second
    whole = [reading for reading in found if reading.second < cut]
    if whole:
        return whole, cut
    # a single second exceeds the limit: it is not split
    second = store.readings(begin=cut, end=cut + 1, camera=camera, limit=MAX_READINGS)
    return list(second), cut + 1


EXPORTS_AT_ONCE = 2
"""Most simultaneous exports; more have to wait."""

EXPORT_SPAN = 3660 * DAY

_MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
DECIMAL_MARKS = {"point": ".", "comma": ","}
_SCHEMA = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/export/{what}.{kind}",
    summary="Readings or sums as a file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {media.partition(";")[0]: _SCHEMA for media in _MEDIA.values()}},
        **documented(400, 403, 422, 501),
    },
)
async def export(
    services: ServicesDep,
    identity: Viewer,
    request: Request,
    what: Annotated[
        Literal["readings", "minute", "hour", "day"], Path(description="Readings, or sums by.")
    ],
    kind: Annotated[Literal["csv", "parquet"], Path(description="The file's format.")],
    begin: Begin,
    end: End = None,
    camera: OneCamera = None,
    excel: Annotated[
        Literal["point", "comma"] | None,
        Query(description="CSV for a spreadsheet whose numbers have this; with a byte order mark."),
    ] = None,
) -> StreamingResponse:
    """Sums of small groups are withheld; single readings are for managers."""
    if what == "readings" and not identity.user.is_manager:
        raise HTTPException(403, "Only managers may export single readings.")
    until = time.time() if end is None else end
    check_span(begin, until, EXPORT_SPAN, "data")
    places: threading.BoundedSemaphore = request.app.state.export_slots
    if not places.acquire(blocking=False):
        raise HTTPException(
            429, "Other exports are running; try again soon.", headers={"retry-after": "10"}
        )
    try:
        pieces = iter(
            await run_in_threadpool(
                services.store.export,
                kind,
                "readings" if what == "readings" else Step(what),
                begin=begin,
                end=until,
                camera=camera,
                style=PLAIN if excel is None else spreadsheet_style(DECIMAL_MARKS[excel]),
            )
        )
        # failures must occur before the response has begun
        first = await run_in_threadpool(next, pieces, None)
    except BaseException:
        places.release()
        raise
    name = file_name(what, kind, begin=begin, end=until, camera=camera)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return _ChunkedResponse(first, pieces, places, media_type=_MEDIA[kind], headers=headers)


def file_name(what: str, kind: str, *, begin: float, end: float, camera: str | None) -> str:
    """A download's file name, with its first and last day in the machine's time zone."""
    first, last = (datetime.fromtimestamp(time).date() for time in (begin, max(begin, end - 1)))
    days = f"{first}" if first == last else f"{first}-to-{last}"
    place = f"-{camera}" if camera and re.fullmatch(r"[a-z0-9-]{1,64}", camera) else ""
    return f"sentistream-{what}-{days}{place}.{kind}"


class _ChunkedResponse(StreamingResponse):
    """Sends piece by piece; releases the export slot whatever happens to the client."""

    def __init__(
        self,
        first: bytes | None,
        pieces: Iterator[bytes],
        places: threading.BoundedSemaphore,
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(_remaining_chunks(first, pieces), media_type=media_type, headers=headers)
        self._pieces = pieces
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.release()
            close = getattr(self._pieces, "close", None)
            if close is not None:
                await run_in_threadpool(close)


async def _remaining_chunks(first: bytes | None, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece = first
    while piece is not None:
        yield piece
        piece = await run_in_threadpool(next, pieces, None)

"""Files of readings and sums, piece by piece."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from sentistream.monitor.api.access import ServicesHere, Viewer, viewer
from sentistream.monitor.api.past import DAY, Begin, End, OneCamera
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.times import check_span
from sentistream.monitor.interfaces import Step
from sentistream.reports.table_formats import PLAIN, spreadsheet_style

router = APIRouter(prefix="/api", tags=["Past"], dependencies=[Depends(viewer)])

AT_ONCE = 2
"""Files made at the same time; more have to wait."""

LONGEST = 3660 * DAY

_MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_POINTS = {"point": ".", "comma": ","}
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
    services: ServicesHere,
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
        raise HTTPException(403, "Only managers may take single readings out.")
    until = time.time() if end is None else end
    check_span(begin, until, LONGEST, "data")
    places: threading.BoundedSemaphore = request.app.state.export_places
    if not places.acquire(blocking=False):
        raise HTTPException(
            429, "Other files are being made; try again soon.", headers={"retry-after": "10"}
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
                style=PLAIN if excel is None else spreadsheet_style(_POINTS[excel]),
            )
        )
        # what fails does so before the answer has begun
        first = await run_in_threadpool(next, pieces, None)
    except BaseException:
        places.release()
        raise
    headers = {"content-disposition": f'attachment; filename="sentistream-{what}.{kind}"'}
    return _Pieces(first, pieces, places, media_type=_MEDIA[kind], headers=headers)


class _Pieces(StreamingResponse):
    """Sends piece by piece; whatever happens to the client, the place is free afterwards."""

    def __init__(
        self,
        first: bytes | None,
        pieces: Iterator[bytes],
        places: threading.BoundedSemaphore,
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(_rest(first, pieces), media_type=media_type, headers=headers)
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


async def _rest(first: bytes | None, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece = first
    while piece is not None:
        yield piece
        piece = await run_in_threadpool(next, pieces, None)

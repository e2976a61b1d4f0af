"""What was: sums, single readings, alerts, files of them, and forgetting."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import Field

from sentistream.monitor.api.access import Manager, ServicesHere, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.times import Instant, check_span, utc
from sentistream.monitor.api.values import Question, Readings, SingleReading, Stretch, Told, Value
from sentistream.monitor.interfaces import Step, Store
from sentistream.monitor.observations import SecondReading
from sentistream.monitor.services import Services

router = APIRouter(prefix="/api", tags=["Past"], dependencies=[Depends(viewer)])

DAY = 86_400.0
LONGEST = {Step.MINUTE: 14 * DAY, Step.HOUR: 400 * DAY, Step.DAY: 3660 * DAY}
"""Seconds that may be asked for at once."""
_SECONDS = {Step.MINUTE: 60.0, Step.HOUR: 3600.0, Step.DAY: DAY}
MOST_SUMS = 250_000
LONGEST_READINGS = 2 * DAY
LONGEST_TOGETHER = 3660 * DAY
MOST_ALERTS = 1000
"""Alerts of an answer."""

MOST_READINGS = 10_000

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
    services: ServicesHere,
    begin: Begin,
    end: End = None,
    step: Annotated[Step, Query(description="How long each sum is.")] = Step.HOUR,
    camera: OneCamera = None,
    zone: OneZone = "",
) -> list[Stretch]:
    """The oldest first. At most 14 days of minutes, 400 days of hours, 10 years of days."""
    until = time.time() if end is None else end
    check_span(begin, until, LONGEST[step], f"{step}s")
    _check_size(services, (until - begin) / _SECONDS[step], camera, zone)
    found = services.store.history(
        step, begin=begin, end=until, camera=camera, zone=None if zone == "*" else zone
    )
    return [Stretch.of(one) for one in found]


@router.get(
    "/together", summary="One sum a camera over a whole stretch", responses=documented(400, 422)
)
def together(
    services: ServicesHere,
    begin: Begin,
    end: End = None,
    camera: OneCamera = None,
    zone: Annotated[str, Query(max_length=64, description="The zone.")] = "",
) -> list[Stretch]:
    """For comparisons: this week and the last, this camera and that."""
    until = time.time() if end is None else end
    check_span(begin, until, LONGEST_TOGETHER, "sums")
    found = services.store.aggregate(begin=begin, end=until, camera=camera, zone=zone)
    return [Stretch.of(one) for one in found]


@router.get(
    "/readings",
    summary="Single readings, second by second",
    responses=documented(400, 403, 422),
)
def readings(
    services: ServicesHere,
    _: Manager,
    begin: Annotated[
        Instant | None, Query(description="Beginning; a minute ago where it is left out.")
    ] = None,
    end: End = None,
    camera: OneCamera = None,
    limit: Annotated[int, Query(ge=1, le=MOST_READINGS, description="The most.")] = 1000,
) -> Readings:
    """Of each face, the oldest first; at most two days at a time; for managers.

    Where more were found than ``limit``, ``next_begin`` says where to go on: whole seconds are
    answered, unless a single one holds more than ``limit`` alone.
    """
    until = time.time() if end is None else end
    since = max(0.0, until - 60) if begin is None else begin
    check_span(since, until, LONGEST_READINGS, "readings")
    found, rest = _page(services.store, since, until, camera, limit)
    return Readings(
        readings=[SingleReading.of(reading) for reading in found],
        next_begin=None if rest is None else utc(rest),
    )


@router.get("/alerts", summary="Alerts that were told", responses=documented(422))
def alerts(
    services: ServicesHere,
    since: Annotated[Instant, Query(description="Only later ones.")] = 0.0,
    limit: Annotated[int, Query(ge=1, le=MOST_ALERTS, description="The most.")] = 100,
) -> list[Told]:
    """The newest first."""
    return [Told.of(alert) for alert in services.store.alerts(since=since, limit=limit)]


class Request(Question):
    """Whose readings are to be deleted: whoever was seen then and there."""

    begin: Instant
    end: Instant
    camera: str | None = Field(
        default=None, max_length=64, description="Only of this camera; of all without."
    )


class Forgotten(Value):
    """What was deleted."""

    readings: int


@router.post(
    "/forget",
    summary="Delete single readings on somebody's request",
    responses=documented(400, 403, 422),
)
def forget(body: Request, services: ServicesHere, _: Manager) -> Forgotten:
    """No identity is kept, so a person is found by time and camera; for managers."""
    check_span(body.begin, body.end, 400 * DAY, "readings")
    gone = services.store.erase(begin=body.begin, end=body.end, camera=body.camera)
    return Forgotten(readings=gone)


def _check_size(services: Services, steps: float, camera: str | None, zone: str) -> None:
    cameras = services.configuration.settings.cameras
    chosen = [one for key, one in cameras.items() if camera in (None, key)]
    series = sum(1 + len(one.zones) if zone == "*" else 1 for one in chosen)
    if steps * max(1, series) > MOST_SUMS:
        raise HTTPException(400, "That is too much at once; ask for one camera or less time.")


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
    # one second alone is more than was asked for: it is not torn apart
    second = store.readings(begin=cut, end=cut + 1, camera=camera, limit=MOST_READINGS)
    return list(second), cut + 1

"""Whether it lives, whether it is ready, and its figures for Prometheus."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from sentistream.monitor.api.access import ServicesHere, viewer
from sentistream.monitor.api.metrics import Metrics
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.values import Value
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import CameraState
from sentistream.monitor.services import Services

router = APIRouter(tags=["Service"])

_LOOK_SECONDS = 5.0
_PATIENCE = 2.0


class State(Value):
    """How the monitor does, in a word."""

    status: Literal["ok", "degraded"]


class Readiness(Value):
    """Whether it does its work."""

    ready: bool
    store: bool = Field(description="Whether readings can be stored.")
    cameras: int = Field(description="How many cameras run.")


class StoreWatch:
    """Asks the store how it is, seldom, whoever wants to know."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking = asyncio.Lock()
        self._known: tuple[bool, float] = False, float("-inf")

    async def is_writable(self) -> bool:
        """As of the last seconds."""
        async with self._asking:
            if time.monotonic() - self._known[1] > _LOOK_SECONDS:
                well = False
                # a database that hangs is not well, and must not make this hang too
                with anyio.move_on_after(_PATIENCE):
                    well = await anyio.to_thread.run_sync(
                        self._store.is_writable, abandon_on_cancel=True
                    )
                self._known = well, time.monotonic()
            return self._known[0]


@router.get("/health", summary="Whether it lives", responses={429: documented()[429]})
async def health(request: Request, services: ServicesHere) -> State:
    """Open to everybody, and tells nothing but this.

    ``degraded``: it lives, but nothing is stored, or no camera of those that should runs.
    """
    well = await _watch(request).is_writable() and (_running(services) > 0 or _resting(services))
    return State(status="ok" if well else "degraded")


@router.get(
    "/ready",
    summary="Whether it does its work",
    dependencies=[Depends(viewer)],
    responses={**documented(), 503: {"model": Readiness, "description": "It does not."}},
)
async def ready(request: Request, response: Response, services: ServicesHere) -> Readiness:
    """503 where readings cannot be stored or no camera runs, unless all rest by their hours."""
    store, running = await _watch(request).is_writable(), _running(services)
    is_ready = store and (running > 0 or _resting(services))
    response.status_code = 200 if is_ready else 503
    return Readiness(ready=is_ready, store=store, cameras=running)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[Depends(viewer)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented()},
)
def metrics(request: Request) -> Response:
    """Of each camera, the store and the process; send a token as Authorization: Bearer."""
    figures: Metrics = request.app.state.metrics
    return Response(figures.text(), media_type=figures.media_type)


def _watch(request: Request) -> StoreWatch:
    watch: StoreWatch = request.app.state.store_watch
    return watch


def _running(services: Services) -> int:
    return sum(one.state is CameraState.RUNNING for one in services.bus.health())


def _resting(services: Services) -> bool:
    """Whether there is nothing that should run."""
    resting = (CameraState.PAUSED, CameraState.STOPPED)
    states = [one.state for one in services.bus.health()]
    return bool(states) and all(state in resting for state in states)

"""Liveness, readiness and metrics for Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from pydantic import Field

from sentistream.monitor.api.auth import ServicesDep, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import ResponseBody
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import CameraState
from sentistream.monitor.services import Services

router: APIRouter = APIRouter(tags=["Service"])

_CHECK_INTERVAL = 5.0
_PATIENCE = 2.0


class State(ResponseBody):
    """The monitor's state, in a word."""

    status: Literal["ok", "degraded"]


class Readiness(ResponseBody):
    """Whether it works."""

    ready: bool
    store: bool = Field(description="Whether readings can be stored.")
    cameras: int = Field(description="How many cameras run.")


class StoreHealth:
    """Caches the store's state, so that it is queried rarely."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking = asyncio.Lock()
        self._known: tuple[bool, float] = False, float("-inf")

    async def is_writable(self) -> bool:
        """As of the last seconds."""
        async with self._asking:
            if time.monotonic() - self._known[1] > _CHECK_INTERVAL:
                well = False
                # a hanging database is unhealthy, and must not make this hang, too
                with anyio.move_on_after(_PATIENCE):
                    well = await anyio.to_thread.run_sync(
                        self._store.is_writable, abandon_on_cancel=True
                    )
                self._known = well, time.monotonic()
            return self._known[0]


@router.get("/health", summary="Whether it lives", responses={429: documented()[429]})
async def health(request: Request, services: ServicesDep) -> State:
    """Public; reveals nothing else.

    ``degraded``: it is alive, but nothing is stored, or none of the cameras that should run
    does.
    """
    well = await _watch(request).is_writable() and (_running(services) > 0 or _resting(services))
    return State(status="ok" if well else "degraded")


@router.get(
    "/ready",
    summary="Whether it does its work",
    dependencies=[Depends(viewer)],
    responses={**documented(), 503: {"model": Readiness, "description": "It does not."}},
)
async def ready(request: Request, response: Response, services: ServicesDep) -> Readiness:
    """503 if readings cannot be stored or no camera runs, unless all are outside their hours."""
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
    """For each camera, the store and the process; send a token as Authorization: Bearer."""
    figures: Metrics = request.app.state.metrics
    return Response(figures.text(), media_type=figures.media_type)


def _watch(request: Request) -> StoreHealth:
    watch: StoreHealth = request.app.state.store_health
    return watch


def _running(services: Services) -> int:
    return sum(one.state is CameraState.RUNNING for one in services.bus.health())


def _resting(services: Services) -> bool:
    """Whether there is nothing that should run."""
    resting = (CameraState.PAUSED, CameraState.STOPPED)
    states = [one.state for one in services.bus.health()]
    return bool(states) and all(state in resting for state in states)


Counters = Callable[[], Mapping[str, float]]
"""The store writer's counters by name, since the start."""


class Metrics:
    """All metrics, read on request.

    Args:
        hub: The event bus.
        counters: The store writer's; None without one.
        headquarters: Receives the sites' messages; None if this is not a headquarters.
    """

    media_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(
        self, bus: EventBus, counters: Counters | None, headquarters: Headquarters | None = None
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Cameras(bus))
        if counters is not None:
            self._registry.register(_Counted(counters))
        if headquarters is not None:
            self._registry.register(_Received(headquarters))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them now."""
        return generate_latest(self._registry)


class _Cameras(Collector):
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def collect(self) -> Iterable[Metric]:
        name, health = "sentistream_camera_", self._bus.health()
        states = GaugeMetricFamily(
            f"{name}state", "1 for what the camera is doing.", labels=["camera", "state"]
        )
        for one in health:
            for state in CameraState:
                states.add_metric([one.camera, state.value], float(one.state is state))
        yield states
        for label, text, gauge in (
            ("moments_per_second", "Moments analyzed in a second.", "moments_per_second"),
            ("tick_seconds", "Seconds between moments.", "tick"),
            ("latency_seconds", "From picture to reading, 95th percentile.", "latency"),
            ("last_picture_timestamp_seconds", "When the newest picture came.", "last_picture"),
        ):
            gauges = GaugeMetricFamily(f"{name}{label}", text, labels=["camera"])
            for one in health:
                value = getattr(one, gauge)
                if value is not None:
                    gauges.add_metric([one.camera], value)
            yield gauges
        for label, text, counter in (
            ("dropped_moments", "Moments dropped because they came too fast.", "dropped"),
            ("damaged", "Packets or pictures that could not be decoded.", "damaged"),
            ("restarts", "Times it was started again.", "restarts"),
        ):
            counters = CounterMetricFamily(f"{name}{label}", text, labels=["camera"])
            for one in health:
                counters.add_metric([one.camera], getattr(one, counter))
            yield counters
        yield GaugeMetricFamily(
            "sentistream_subscribers", "Listeners to events.", value=self._bus.subscribers
        )
        yield CounterMetricFamily(
            "sentistream_subscriber_drops",
            "Events dropped because a listener was slow.",
            value=self._bus.dropped,
        )


class _Counted(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        for name, value in sorted(self._counters().items()):
            yield CounterMetricFamily(
                f"sentistream_store_{name}", f"The store's writer: {name}.", value=value
            )


class _Received(Collector):
    def __init__(self, headquarters: Headquarters) -> None:
        self._headquarters = headquarters

    def collect(self) -> Iterable[Metric]:
        name, receiver = "sentistream_headquarters_", self._headquarters.receiver
        yield CounterMetricFamily(
            f"{name}messages_stored", "Messages of shops that were stored.", value=receiver.stored
        )
        yield CounterMetricFamily(
            f"{name}messages_deferred",
            "Messages left to be sent again, because too many waited.",
            value=receiver.deferred,
        )
        refused = CounterMetricFamily(
            f"{name}messages_refused", "Messages that were refused, by reason.", labels=["reason"]
        )
        for reason, count in sorted(receiver.refused.items()):
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily(
            f"{name}messages_waiting", "Messages that wait to be stored.", value=receiver.waiting
        )
        yield GaugeMetricFamily(
            f"{name}broker_connected",
            "Whether the broker is reached.",
            value=float(self._headquarters.is_connected),
        )

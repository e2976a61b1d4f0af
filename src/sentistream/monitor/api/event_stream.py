"""Events as they happen, over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, WebSocket
from pydantic import BaseModel, Field
from starlette.websockets import WebSocketDisconnect

from sentistream.monitor.api.auth import ServicesDep, Viewer, viewer
from sentistream.monitor.api.schemas import (
    AcknowledgementEvent,
    AlertEvent,
    Health,
    LatestObservation,
    SingleReading,
)
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.event_bus import Event
from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    CameraHealth,
    Observation,
    Seconds,
)
from sentistream.monitor.services import Services

router: APIRouter = APIRouter(prefix="/api", tags=["Now"], dependencies=[Depends(viewer)])

QUEUE_SIZE = 256
"""Events queued for a slow subscriber; beyond that the oldest are dropped."""

MAX_SUBSCRIBERS = 128
"""Most simultaneous subscribers."""

Kind = Literal["observation", "health", "alert", "acknowledgement", "reading"]
KINDS: dict[str, type[Event]] = {
    "observation": Observation,
    "health": CameraHealth,
    "alert": Alert,
    "acknowledgement": Acknowledgement,
    "reading": Seconds,
}


class Message(BaseModel):
    """One message: its kind and content."""

    kind: Literal["observation", "health", "alert", "acknowledgement", "reading", "dropped"]
    observation: LatestObservation | None = None
    health: Health | None = None
    alert: AlertEvent | None = None
    acknowledgement: AcknowledgementEvent | None = None
    reading: SingleReading | None = None
    dropped: int | None = Field(
        default=None, description="How many messages were dropped before the next one."
    )


@router.websocket("/events")
async def events(
    websocket: WebSocket,
    services: ServicesDep,
    identity: Viewer,
    kinds: Annotated[str, Query(max_length=100)] = "observation,health,alert",
) -> None:
    """JSON messages; ``kinds`` selects, separated by commas. Single readings are for managers."""
    wanted = {kind for kind in kinds.split(",") if kind}
    forbidden = "reading" in wanted and not identity.user.is_manager
    if not wanted or wanted - KINDS.keys() or forbidden:
        reason = "Single readings are for managers." if forbidden else "There is no such kind."
        await websocket.close(4403 if forbidden else 4400, reason)
        return
    places: asyncio.Semaphore = websocket.app.state.listeners
    if places.locked():
        await websocket.close(4429, "Too many listen.")
        return
    async with places:
        await _forward(websocket, services, [KINDS[kind] for kind in sorted(wanted)])


async def _forward(websocket: WebSocket, services: Services, kinds: list[type[Event]]) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # the publisher must not fail because of a server that has just ended
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(arrived.set)

    reported_dropped = 0
    # an accepted client misses nothing from then on
    with services.bus.subscribe(*kinds, depth=QUEUE_SIZE, wake=wake) as subscription:
        await websocket.accept()
        gone = asyncio.create_task(_until_gone(websocket, arrived))
        try:
            while True:
                await arrived.wait()
                if gone.done():
                    return
                arrived.clear()
                taken = subscription.take(0)
                if subscription.dropped > reported_dropped:
                    missed = subscription.dropped - reported_dropped
                    reported_dropped += missed
                    await _send(websocket, Message(kind="dropped", dropped=missed))
                for event in taken:
                    for message in _messages(event, services):
                        await _send(websocket, message)
        except WebSocketDisconnect:
            return
        finally:
            gone.cancel()


async def _until_gone(websocket: WebSocket, arrived: asyncio.Event) -> None:
    try:
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass
    finally:
        arrived.set()


async def _send(websocket: WebSocket, message: Message) -> None:
    await websocket.send_text(message.model_dump_json(exclude_unset=True))


def _messages(event: Event, services: Services) -> list[Message]:
    settings = services.configuration.settings
    if isinstance(event, Observation | Seconds) and not is_own_camera(event.camera, settings):
        return []  # a visitor's readings are only for the visitor
    if isinstance(event, Observation):
        return [Message(kind="observation", observation=LatestObservation.of(event))]
    if isinstance(event, CameraHealth):
        reason = (
            SecretMasks(services.configuration.settings).redact(event.reason)
            if event.reason
            else ""
        )
        return [Message(kind="health", health=Health.of(event, reason))]
    if isinstance(event, Alert):
        return [Message(kind="alert", alert=AlertEvent.of(event))]
    if isinstance(event, Acknowledgement):
        acknowledged = AcknowledgementEvent.of(event)
        return [Message(kind="acknowledgement", acknowledgement=acknowledged)]
    if isinstance(event, Seconds):
        return [
            Message(kind="reading", reading=SingleReading.of(reading)) for reading in event.readings
        ]
    return []

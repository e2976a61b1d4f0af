"""Alerts over REST: active and past ones, notifications, acknowledgements; and channels."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import Field

from sentistream.monitor.alerts import incidents
from sentistream.monitor.api.auth import Manager, ServicesDep, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import (
    AcknowledgementEvent,
    AlertEvent,
    DeliveryResult,
    Incident,
    Instant,
    ResponseBody,
)
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.notify.channels import Medium, channels, find_channel, send_test
from sentistream.monitor.observations import Delivery
from sentistream.monitor.services import Services
from sentistream.monitor.translation import language_of, translator

router: APIRouter = APIRouter(prefix="/api", tags=["Alerts"], dependencies=[Depends(viewer)])

MAX_ALERTS = 1000
"""Most alerts in a response."""

MAX_DELIVERIES = 1000
"""Most deliveries in a response."""

IncidentId = Annotated[
    str, Path(pattern=r"^[a-z0-9-]{1,32}$", description="The incident of an alert.")
]
ChannelKey = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,32}$", description="The channel's key.")]


@router.get("/alerts", summary="Alerts that started and ended", responses=documented(422))
def alerts(
    services: ServicesDep,
    since: Annotated[Instant, Query(description="Only later ones.")] = 0.0,
    limit: Annotated[int, Query(ge=1, le=MAX_ALERTS, description="The most.")] = 100,
) -> list[AlertEvent]:
    """The newest first."""
    return [AlertEvent.of(alert) for alert in services.store.alerts(since=since, limit=limit)]


@router.get("/alerts/active", summary="Alerts that are active now", responses=documented())
def active(services: ServicesDep) -> list[AlertEvent]:
    """The newest first; also while the database does not answer."""
    return [AlertEvent.of(alert) for alert in services.bus.active_alerts()]


@router.get(
    "/alerts/{incident}", summary="One alert, and who was told", responses=documented(404, 422)
)
def incident(request: Request, services: ServicesDep, incident: IncidentId) -> Incident:
    """Its start, its end, who acknowledged it, and the delivery of each message about it."""
    found = incidents.find(services.store, services.bus, incident)
    if found is None:
        raise HTTPException(404, "There is no such alert.")
    return Incident(
        begin=AlertEvent.of(found.begin),
        end=None if found.end is None else AlertEvent.of(found.end),
        acknowledgement=None
        if found.acknowledgement is None
        else AcknowledgementEvent.of(found.acknowledgement),
        deliveries=[_delivery_result(request, services, each) for each in found.deliveries],
    )


@router.post(
    "/alerts/{incident}/acknowledge",
    summary="Say that somebody takes care of an alert",
    responses=documented(403, 404, 422),
)
def acknowledge(
    services: ServicesDep, identity: Manager, incident: IncidentId
) -> AcknowledgementEvent:
    """Reminders end; the first to acknowledge is recorded. For managers."""
    given = incidents.acknowledge(
        services.store, services.bus, incident, user=identity.user.name, now=time.time()
    )
    if given is None:
        raise HTTPException(404, "There is no such alert.")
    return AcknowledgementEvent.of(given)


@router.get(
    "/deliveries", summary="Messages, and what became of them", responses=documented(403, 422)
)
def deliveries(
    request: Request,
    services: ServicesDep,
    _: Manager,
    limit: Annotated[int, Query(ge=1, le=MAX_DELIVERIES, description="The most.")] = 100,
) -> list[DeliveryResult]:
    """For all alerts, digests and tests, the newest first; for managers."""
    found = services.store.deliveries(limit=limit)
    return [_delivery_result(request, services, each) for each in found]


class ChannelDescription(ResponseBody):
    """A channel of the settings."""

    key: str
    medium: Medium
    name: str
    events: list[str] = Field(description="What is sent.")


@router.get("/channels", summary="Whom messages go to", responses=documented(403))
def list_channels(services: ServicesDep, _: Manager) -> list[ChannelDescription]:
    """E-mail, ntfy topics and webhooks, without their secrets; for managers."""
    return [
        ChannelDescription(
            key=one.key, medium=one.medium, name=one.name, events=list(one.settings.events)
        )
        for one in channels(services.configuration.settings)
    ]


@router.post(
    "/channels/{channel}/test",
    summary="Send a test message",
    responses=documented(403, 404, 422),
)
def test_channel(
    request: Request, services: ServicesDep, _: Manager, channel: ChannelKey
) -> DeliveryResult:
    """Immediately, once, regardless of quiet hours; ``reason`` says what went wrong. For
    managers."""
    settings = services.configuration.settings
    found = find_channel(settings, channel)
    if found is None:
        raise HTTPException(404, "There is no such channel.")
    page = settings.server.public_url or str(request.base_url)
    delivery = send_test(found, translator(settings.language), page=page.rstrip("/"))
    services.bus.publish(delivery)
    return _delivery_result(request, services, delivery)


def _delivery_result(request: Request, services: Services, delivery: Delivery) -> DeliveryResult:
    tr = translator(language_of(request, SOURCE))
    masks = SecretMasks(services.configuration.settings)
    return DeliveryResult.of(delivery, masks.redact(tr.translate(delivery.reason)))

"""One alert from start to end, with who acknowledged it and who was notified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import Acknowledgement, Alert, Delivery


@dataclass(frozen=True, slots=True)
class Incident:
    """One alert.

    Attributes:
        begin: Its start.
        end: Its end; None while it is active.
        acknowledgement: Who has acknowledged it; None if nobody has.
        deliveries: The messages about it, the newest first.
    """

    begin: Alert
    end: Alert | None
    acknowledgement: Acknowledgement | None
    deliveries: Sequence[Delivery]


def find(store: Store, bus: EventBus, incident: str) -> Incident | None:
    """The alert with an id; None if there is none.

    Raises:
        StorageError: The database does not answer.
    """
    found = store.alerts(incident=incident, limit=2) if incident else ()
    begin = next((alert for alert in found if alert.active), None) or _active(bus, incident)
    if begin is None:
        return None
    return Incident(
        begin=begin,
        end=next((alert for alert in found if not alert.active), None),
        acknowledgement=store.acknowledgements([incident]).get(incident),
        deliveries=store.deliveries(incident=incident),
    )


def acknowledge(
    store: Store, bus: EventBus, incident: str, *, user: str, now: float
) -> Acknowledgement | None:
    """Stores and publishes an acknowledgement; None if there is no such alert.

    Raises:
        StorageError: The database does not answer.
    """
    if _active(bus, incident) is None and not store.alerts(incident=incident, limit=1):
        return None
    given = store.acknowledge(Acknowledgement(incident=incident, user=user, time=now))
    bus.publish(given)
    return given


def _active(bus: EventBus, incident: str) -> Alert | None:
    return next((alert for alert in bus.active_alerts() if alert.incident == incident), None)

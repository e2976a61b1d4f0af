"""Relays deliveries of messages about shops to the monitor's log."""

from __future__ import annotations

from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.observations import Delivery
from sentistream.monitor.subscriber import Subscriber


class DeliveryRelay(Subscriber):
    """Publishes the deliveries of one bus on another.

    Args:
        source: The bus of the shops' alerts.
        target: The monitor's own.
    """

    def __init__(self, source: EventBus, target: EventBus) -> None:
        super().__init__(source, [Delivery], name="delivery-relay")
        self._target = target

    def handle(self, event: Event) -> None:
        """Publishes it."""
        self._target.publish(event)

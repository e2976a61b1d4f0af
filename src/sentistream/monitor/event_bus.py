"""The event bus inside the server process: cameras publish; store, page, alerts and MQTT subscribe.

A slow subscriber delays nobody: each has its own bounded queue that drops its oldest events and
counts them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    CameraHealth,
    Delivery,
    Observation,
    Preview,
    Seconds,
)

Event = Observation | CameraHealth | Seconds | Alert | Acknowledgement | Delivery
"""The events that are published."""

DEPTH = 256
"""Events queued for one subscriber; beyond that the oldest are dropped."""


class Subscription:
    """One subscriber's queue of events, oldest first; a context manager that closes it.

    Attributes:
        dropped: Events that were dropped because they were not read in time.
    """

    def __init__(
        self,
        event_types: tuple[type[Event], ...],
        depth: int,
        on_close: Callable[[Subscription], None],
        wake: Callable[[], None] | None,
    ) -> None:
        self.dropped: int = 0
        self._event_types = event_types
        self._waiting: deque[Event] = deque()
        self._depth = depth
        self._on_close = on_close
        self._wake = wake
        self._changed = threading.Condition()
        self._closed = False

    def take(self, timeout: float | None = None) -> list[Event]:
        """All queued events, waiting up to ``timeout`` seconds for the first.

        Empty if none came in time, or after ``close``.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def close(self) -> None:
        """Unsubscribes and wakes waiting threads; safe to call twice and from any thread."""
        self._on_close(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def put(self, event: Event) -> None:
        """Queues an event if it is of a subscribed type."""
        if not isinstance(event, self._event_types):
            return
        with self._changed:
            if self._closed:
                return
            if len(self._waiting) >= self._depth:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(event)
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EventBus:
    """Delivers events; remembers each camera's newest state and the active alerts.

    Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._observations: dict[str, Observation] = {}
        self._health: dict[str, CameraHealth] = {}
        self._previews: dict[str, Preview] = {}
        self._alerts: dict[str, Alert] = {}
        self._acknowledged: dict[str, Acknowledgement] = {}
        self._dropped = 0

    @property
    def subscribers(self) -> int:
        """The current number of subscriptions."""
        return len(self._subscriptions)

    @property
    def dropped(self) -> int:
        """Events dropped because a subscriber did not read them in time."""
        with self._lock:
            return self._dropped + sum(one.dropped for one in self._subscriptions)

    def subscribe(
        self,
        *event_types: type[Event],
        depth: int = DEPTH,
        wake: Callable[[], None] | None = None,
    ) -> Subscription:
        """Subscribes to events of these types from now on.

        Args:
            event_types: At least one.
            depth: Events that may be queued.
            wake: Called from the publisher's thread whenever an event was queued, for subscribers
                in an event loop: ``lambda: loop.call_soon_threadsafe(event.set)``.
        """
        subscription = Subscription(event_types, depth, self._unsubscribe, wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, event: Event) -> None:
        """Queues an event for all subscribers to its type; never waits for any of them."""
        with self._lock:
            if isinstance(event, Observation):
                self._observations[event.camera] = event
            elif isinstance(event, CameraHealth):
                self._health[event.camera] = event
            elif isinstance(event, Alert):
                self._remember_alert(event)
            elif isinstance(event, Acknowledgement) and event.incident in self._alerts:
                self._acknowledged[event.incident] = event
            subscriptions = self._subscriptions
        for subscription in subscriptions:
            subscription.put(event)

    def set_preview(self, camera: str, preview: Preview | None) -> None:
        """Replaces or drops a camera's live picture; live pictures are not queued as events."""
        with self._lock:
            if preview is None:
                self._previews.pop(camera, None)
            else:
                self._previews[camera] = preview

    def forget_camera(self, camera: str) -> None:
        """Forgets a camera that was removed."""
        with self._lock:
            self._observations.pop(camera, None)
            self._health.pop(camera, None)
            self._previews.pop(camera, None)

    def observation(self, camera: str) -> Observation | None:
        """A camera's newest observation; None before the first."""
        with self._lock:
            return self._observations.get(camera)

    def health(self) -> Sequence[CameraHealth]:
        """Every camera's health, by key."""
        with self._lock:
            return [self._health[key] for key in sorted(self._health)]

    def active_alerts(self) -> Sequence[Alert]:
        """The alerts that have started and not ended, the newest first."""
        with self._lock:
            return sorted(self._alerts.values(), key=lambda alert: alert.time, reverse=True)

    def acknowledgement(self, incident: str) -> Acknowledgement | None:
        """Who has acknowledged an active alert; None if nobody has."""
        with self._lock:
            return self._acknowledged.get(incident)

    def preview(self, camera: str) -> Preview | None:
        """A camera's newest live picture; None without one."""
        with self._lock:
            return self._previews.get(camera)

    def _remember_alert(self, alert: Alert) -> None:
        if alert.active:
            self._alerts[alert.incident] = alert
        else:
            self._alerts.pop(alert.incident, None)
            self._acknowledged.pop(alert.incident, None)

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._dropped += subscription.dropped
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

"""Where everything that happens meets everybody who wants to know, inside the one server process.

Cameras report; the store, the page, alerts and brokers subscribe. Nobody waits for a slow
listener: each has a bounded queue of its own that drops its oldest and counts them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sentistream.monitor.observations import (
    Alert,
    CameraHealth,
    Observation,
    Seconds,
)

Event = Observation | CameraHealth | Seconds | Alert
"""What is published."""

DEPTH = 256
"""Events that wait for one listener; the oldest are dropped beyond."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A camera's newest live picture, people blurred unless the settings say otherwise.

    Attributes:
        jpeg: The picture.
        time: Wall-clock seconds (UTC) at which it was taken.
    """

    jpeg: bytes
    time: float


class Subscription:
    """One listener's events, oldest first; a context manager that ends it.

    Attributes:
        dropped: How many were dropped because they were not taken in time.
    """

    def __init__(
        self,
        kinds: tuple[type[Event], ...],
        depth: int,
        leave: Callable[[Subscription], None],
        wake: Callable[[], None] | None,
    ) -> None:
        self.dropped = 0
        self._kinds = kinds
        self._waiting: deque[Event] = deque()
        self._depth = depth
        self._leave = leave
        self._wake = wake
        self._changed = threading.Condition()
        self._closed = False

    def take(self, timeout: float | None = None) -> list[Event]:
        """Everything that has come, waiting up to ``timeout`` seconds for the first.

        Empty when nothing came in time, or when it was closed.
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
        """Ends it and wakes whoever waits; safe to call twice and from another thread."""
        self._leave(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def put(self, event: Event) -> None:
        """Takes in what is published, if it is of its kinds."""
        if not isinstance(event, self._kinds):
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Hub:
    """Publishes events and remembers the newest of each camera; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._observations: dict[str, Observation] = {}
        self._health: dict[str, CameraHealth] = {}
        self._previews: dict[str, Preview] = {}
        self._dropped = 0

    @property
    def subscribers(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    @property
    def dropped(self) -> int:
        """Events that were dropped because some listener did not take them in time."""
        with self._lock:
            return self._dropped + sum(one.dropped for one in self._subscriptions)

    def subscribe(
        self,
        *kinds: type[Event],
        depth: int = DEPTH,
        wake: Callable[[], None] | None = None,
    ) -> Subscription:
        """Events of these kinds from now on.

        Args:
            kinds: Types of events; at least one.
            depth: How many may wait.
            wake: Called from the publisher's thread whenever something came, for listeners in
                an event loop: ``lambda: loop.call_soon_threadsafe(event.set)``.
        """
        subscription = Subscription(kinds, depth, self._leave, wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, event: Event) -> None:
        """Hands an event to all who asked for its kind; never waits for any of them."""
        with self._lock:
            if isinstance(event, Observation):
                self._observations[event.camera] = event
            elif isinstance(event, CameraHealth):
                self._health[event.camera] = event
            subscriptions = self._subscriptions
        for subscription in subscriptions:
            subscription.put(event)

    def show(self, camera: str, preview: Preview | None) -> None:
        """Replaces a camera's live picture, or drops it; previews are looked at, not queued."""
        with self._lock:
            if preview is None:
                self._previews.pop(camera, None)
            else:
                self._previews[camera] = preview

    def forget(self, camera: str) -> None:
        """A camera is no more."""
        with self._lock:
            self._observations.pop(camera, None)
            self._health.pop(camera, None)
            self._previews.pop(camera, None)

    def observation(self, camera: str) -> Observation | None:
        """Its newest moment; None before the first."""
        with self._lock:
            return self._observations.get(camera)

    def health(self) -> Sequence[CameraHealth]:
        """Of every camera, by key."""
        with self._lock:
            return [self._health[key] for key in sorted(self._health)]

    def preview(self, camera: str) -> Preview | None:
        """Its newest live picture; None without one."""
        with self._lock:
            return self._previews.get(camera)

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._dropped += subscription.dropped
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

"""A thread that handles bus events: the base of alerts, MQTT and webhooks."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sentistream.monitor.event_bus import Event, EventBus, Subscription

DEPTH = 1024
"""Events queued for such a thread; beyond that the oldest are dropped."""

_log = logging.getLogger(__name__)


class Subscriber(ABC):
    """Handles events in its own thread; a context manager.

    An error with one event is logged and does not end the thread.

    Args:
        bus: Where the events come from.
        event_types: Which to subscribe to.
        name: The thread's.
        depth: Events that may be queued; beyond that the oldest are dropped.
        interval: Seconds after which ``tick`` is called if no event comes.
    """

    def __init__(
        self,
        bus: EventBus,
        event_types: Sequence[type[Event]],
        *,
        name: str,
        depth: int = DEPTH,
        interval: float = 1.0,
    ) -> None:
        self.bus = bus
        self._event_types = tuple(event_types)
        self._depth = depth
        self._interval = interval
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Handles one event; called in order."""

    def tick(self) -> None:  # noqa: B027
        """Called after each batch of events, and at each interval without any."""

    def finish(self) -> None:  # noqa: B027
        """Called last, in the thread."""

    @property
    def dropped(self) -> int:
        """Events that came faster than they were handled."""
        return 0 if self._subscription is None else self._subscription.dropped

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Subscribes; earlier events are not seen."""
        self._subscription = self.bus.subscribe(*self._event_types, depth=self._depth)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Stops the thread; waits at most ``timeout`` seconds for it. Safe to call twice."""
        if self._subscription is None:
            return
        self._subscription.close()
        self._thread.join(timeout)

    def _run(self) -> None:
        subscription = self._subscription
        assert subscription is not None  # noqa: S101
        dropped = 0
        while not subscription.closed:
            if subscription.dropped > dropped:
                dropped = subscription.dropped
                _log.warning(
                    "%s was too slow: %d events dropped so far", self._thread.name, dropped
                )
            for event in subscription.take(self._interval):
                self._guarded(event)
            self._guarded(None)
        try:
            self.finish()
        except Exception:
            _log.exception("the last step failed")

    def _guarded(self, event: Event | None) -> None:
        try:
            if event is None:
                self.tick()
            else:
                self.handle(event)
        except Exception:
            _log.exception("an event could not be handled")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

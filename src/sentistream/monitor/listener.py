"""A thread that lives off the hub: what alerts and messengers have in common."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sentistream.monitor.hub import Event, Hub, Subscription

DEPTH = 1024
"""Events that wait for such a thread; the oldest are dropped beyond."""

_log = logging.getLogger(__name__)


class Listener(ABC):
    """Takes in the hub's events in a thread of its own; a context manager.

    What goes wrong with one event is logged and does not end the thread.

    Args:
        hub: Where events come from.
        kinds: Which are listened to.
        name: The thread's.
        depth: How many may wait; the oldest are dropped beyond.
        pause: Seconds after which ``tick`` is called even when nothing has come.
    """

    def __init__(
        self,
        hub: Hub,
        kinds: Sequence[type[Event]],
        *,
        name: str,
        depth: int = DEPTH,
        pause: float = 1.0,
    ) -> None:
        self.hub = hub
        self._kinds = tuple(kinds)
        self._depth = depth
        self._pause = pause
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Takes in one event, oldest first."""

    def tick(self) -> None:  # noqa: B027
        """Called after each batch of events, and every pause where none come."""

    def finish(self) -> None:  # noqa: B027
        """Called last, in the thread."""

    @property
    def dropped(self) -> int:
        """How many events came faster than they were taken in."""
        return 0 if self._subscription is None else self._subscription.dropped

    def start(self) -> None:
        """Begins to listen; events of before are not seen."""
        self._subscription = self.hub.subscribe(*self._kinds, depth=self._depth)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Ends; waits at most ``timeout`` seconds for it. Safe to call twice."""
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
            for event in subscription.take(self._pause):
                self._guarded(event)
            self._guarded(None)
        try:
            self.finish()
        except Exception:
            _log.exception("ending failed")

    def _guarded(self, event: Event | None) -> None:
        try:
            if event is None:
                self.tick()
            else:
                self.handle(event)
        except Exception:
            _log.exception("an event could not be taken in")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""Carries what cameras report into the store, and keeps it while the database does not take it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import Alert, Seconds

LOG = logging.getLogger(__name__)

MOST = 200_000
"""Readings and seconds kept while the database is away: some 3.5 hours of four cameras with
three faces each, about 60 MB."""

GATHER = 0.2
"""Seconds to wait for the other cameras' seconds before they are written together."""

PATIENCE = (1.0, 2.0, 5.0, 10.0)
"""Seconds until it is tried again, the last from then on."""

AT_ONCE = 2_000
"""Readings and seconds written in one transaction."""

_QUEUE = 16_384
"""Events that may wait while a transaction takes its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterState:
    """How the writer does; one event is a camera's second or an alert.

    Attributes:
        written: Events in the database.
        waiting: Events not yet there.
        dropped: Events lost: too many waited, or the database can never take them.
        failures: How often writing failed.
        failing_since: Wall-clock second of the first failure; None while all is well.
        last_error: What went wrong last, in words for the owner; empty before the first.
    """

    written: int
    waiting: int
    dropped: int
    failures: int
    failing_since: float | None
    last_error: str


class StoreWriter:
    """Writes the bus's seconds and alerts into a store, from a thread of its own, from now on.

    Each second's readings are written as it ends. While the database is locked, full or gone,
    they wait in memory and are tried again with back-off; nothing is lost but what exceeds
    ``most``, the oldest first, and it is counted.

    Args:
        bus: Where seconds and alerts are published.
        store: Where they go.
        most: Readings and seconds that may wait.
        patience: Seconds from each failure to the next try; the last counts on.
    """

    def __init__(
        self,
        bus: EventBus,
        store: Store,
        *,
        most: int = MOST,
        patience: Sequence[float] = PATIENCE,
    ) -> None:
        self._store = store
        self._most = most
        self._patience = tuple(patience)
        self._kept: deque[Seconds | Alert] = deque()
        self._weight = 0
        self._written = self._dropped = self._failures = self._in_a_row = 0
        self._failing_since: float | None = None
        self._last_error = ""
        self._next_try = 0.0
        self._give_up: float | None = None
        self._closing = threading.Event()
        self._subscription = bus.subscribe(Seconds, Alert, depth=_QUEUE)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def state(self) -> WriterState:
        """Now."""
        return WriterState(
            written=self._written,
            waiting=len(self._kept),
            dropped=self._dropped + self._subscription.dropped,
            failures=self._failures,
            failing_since=self._failing_since,
            last_error=self._last_error,
        )

    def close(self, *, timeout: float = 10.0) -> None:
        """Writes what waits, trying for ``timeout`` seconds, and ends. Safe to call twice."""
        if not self._closing.is_set():
            self._give_up = time.monotonic() + timeout
            self._closing.set()
            self._subscription.close()
        self._thread.join(timeout + 30)

    def _run(self) -> None:
        while not self._closing.is_set():
            pause = self._next_try - time.monotonic() if self._kept else 1.0
            self._keep(self._subscription.take(max(pause, 0.01)))
            if self._kept and time.monotonic() >= self._next_try:
                self._closing.wait(GATHER)
                self._keep(self._subscription.take(0))
                self._write()
        self._keep(self._subscription.take(0))
        self._flush()

    def _flush(self) -> None:
        give_up = self._give_up or 0.0
        while self._kept:
            self._write()
            if self._kept and time.monotonic() >= give_up:
                self._dropped += len(self._kept)
                LOG.error(
                    "%d seconds and alerts were not stored: %s", len(self._kept), self._last_error
                )
                self._kept.clear()
            elif self._kept:
                time.sleep(0.2)

    def _keep(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Seconds | Alert):
                self._kept.append(event)
                self._weight += _weight(event)
        while self._weight > self._most:
            self._weight -= _weight(self._kept.popleft())
            self._dropped += 1

    def _write(self) -> None:
        """Writes all that waits, the oldest first, until the database fails."""
        while self._kept:
            some = self._oldest()
            try:
                try:
                    self._store_all(some)
                except StorageError:
                    raise
                except Exception:
                    # something in it is not fit to be stored: the others are
                    for event in some:
                        self._store_if_fit(event)
            except StorageError as error:
                self._failed(error)
                return
            self._recovered()

    def _oldest(self) -> list[Seconds | Alert]:
        some: list[Seconds | Alert] = []
        weight = 0
        for event in self._kept:
            weight += _weight(event)
            if some and weight > AT_ONCE:
                break
            some.append(event)
        return some

    def _store_all(self, events: Sequence[Seconds | Alert]) -> None:
        self._store.add([event for event in events if isinstance(event, Seconds)])
        for event in events:
            if isinstance(event, Alert):
                self._store.add_alert(event)
        self._remove(len(events))
        self._written += len(events)

    def _store_if_fit(self, event: Seconds | Alert) -> None:
        try:
            self._store_all([event])
        except StorageError:
            raise
        except Exception as error:
            self._remove(1)
            self._dropped += 1
            self._failures += 1
            kind = type(event).__name__
            self._last_error = f"{kind} of {event.camera} cannot be stored: {type(error).__name__}."
            LOG.error("%s", self._last_error)

    def _remove(self, count: int) -> None:
        for _ in range(count):
            self._weight -= _weight(self._kept.popleft())

    def _failed(self, error: StorageError) -> None:
        pause = self._patience[min(self._in_a_row, len(self._patience) - 1)]
        self._next_try = time.monotonic() + pause
        self._in_a_row += 1
        self._failures += 1
        self._last_error = str(error)
        if self._failing_since is None:
            self._failing_since = time.time()
            LOG.warning("%s Readings are kept in memory meanwhile.", error)

    def _recovered(self) -> None:
        if self._failing_since is not None:
            LOG.info("Readings are stored again after %.0f s.", time.time() - self._failing_since)
        self._failing_since = None
        self._in_a_row = 0
        self._next_try = 0.0


def _weight(event: Seconds | Alert) -> int:
    return 1 + (len(event.readings) if isinstance(event, Seconds) else 0)

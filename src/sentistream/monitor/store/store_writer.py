"""Writes the cameras' reports to the store, and buffers them while it is unavailable."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sentistream.backoff import Backoff
from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import Alert, Delivery, Seconds

LOG = logging.getLogger(__name__)

MAX_BUFFERED = 200_000
"""Readings and seconds buffered while the database is unavailable: about 3.5 hours of four cameras
with three faces each, 60 MB."""

BATCH_DELAY = 0.2
"""Seconds to wait for the other cameras' seconds, to write them in one transaction."""

RETRY_DELAYS = (1.0, 2.0, 5.0, 10.0)
"""Seconds before each retry; the last repeats."""

BATCH_SIZE = 2_000
"""Readings and seconds written in one transaction."""

_QUEUE_DEPTH = 16_384
"""Events that may queue while a transaction runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterState:
    """The writer's counters; an event is a camera's second, an alert or a delivery.

    Attributes:
        written: Events in the database.
        waiting: Events not written yet.
        dropped: Events lost: the buffer was full, or the database rejects them for good.
        failures: Failed writes.
        failing_since: Wall-clock second of the first failure; None while writing succeeds.
        last_error: The last failure, as a sentence for the owner; empty before the first.
    """

    written: int
    waiting: int
    dropped: int
    failures: int
    failing_since: float | None
    last_error: str


Stored = Seconds | Alert | Delivery
"""The events that are written."""


class StoreWriter:
    """Writes the bus's seconds, alerts and deliveries to a store, in its own thread.

    The readings of each second are written as it ends. While the database is locked, full or
    unreachable they wait in memory and are retried with back-off; only what exceeds
    ``max_buffered`` is lost, oldest first, and counted.

    Args:
        hub: Where seconds and alerts are published.
        store: Where they are written.
        max_buffered: Most readings and seconds to buffer.
        retry_delays: Seconds before each retry; the last repeats.
    """

    def __init__(
        self,
        bus: EventBus,
        store: Store,
        *,
        max_buffered: int = MAX_BUFFERED,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._store = store
        self._max_buffered = max_buffered
        self._backoff = Backoff(retry_delays)
        self._buffer: deque[Stored] = deque()
        self._weight = 0
        self._written = self._dropped = self._failures = 0
        self._failing_since: float | None = None
        self._last_error = ""
        self._next_try = 0.0
        self._deadline: float | None = None
        self._closing = threading.Event()
        self._subscription = bus.subscribe(Seconds, Alert, Delivery, depth=_QUEUE_DEPTH)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def state(self) -> WriterState:
        """The counters now."""
        return WriterState(
            written=self._written,
            waiting=len(self._buffer),
            dropped=self._dropped + self._subscription.dropped,
            failures=self._failures,
            failing_since=self._failing_since,
            last_error=self._last_error,
        )

    def close(self, *, timeout: float = 10.0) -> None:
        """Writes what waits, retrying for up to ``timeout`` seconds, and stops. Idempotent."""
        if not self._closing.is_set():
            self._deadline = time.monotonic() + timeout
            self._closing.set()
            self._subscription.close()
        self._thread.join(timeout + 30)

    def _run(self) -> None:
        while not self._closing.is_set():
            pause = self._next_try - time.monotonic() if self._buffer else 1.0
            self._enqueue(self._subscription.take(max(pause, 0.01)))
            if self._buffer and time.monotonic() >= self._next_try:
                self._closing.wait(BATCH_DELAY)
                self._enqueue(self._subscription.take(0))
                self._write()
        self._enqueue(self._subscription.take(0))
        self._flush()

    def _flush(self) -> None:
        deadline = self._deadline or 0.0
        while self._buffer:
            self._write()
            if self._buffer and time.monotonic() >= deadline:
                self._dropped += len(self._buffer)
                LOG.error(
                    "%d seconds and alerts were not stored: %s", len(self._buffer), self._last_error
                )
                self._buffer.clear()
            elif self._buffer:
                time.sleep(0.2)

    def _enqueue(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Stored):
                self._buffer.append(event)
                self._weight += _weight(event)
        while self._weight > self._max_buffered:
            self._weight -= _weight(self._buffer.popleft())
            self._dropped += 1

    def _write(self) -> None:
        """Writes everything that waits, oldest first, until the database fails."""
        while self._buffer:
            batch = self._next_batch()
            try:
                try:
                    self._store_batch(batch)
                except StorageError:
                    raise
                except Exception:
                    # an event in it cannot be stored; the others can
                    for event in batch:
                        self._store_one(event)
            except StorageError as error:
                self._failed(error)
                return
            self._recovered()

    def _next_batch(self) -> list[Stored]:
        batch: list[Stored] = []
        weight = 0
        for event in self._buffer:
            weight += _weight(event)
            if batch and weight > BATCH_SIZE:
                break
            batch.append(event)
        return batch

    def _store_batch(self, events: Sequence[Stored]) -> None:
        self._store.add([event for event in events if isinstance(event, Seconds)])
        for event in events:
            if isinstance(event, Alert):
                self._store.add_alert(event)
            elif isinstance(event, Delivery):
                self._store.add_delivery(event)
        self._remove(len(events))
        self._written += len(events)

    def _store_one(self, event: Stored) -> None:
        try:
            self._store_batch([event])
        except StorageError:
            raise
        except Exception as error:
            self._remove(1)
            self._dropped += 1
            self._failures += 1
            kind = type(event).__name__
            about = event.channel if isinstance(event, Delivery) else event.camera
            self._last_error = f"{kind} of {about} cannot be stored: {type(error).__name__}."
            LOG.error("%s", self._last_error)

    def _remove(self, count: int) -> None:
        for _ in range(count):
            self._weight -= _weight(self._buffer.popleft())

    def _failed(self, error: StorageError) -> None:
        self._next_try = time.monotonic() + self._backoff.next_delay()
        self._failures += 1
        self._last_error = str(error)
        if self._failing_since is None:
            self._failing_since = time.time()
            LOG.warning("%s Readings are kept in memory meanwhile.", error)

    def _recovered(self) -> None:
        if self._failing_since is not None:
            LOG.info("Readings are stored again after %.0f s.", time.time() - self._failing_since)
        self._failing_since = None
        self._backoff.reset()
        self._next_try = 0.0


def _weight(event: Stored) -> int:
    return 1 + (len(event.readings) if isinstance(event, Seconds) else 0)

"""A bounded queue between two threads, and sources that are read in their own thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from sentistream.media.source import Source
from sentistream.types import Moment

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """Holds at most ``depth`` items.

    Args:
        drop_oldest: When full, drop the oldest item instead of waiting for room.

    Attributes:
        dropped: How many items were dropped so far.
    """

    def __init__(self, depth: int, *, drop_oldest: bool = False) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._depth = depth
        self._drop_oldest = drop_oldest
        self._stopped = False
        self._ended = False
        self._error: BaseException | None = None
        self.dropped: int = 0

    def put(self, item: T) -> bool:
        """Add an item, waiting for room unless ``drop_oldest``; False once stopped."""
        with self._changed:
            if self._drop_oldest and len(self._items) >= self._depth:
                self._items.popleft()
                self.dropped += 1
            self._changed.wait_for(lambda: self._stopped or len(self._items) < self._depth)
            if not self._stopped:
                self._items.append(item)
                self._changed.notify_all()
            return not self._stopped

    def end(self, error: BaseException | None = None) -> None:
        """Called by the producer: no more items will come; ``error`` is raised after the last
        one."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T:
        """The next item, waiting for it; StopIteration at the end or once stopped.

        Args:
            timeout: Seconds to wait at most; None to wait indefinitely.

        Raises:
            TimeoutError: None came in time.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._items or self._ended or self._stopped, timeout
            ):
                raise TimeoutError
            if self._items and not self._stopped:
                self._changed.notify_all()
                return self._items.popleft()
            error, self._error = self._error, None
            if error is not None and not self._stopped:
                raise error
            raise StopIteration

    def stop(self) -> None:
        """Called by the consumer: no more items are wanted."""
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()


class QueuedSource(Source):
    """A source whose thread fills ``_queue``; counts the moments that were dropped.

    Those among them that were left out to catch up are in ``_caught_up``.
    """

    _queue: BoundedQueue[Moment]
    _caught_up: int = 0

    def __next__(self) -> Moment:
        try:
            return self._queue.take()
        finally:
            self.faults.dropped_moments = self._queue.dropped + self._caught_up

"""Bounded read-ahead in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Generic, Self, TypeVar

from sentistream.media.bounded_queue import BoundedQueue

T = TypeVar("T")


class prefetch(Generic[T], Iterator[T]):  # noqa: N801 - used like a function
    """Iterates ``iterable`` in a background thread, at most ``depth`` items ahead.

    Exceptions from the iterable are raised here, after the items before them. ``close`` (also on
    leaving a ``with`` block and on garbage collection) ends the thread once its current item
    is done; the iterable itself is closed if it is a generator.

    Raises:
        ValueError: ``depth`` is less than 1.
    """

    def __init__(self, iterable: Iterable[T], depth: int) -> None:
        if depth < 1:
            raise ValueError(f"A prefetch reads at least 1 item ahead, not {depth}.")
        self._shared: BoundedQueue[T] = BoundedQueue(depth)
        # the thread must not reference this object, or it would never be collected
        self._thread = threading.Thread(
            target=_fill, args=(iterable, self._shared), name="prefetch", daemon=True
        )
        self._thread.start()

    def __next__(self) -> T:
        return self._shared.take()

    def close(self) -> None:
        """Stop reading ahead and wait for the thread; iteration ends."""
        self._shared.stop()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_shared"):
            self._shared.stop()


def _fill(iterable: Iterable[T], shared: BoundedQueue[T]) -> None:
    try:
        iterator = iter(iterable)
        try:
            for item in iterator:
                if not shared.put(item):
                    break
        finally:
            if isinstance(iterator, Generator):  # let its finally blocks run
                iterator.close()
    except BaseException as error:
        shared.end(error)
    else:
        shared.end(None)

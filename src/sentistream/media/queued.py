"""What sources have in common that are read in a thread of their own."""

from __future__ import annotations

from sentistream.media.queue import BoundedQueue
from sentistream.media.source import Source
from sentistream.types import Moment


class QueuedSource(Source):
    """Hands out what its thread has put into ``_queue``, and counts what had to be dropped."""

    _queue: BoundedQueue[Moment]

    def __next__(self) -> Moment:
        try:
            return self._queue.take()
        finally:
            self.faults.dropped_moments = self._queue.dropped

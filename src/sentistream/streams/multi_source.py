"""Reads several sources at once, each in its own thread, for one thread to analyze."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sentistream.media import Source
from sentistream.types import Moment

PATIENCE = 0.25
"""Seconds for which a live source's moment waits for room before the oldest is dropped."""

BEGINNING = 3.0
"""Seconds at the start in which nothing waits: what is slow then is no overload."""


class DecodedMoment(NamedTuple):
    """A moment, and when it was decoded (seconds of the monotonic clock)."""

    moment: Moment
    decoded_at: float


class MultiSource:
    """Reads each source in its own thread and hands out the moments that are ready.

    A recording that is not read in time waits. A live source waits, too, but for no longer than
    ``PATIENCE``: what it decodes meanwhile would have to be dropped, and a source that is read too
    late leaves pictures out before they are decoded. Then it drops its oldest moments and counts
    them in its faults.

    Args:
        sources: By their numbers; closed with this.
        depth: Moments of each that may wait.
        admits: Whether a live source's moment is wanted at all, given its time and number; called
            in that source's thread.
    """

    def __init__(
        self,
        sources: Mapping[int, Source],
        depth: int,
        admits: Callable[[float, int], bool] = lambda _time, _number: True,
    ) -> None:
        # a condition for each source: a moment that is taken wakes its own thread alone
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._room = {number: threading.Condition(self._lock) for number in sources}
        self._patient_from = time.monotonic() + BEGINNING
        self._depth = depth
        self._admits = admits
        self._closed = False
        self._sources = dict(sources)
        self._waiting: dict[int, deque[DecodedMoment]] = {number: deque() for number in sources}
        self._ended: dict[int, BaseException | None] = {}
        self._threads = [
            threading.Thread(target=self._read, args=(number, source), daemon=True)
            for number, source in sources.items()
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> tuple[dict[int, DecodedMoment], dict[int, BaseException | None]]:
        """Waits until a moment is ready or a source has ended.

        Returns:
            At most one moment of each source, and the sources that have ended with their errors.
            Both are empty once all have ended.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._closed
                    or not self._waiting
                    or any(self._waiting.values())
                    or self._drained()
                )
            )
            ready = {n: waiting.popleft() for n, waiting in self._waiting.items() if waiting}
            ended = {number: self._ended.pop(number) for number in self._drained()}
            for number in ready:
                self._room[number].notify()
            for number in ended:
                del self._waiting[number]
            return ready, ended

    def close(self) -> None:
        """Stops reading; safe to call twice."""
        with self._changed:
            self._closed = True
            for condition in (self._changed, *self._room.values()):
                condition.notify_all()
        for source in self._sources.values():
            source.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _drained(self) -> list[int]:
        """Sources that have ended and whose moments have all been handed out."""
        return [number for number in self._ended if not self._waiting.get(number, True)]

    def _read(self, number: int, source: Source) -> None:
        error: BaseException | None = None
        try:
            for moment in source:
                if source.info.live and not self._admits(moment.time, number):
                    continue
                if not self._put(number, source, DecodedMoment(moment, time.monotonic())):
                    break
        except Exception as problem:
            error = problem
        with self._changed:
            self._ended[number] = error
            self._changed.notify_all()

    def _put(self, number: int, source: Source, item: DecodedMoment) -> bool:
        """Queues a moment; False once reading is to stop."""
        room = self._room[number]
        with room:
            waiting = self._waiting[number]
            patience = None
            if source.info.live:
                patience = PATIENCE if time.monotonic() >= self._patient_from else 0.0
            if not room.wait_for(lambda: self._closed or len(waiting) < self._depth, patience):
                waiting.popleft()
                source.faults.dropped_moments += 1
            waiting.append(item)
            self._changed.notify_all()
            return not self._closed

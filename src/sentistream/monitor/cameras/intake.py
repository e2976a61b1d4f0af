"""Reads a camera in a thread of its own; what cannot be taken in time is dropped and counted."""

from __future__ import annotations

import gc
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sentistream.errors import InputError
from sentistream.media import Source
from sentistream.types import Moment

DEPTH = 4
"""Moments that may wait; each holds one picture."""


class Taken(NamedTuple):
    """A moment, when it was decoded (seconds of the monotonic clock), and of which opening."""

    moment: Moment
    decoded_at: float
    opening: int


class Intake:
    """The newest moments of one camera.

    Args:
        opening: Opens the source; called in the thread.
        again: Whether it begins again at its end, as recordings do.

    Attributes:
        source: The source as it is open now; None before and in between.
        dropped: Moments that waited in vain, before the source's own.
    """

    def __init__(self, opening: Callable[[], Source], *, again: bool) -> None:
        self.source: Source | None = None
        self._opening = opening
        self._again = again
        self._changed = threading.Condition()
        self._waiting: deque[Taken] = deque()
        self._closed = False
        self._ended = False
        self._error: Exception | None = None
        self._dropped = self._damaged = 0
        self._thread = threading.Thread(target=self._read, name="intake", daemon=True)
        self._thread.start()

    def take(self, timeout: float) -> Taken | None:
        """The next moment; None when none came in time.

        Raises:
            EOFError: The source has ended.
            Exception: What it failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, timeout)
            if self._waiting:
                taken = self._waiting.popleft()
                self._changed.notify_all()
                return taken
            if self._ended:
                raise self._error or EOFError
            return None

    @property
    def dropped(self) -> int:
        """Moments dropped so far."""
        with self._changed:
            now = 0 if self.source is None else self.source.faults.dropped_moments
            return self._dropped + now

    @property
    def damaged(self) -> int:
        """Packets and pictures so far that could not be decoded."""
        with self._changed:
            return self._damaged + (0 if self.source is None else _damaged(self.source))

    def close(self) -> None:
        """Stops reading; does not wait for a source that hangs."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            source = self.source
        if source is not None:
            source.close()

    def _read(self) -> None:
        error: Exception | None = None
        opening = 0
        try:
            while not self._closed:
                opening += 1
                if not self._read_once(opening):
                    raise InputError("It holds no pictures.", "Name another source.")
                if not self._again:
                    break
                gc.collect()  # a source's parts know each other, and it holds pictures
        except Exception as problem:
            error = problem
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def _read_once(self, opening: int) -> bool:
        """Reads the source to its end; whether anything came."""
        any_came = False
        with self._opening() as source:
            self.source = source
            try:
                for moment in source:
                    any_came = True
                    if not self._put(Taken(moment, time.monotonic(), opening), source.info.live):
                        break
            finally:
                with self._changed:
                    self._dropped += source.faults.dropped_moments
                    self._damaged += _damaged(source)
                    self.source = None
        return any_came or self._closed

    def _put(self, taken: Taken, live: bool) -> bool:
        with self._changed:
            if live and len(self._waiting) >= DEPTH:
                self._waiting.popleft()
                self._dropped += 1
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < DEPTH)
            self._waiting.append(taken)
            self._changed.notify_all()
            return not self._closed


def _damaged(source: Source) -> int:
    return source.faults.video_errors + source.faults.audio_errors

"""Reads a camera in a thread of its own; what cannot be taken in time is dropped and counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sentistream.errors import InputError
from sentistream.media import Faults, Source
from sentistream.types import Moment

DEPTH = 4
"""Moments that may wait; each holds one picture."""


class Taken(NamedTuple):
    """A moment, and when it was decoded (seconds of the monotonic clock)."""

    moment: Moment
    decoded_at: float


class Intake:
    """The newest moments of one camera.

    Args:
        opening: Opens the source; called in the thread, for it may hang.

    Attributes:
        source: The source; None before it is open.
    """

    def __init__(self, opening: Callable[[], Source]) -> None:
        self.source: Source | None = None
        self._opening = opening
        self._changed = threading.Condition()
        self._waiting: deque[Taken] = deque()
        self._closed = False
        self._ended = False
        self._error: Exception | None = None
        self._dropped = 0
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
                return self._waiting.popleft()
            if self._ended:
                raise self._error or EOFError
            return None

    @property
    def dropped(self) -> int:
        """Moments dropped so far, here and in the source."""
        with self._changed:
            return self._dropped + (self.source.faults.dropped_moments if self.source else 0)

    @property
    def damaged(self) -> int:
        """Packets and pictures so far that could not be decoded."""
        faults = self.source.faults if self.source else Faults()
        return faults.video_errors + faults.audio_errors

    def close(self) -> None:
        """Stops reading; does not wait for a source that hangs."""
        self._closed = True
        if self.source is not None:
            self.source.close()

    def _read(self) -> None:
        error: Exception | None = None
        any_came = False
        try:
            with self._opening() as self.source:
                for moment in self.source:
                    any_came = True
                    if self._closed:
                        break
                    self._put(Taken(moment, time.monotonic()))
            if not any_came and not self._closed:
                raise InputError("It holds no pictures.", "Name another source.")
        except Exception as problem:
            error = problem
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def _put(self, taken: Taken) -> None:
        with self._changed:
            if len(self._waiting) >= DEPTH:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(taken)
            self._changed.notify_all()

"""Reads a camera in a thread of its own; what cannot be taken in time is dropped and counted."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from sentistream.errors import InputError
from sentistream.media import Faults, Source
from sentistream.media.queue import BoundedQueue
from sentistream.reports.faults import faults_in_words
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
        self._queue: BoundedQueue[Taken] = BoundedQueue(DEPTH, drop_oldest=True)
        threading.Thread(target=self._read, name="intake", daemon=True).start()

    def take(self, timeout: float) -> Taken | None:
        """The next moment; None when none came in ``timeout`` seconds.

        Raises:
            EOFError: The source has ended.
            Exception: What it failed with.
        """
        try:
            return self._queue.take(timeout)
        except TimeoutError:
            return None
        except StopIteration:
            raise EOFError from None

    @property
    def dropped(self) -> int:
        """Moments dropped so far, here and in the source."""
        return self._queue.dropped + self._faults.dropped_moments

    @property
    def damaged(self) -> int:
        """Packets and pictures so far that could not be decoded."""
        return self._faults.video_errors + self._faults.audio_errors

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the source, but for ``dropped``, a sentence each."""
        if self.source is None:
            return ()
        info = self.source.info
        faults = dataclasses.asdict(self._faults) | {"dropped_moments": 0}
        return (*info.remarks, *faults_in_words(faults, info.sizes))

    @property
    def _faults(self) -> Faults:
        return self.source.faults if self.source else Faults()

    def close(self) -> None:
        """Stops reading; does not wait for a source that hangs."""
        self._queue.stop()
        if self.source is not None:
            self.source.close()

    def _read(self) -> None:
        error: Exception | None = None
        any_came = False
        try:
            with self._opening() as self.source:
                for moment in self.source:
                    any_came = True
                    if not self._queue.put(Taken(moment, time.monotonic())):
                        return
            if not any_came:
                raise InputError("It holds no pictures.", "Name another source.")
        except Exception as problem:
            error = problem
        finally:
            self._queue.end(error)

"""A recording at the pace of the clock, as a camera would send it."""

from __future__ import annotations

import dataclasses
import threading
import time

from sentistream.media.source import Source
from sentistream.types import Moment


class PacedSource(Source):
    """Hands moments out no earlier than a camera would; its ``info`` calls it live.

    Args:
        source: A recording; closed with this.
        pace: Seconds of it a second; 1 is real time.
        delay: Seconds before it begins.

    Raises:
        ValueError: The pace is not positive.
    """

    def __init__(self, source: Source, pace: float = 1.0, *, delay: float = 0.0) -> None:
        if not pace > 0:
            raise ValueError(f"A pace is positive, not {pace}.")
        self._source = source
        self._pace = pace
        self._delay = delay
        self._begun: float | None = None
        self._closed = threading.Event()
        self.info = dataclasses.replace(source.info, live=True)
        self.faults = source.faults

    def __next__(self) -> Moment:
        moment = next(self._source)
        if self._begun is None:
            self._begun = time.monotonic() + self._delay - moment.time / self._pace
        self._closed.wait(max(0.0, self._begun + moment.time / self._pace - time.monotonic()))
        return moment

    def close(self) -> None:
        self._closed.set()
        self._source.close()

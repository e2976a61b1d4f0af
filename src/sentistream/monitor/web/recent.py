"""A camera's last minutes, queried once for all viewers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sentistream.errors import StorageError
from sentistream.monitor.interfaces import Aggregate, Step, Store

MINUTES = 15
KEPT = 10.0
"""Seconds for which a result is cached."""

AGAIN = 2.0
"""Seconds after which an unresponsive database is queried again."""


@dataclass(frozen=True, slots=True)
class RecentMinutes:
    """A camera's last minutes.

    Attributes:
        together: All of them combined; None if nobody was watched.
        minutes: Each minute, the oldest first; None if nobody was watched in it.
    """

    together: Aggregate | None
    minutes: tuple[Aggregate | None, ...]


NO_RECENT = RecentMinutes(None, (None,) * MINUTES)


class RecentSentiment:
    """The last minutes of all cameras; safe from several threads.

    Args:
        store: Where they come from; it withholds small groups.
        clock: Wall-clock seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, RecentMinutes] | None = {}
        self._asked = float("-inf")

    @property
    def stale(self) -> bool:
        """Whether to query again."""
        kept = AGAIN if self._known is None else KEPT
        return not 0 <= self._clock() - self._asked < kept

    def now(self) -> dict[str, RecentMinutes] | None:
        """By camera; None if the database does not answer. May wait for the database."""
        with self._lock:
            if self.stale:
                self._asked = self._clock()
                self._known = self._ask(self._asked)
            return self._known

    def _ask(self, now: float) -> dict[str, RecentMinutes] | None:
        begin = (now // 60 - MINUTES + 1) * 60
        try:
            together = {each.camera: each for each in self._store.aggregate(begin=begin, end=now)}
            minutes: dict[str, dict[int, Aggregate]] = {}
            for each in self._store.history(Step.MINUTE, begin=begin, end=now):
                place = round((each.begin - begin) / 60)
                minutes.setdefault(each.camera, {})[place] = each
        except StorageError:
            return None
        return {
            camera: RecentMinutes(
                together.get(camera),
                tuple(minutes.get(camera, {}).get(place) for place in range(MINUTES)),
            )
            for camera in together.keys() | minutes.keys()
        }

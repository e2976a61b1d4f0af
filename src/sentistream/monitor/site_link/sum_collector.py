"""Puts the sums of each finished minute into the outbox, small groups withheld."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from sentistream.monitor.fleet.records import HOUR, MINUTE, SHARE_UNIT, SumRow
from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.site_link.outbox import Outbox

SETTLED_AFTER = 5.0
"""Seconds after the end of a minute until its readings are in the database."""

LATE = 3600
"""Seconds for which a minute is checked again, because late readings change its sums."""

FIRST_REACH = 24 * 3600
"""Seconds before joining from which sums are sent."""

_CHUNK = 6 * 3600
"""Seconds of sums read at a time."""


class MinuteSums(Protocol):
    """Where the sums come from: the store."""

    def minute_sums(self, begin: int, end: int) -> Sequence[tuple[Aggregate, int]]:
        """Released sums by the minute, and how many appearances began in each."""
        ...

    def withheld_minutes(self, begin: int, end: int) -> Sequence[tuple[Aggregate, int]]:
        """For each camera, its withheld minutes combined, if they are enough."""
        ...


class SumCollector:
    """Moves sums from the store into the outbox.

    Args:
        store: Where the sums come from.
        outbox: Where they wait to be sent.
    """

    def __init__(self, store: MinuteSums, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def collect(self, now: float, cameras: frozenset[str] | None = None) -> int:
        """Puts new and changed sums into the outbox.

        Args:
            now: Wall-clock seconds.
            cameras: Keys of the cameras whose sums are sent; None for all.

        Returns:
            How many minutes and hours were added.

        Raises:
            StorageError: The database or the outbox cannot be used; the rest follows later.
        """
        end = int(now - SETTLED_AFTER) // MINUTE * MINUTE
        done = self._outbox.counter("collected") or int(now) - FIRST_REACH
        if done > end + HOUR:
            done = end - LATE  # the clock was set back
        begin = min(done, end) // HOUR * HOUR - LATE
        count = 0
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            count += self._collect_minutes(first, last, now, cameras)
            for hour in range(first, last - HOUR + 1, HOUR):
                rest = self._store.withheld_minutes(hour, hour + HOUR)
                rows = _rows(rest, cameras)
                count += self._outbox.put_sums(hour, HOUR, rows, now)
        self._outbox.set_counter("collected", end)
        return count

    def _collect_minutes(
        self, begin: int, end: int, now: float, cameras: frozenset[str] | None
    ) -> int:
        by_minute: dict[int, list[tuple[Aggregate, int]]] = defaultdict(list)
        for aggregate, arrived in self._store.minute_sums(begin, end):
            by_minute[int(aggregate.begin)].append((aggregate, arrived))
        return sum(
            self._outbox.put_sums(minute, MINUTE, _rows(found, cameras), now)
            for minute, found in sorted(by_minute.items())
        )


def _rows(found: Sequence[tuple[Aggregate, int]], cameras: frozenset[str] | None) -> list[SumRow]:
    return [
        SumRow(
            camera=aggregate.camera,
            zone=aggregate.zone,
            appearances=aggregate.appearances,
            arrived=arrived,
            watched=round(aggregate.watched) if aggregate.zone == EVERYWHERE else 0,
            seen=_scaled(aggregate.seen, 1000),
            speaking=_scaled(aggregate.speaking, 1000),
            positive=_scaled(aggregate.positive, SHARE_UNIT),
            neutral=_scaled(aggregate.neutral, SHARE_UNIT),
            negative=_scaled(aggregate.negative, SHARE_UNIT),
        )
        for aggregate, arrived in found
        if cameras is None or aggregate.camera in cameras
    ]


def _scaled(value: float | None, unit: int) -> int | None:
    return None if value is None else round(value * unit)

"""What the database holds of each second, read from the file alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

DAY = 86_400.0
_TWICE = 1_100
"""Milliseconds of one face per second; more means that it was counted twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The seconds of each camera for which its face was read.

    Attributes:
        seconds: By camera, true seconds (UTC), with the fake clock's jumps undone.
        twice: Seconds in which a camera's one face was seen for longer than a second.
        readings: Total number of rows.
        sums_agree: Whether the sums by minute add up to the single readings.
    """

    seconds: dict[str, set[int]] = field(default_factory=dict)
    twice: list[tuple[str, int]] = field(default_factory=list)
    readings: int = 0
    sums_agree: bool = True


def read_ledger(database: Path, cameras: Iterable[str], now: float) -> Ledger:
    """Read the file while others write to it.

    Args:
        database: SQLite's file.
        cameras: Their keys.
        now: The true time; later seconds are of a clock that was a day ahead.
    """
    ledger = Ledger(seconds={camera: set() for camera in cameras})
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        rows = connection.execute(
            "SELECT camera, second, SUM(seen), COUNT(*) FROM readings GROUP BY camera, second"
        ).fetchall()
        by_minute, by_second = (
            connection.execute(query).fetchone()[0] or 0
            for query in (
                "SELECT SUM(seen) FROM sums WHERE step = 'minute' AND zone = ''",
                "SELECT SUM(seen) FROM readings",
            )
        )
    finally:
        connection.close()
    total = 0
    # the second in which the clock jumps is stored in two parts, a day apart
    seen_in: dict[tuple[str, int], int] = {}
    for camera, second, seen, count in rows:
        true = int(second - DAY) if second > now + DAY / 2 else int(second)
        if camera in ledger.seconds:
            seen_in[camera, true] = seen_in.get((camera, true), 0) + seen
            ledger.seconds[camera].add(true)
            total += count
    ledger.twice.extend(key for key, seen in seen_in.items() if seen > _TWICE)
    return Ledger(
        seconds=ledger.seconds,
        twice=ledger.twice,
        readings=total,
        sums_agree=by_minute == by_second,
    )

"""Adds readings, and adds them to the sums, so that a batch given twice changes nothing.

Three things are counted, and each remembers what it has counted: readings by their key, watched
seconds by a bit each, appearances by their presence in a minute, hour or day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import EVERYWHERE, SecondReading, Seconds
from sentistream.monitor.store import appearances
from sentistream.monitor.store.growth import Growth
from sentistream.monitor.store.steps import stretch
from sentistream.monitor.store.tables import MILLISECONDS, OUTSIDE, READINGS, SHARES, WATCHES
from sentistream.monitor.store.upserts import Row, add_to, insert_new, some_at_once


def add(connection: Connection, batch: Sequence[Seconds]) -> None:
    """Adds readings and watched seconds within the transaction of ``connection``.

    Raises:
        ValueError: A number is not finite.
    """
    if connection.dialect.name == "postgresql":  # one writer at a time, as SQLite has it anyway
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7395022)")
    growth = Growth()
    rows = [_row(reading) for seconds in batch for reading in seconds.readings]
    appearances.recall(connection, rows)
    new = insert_new(connection, READINGS, rows)
    appearances.count(connection, _add_up(new, growth), growth)
    _watch(connection, batch, growth)
    growth.apply(connection)


def _row(reading: SecondReading) -> dict[str, Any]:
    seen = min(max(round(reading.seen * MILLISECONDS), 1), MILLISECONDS)
    return {
        "second": reading.second,
        "camera": reading.camera,
        "zone": reading.zone,
        "track": reading.track,
        "positive": _share(reading.positive),
        "neutral": _share(reading.neutral),
        "negative": _share(reading.negative),
        "label": str(reading.label),
        "seen": seen,
        "speaking": min(max(round(reading.speaking * MILLISECONDS), 0), seen),
    }


def _share(value: float) -> int:
    return min(max(round(value * SHARES), 0), SHARES)


def _add_up(rows: Sequence[Row], growth: Growth) -> set[appearances.Presence]:
    """Adds rows to what grows; returns who is present where."""
    presences: set[appearances.Presence] = set()
    for row in rows:
        camera, seen = row["camera"], row["seen"]
        for step in Step:
            begin, _ = stretch(step, row["second"])
            for zone in (EVERYWHERE, row["zone"] or OUTSIDE):
                increase = growth.of(step, begin, camera, zone)
                increase.seen += seen
                increase.speaking += row["speaking"]
                increase.positive += row["positive"] * seen
                increase.neutral += row["neutral"] * seen
                increase.negative += row["negative"] * seen
                presences.add((step, begin, camera, zone, row["track"]))
    return presences


def _watch(connection: Connection, batch: Sequence[Seconds], growth: Growth) -> None:
    """Counts the seconds that were not yet known to be watched."""
    watched: dict[tuple[int, str], int] = defaultdict(int)
    for seconds in batch:
        begin, _ = stretch(Step.MINUTE, seconds.second)
        watched[begin, seconds.camera] |= 1 << (seconds.second - begin)
    known: dict[tuple[int, str], int] = {}
    cameras = sorted({camera for _, camera in watched})
    for minutes in some_at_once(sorted({minute for minute, _ in watched})):
        # each column by itself: SQLite looks through all rows for a list of pairs
        found = connection.execute(
            select(WATCHES).where(WATCHES.c.begin.in_(minutes), WATCHES.c.camera.in_(cameras))
        )
        known |= {(begin, camera): bits for begin, camera, bits in found}
    changed = []
    for (minute, camera), bits in sorted(watched.items()):
        before = known.get((minute, camera), 0)
        if new := (bits & ~before).bit_count():
            changed.append({"begin": minute, "camera": camera, "seconds": before | bits})
            for step in Step:
                begin, _ = stretch(step, minute)
                growth.of(step, begin, camera, EVERYWHERE).watched += new
    add_to(connection, WATCHES, changed, replaced=("seconds",))

"""Small-cell suppression: the one place through which every aggregate leaves the database.

An aggregate over few appearances would reveal how each of those people came across, so only the
number of appearances is released (primary suppression). It must not be recoverable by subtraction
either: a camera's whole picture minus its released zones equals the suppressed zones plus the faces
outside all zones. If those are too few, the zone with the fewest appearances is suppressed as well
(complementary suppression).

Aggregates over overlapping times can still be subtracted from each other; docs/monitor-data.md
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.store.reading_tables import MILLISECONDS, OUTSIDE, Summed


@dataclass(slots=True)
class RawAggregate(Summed):
    """An aggregate as it is stored, before suppression."""

    appearances: int = 0


def suppress_small_cells(
    by_zone: Mapping[str, RawAggregate], *, camera: str, begin: float, end: float, smallest: int
) -> Iterable[Aggregate]:
    """What may be released about one camera over [begin, end), by zone.

    Args:
        by_zone: The aggregates of all zones, including those that nobody asked for.
        camera: The camera's key.
        begin, end: Wall-clock seconds (UTC).
        smallest: The fewest appearances whose aggregate may be released.
    """
    suppressed = _suppressed_zones(by_zone, smallest)
    picture = by_zone.get(EVERYWHERE)
    watched = float(picture.watched) if picture is not None else 0.0
    for zone, raw in sorted(by_zone.items()):
        if zone == OUTSIDE:
            continue
        hidden = zone in suppressed
        weights = raw.positive, raw.neutral, raw.negative
        total = sum(weights)
        positive, neutral, negative = (
            (None, None, None) if hidden or not total else (weight / total for weight in weights)
        )
        yield Aggregate(
            camera=camera,
            zone=zone,
            begin=begin,
            end=end,
            appearances=raw.appearances,
            seen=None if hidden else raw.seen / MILLISECONDS,
            speaking=None if hidden else raw.speaking / MILLISECONDS,
            positive=positive,
            neutral=neutral,
            negative=negative,
            watched=watched,
        )


def _suppressed_zones(by_zone: Mapping[str, RawAggregate], smallest: int) -> set[str]:
    occupied = {zone: raw for zone, raw in by_zone.items() if raw.appearances > 0}
    suppressed = {zone for zone, raw in occupied.items() if raw.appearances < smallest}
    if EVERYWHERE not in occupied or EVERYWHERE in suppressed:
        return suppressed
    cells = {zone: raw.appearances for zone, raw in occupied.items() if zone != EVERYWHERE}
    hidden = {zone for zone in cells if zone in suppressed or zone == OUTSIDE}
    released = sorted(set(cells) - hidden, key=lambda zone: (cells[zone], zone))
    if hidden and released:
        # a face may have been in several zones, so this is a lower bound for the hidden cells
        rest = occupied[EVERYWHERE].appearances - sum(cells[zone] for zone in released)
        if max(rest, *(cells[zone] for zone in hidden)) < smallest:
            suppressed.add(released[0])
    return suppressed

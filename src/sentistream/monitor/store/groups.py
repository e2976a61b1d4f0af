"""The one place through which every sum leaves the database: small groups are withheld here.

A sum over few appearances would tell how each of those people felt, so it keeps their number
alone. The same must not be had by subtraction: a camera's whole picture less its shown zones is
what the zones that are not shown, and the faces outside all zones, add up to. Where those are too
few, the zone with the fewest appearances is withheld with them.

What remains possible is said in docs/monitor-data.md: sums over overlapping times can be
subtracted from each other, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sentistream.monitor.interfaces import Sum
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.store.tables import MILLISECONDS, OUTSIDE


@dataclass(slots=True)
class Total:
    """A sum as it is stored, nothing withheld; units as in ``tables.SUMS``."""

    appearances: int = 0
    seen: int = 0
    speaking: int = 0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    watched: int = 0


def shown(
    totals: Mapping[str, Total], *, camera: str, begin: float, end: float, smallest: int
) -> Iterable[Sum]:
    """What may be shown of one camera over one stretch of time, by zone.

    Args:
        totals: Of every zone, those that are not asked for too.
        camera: The camera's key.
        begin, end: Wall-clock seconds (UTC).
        smallest: Appearances from which on a sum may be shown.
    """
    withheld = _withheld(totals, smallest)
    whole = totals.get(EVERYWHERE)
    watched = float(whole.watched) if whole is not None else 0.0
    for zone, total in sorted(totals.items()):
        if zone == OUTSIDE:
            continue
        hidden = zone in withheld
        shares = total.positive, total.neutral, total.negative
        weight = sum(shares)
        positive, neutral, negative = (
            (None, None, None) if hidden or not weight else (share / weight for share in shares)
        )
        yield Sum(
            camera=camera,
            zone=zone,
            begin=begin,
            end=end,
            appearances=total.appearances,
            seen=None if hidden else total.seen / MILLISECONDS,
            speaking=None if hidden else total.speaking / MILLISECONDS,
            positive=positive,
            neutral=neutral,
            negative=negative,
            watched=watched,
        )


def _withheld(totals: Mapping[str, Total], smallest: int) -> set[str]:
    occupied = {zone: total for zone, total in totals.items() if total.appearances > 0}
    withheld = {zone for zone, total in occupied.items() if total.appearances < smallest}
    if EVERYWHERE not in occupied or EVERYWHERE in withheld:
        return withheld
    parts = {zone: total.appearances for zone, total in occupied.items() if zone != EVERYWHERE}
    hidden = {zone for zone in parts if zone in withheld or zone == OUTSIDE}
    open_ = sorted(set(parts) - hidden, key=lambda zone: (parts[zone], zone))
    if hidden and open_:
        # who stood in several zones is in each of them, so this is the least they can be
        rest = occupied[EVERYWHERE].appearances - sum(parts[zone] for zone in open_)
        if max(rest, *(parts[zone] for zone in hidden)) < smallest:
            withheld.add(open_[0])
    return withheld

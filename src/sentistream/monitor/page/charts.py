"""Stacked bars of a history, as numbers for the template and for a table beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.page.periods import Stretch
from sentistream.types import SENTIMENTS

HEIGHT = 100.0
SLOT = 20.0
"""Width of a bar and its gap, in the chart's own units."""


class Known(StrEnum):
    """What is known of a stretch of time."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    """There were too few appearances to say more."""
    NOBODY = "nobody"
    OFF = "off"
    """There is nothing: the camera was off, or it was before it came."""
    AHEAD = "ahead"
    """It has not been yet."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One class's part of a bar, from above."""

    sentiment: str
    top: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stretch of time.

    Attributes:
        label: Beneath it; empty where there is no room.
        title: Its whole name.
        known: What is known of it.
        sum: The numbers, where they are shown.
        pieces: From above.
        before: The same of the period it is compared with.
        crowd: Appearances as a share of the busiest stretch, 0 to 1.
    """

    label: str
    title: str
    known: Known
    sum: Aggregate | None
    pieces: tuple[Piece, ...]
    before: tuple[Piece, ...]
    before_sum: Aggregate | None
    crowd: float


def bars(
    parts: Sequence[Stretch],
    sums: Mapping[float, Aggregate],
    before: Sequence[Aggregate | None],
    *,
    now: float,
    titles: Sequence[str],
    labels: Sequence[str],
) -> list[Bar]:
    """A bar for each part of a period.

    Args:
        parts: The parts.
        sums: What the store knows, by the second it begins with.
        before: What it knows of each part of the period that is compared.
        now: Wall-clock seconds; what lies ahead is empty.
        titles: Whole name of each part.
        labels: What stands beneath each.
    """
    shown = [each.appearances for each in sums.values() if not each.is_withheld]
    busiest = max(shown, default=0) or 1
    made = []
    for place, part in enumerate(parts):
        found = sums.get(part.begin)
        known = _known(found, part, now)
        earlier = before[place] if place < len(before) else None
        made.append(
            Bar(
                label=labels[place],
                title=titles[place],
                known=known,
                sum=found if known is Known.SHOWN else None,
                pieces=pieces(found) if found is not None and known is Known.SHOWN else (),
                before=pieces(earlier) if earlier is not None else (),
                before_sum=earlier if earlier is not None and not earlier.is_withheld else None,
                crowd=found.appearances / busiest
                if found is not None and known is Known.SHOWN
                else 0,
            )
        )
    return made


def pieces(found: Aggregate) -> tuple[Piece, ...]:
    """A sum's three shares from above; none where it is withheld or nobody was seen."""
    made = []
    top = 0.0
    for sentiment in SENTIMENTS:
        share: float | None = getattr(found, sentiment)
        if share is None:
            return ()
        made.append(Piece(sentiment, round(top, 2), round(share * HEIGHT, 2)))
        top += share * HEIGHT
    return tuple(made)


def _known(found: Aggregate | None, part: Stretch, now: float) -> Known:
    if found is None:
        return Known.AHEAD if part.begin > now else Known.OFF
    if found.appearances == 0:
        return Known.NOBODY
    return Known.WITHHELD if found.is_withheld else Known.SHOWN

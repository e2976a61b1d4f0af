"""Shares with their margins, usual values, and whether a difference is more than chance.

A share is of the time that faces were in view, so an appearance that stays longer weighs more.
Its margin is Wilson's interval over appearances. Stays are about exponentially distributed; then
``n`` appearances, weighted by their stay, tell as much as ``n / 2`` of equal weight (the design
effect of unequal weights, 1 + the square of their coefficient of variation: Kish 1965, *Survey
Sampling*, 11.7). Somebody who comes back is another appearance, so margins are too narrow where
a few people come back often.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sentistream.intervals import difference_interval, wilson_interval

STAY_EFFECT = 2.0
"""How many appearances of unequal length are worth one of equal length."""

TOO_WIDE = 0.2
"""Half the width of a margin, as a share, above which a share says too little."""

FEWEST_WEEKS = 3
"""Earlier weeks (or months) without which nothing is called usual."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the time in view, with its 95 % interval.

    Attributes:
        value, low, high: 0 to 1.
        appearances: Over how many.
    """

    value: float
    low: float
    high: float
    appearances: int

    @classmethod
    def of(cls, value: float, appearances: int) -> Self:
        """The share with the interval for so many appearances.

        Raises:
            ValueError: ``value`` is outside 0 to 1.
        """
        count = appearances / STAY_EFFECT
        low, high = wilson_interval(value * count, count)
        # rounding must not put a share outside its own interval
        return cls(value, min(low, value), max(high, value), appearances)

    @property
    def margin(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def is_vague(self) -> bool:
        """Whether there were too few appearances to say much."""
        return self.margin > TOO_WIDE


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a share differs from an earlier one, with its 95 % interval.

    Attributes:
        value, low, high: -1 to 1; above 0 where it is more than before.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, now: Share, before: Share) -> Self:
        """The difference of two shares of different appearances."""
        n, m = now.appearances / STAY_EFFECT, before.appearances / STAY_EFFECT
        low, high = difference_interval((now.value * n, n), (before.value * m, m))
        return cls(now.value - before.value, low, high)

    @property
    def is_more_than_chance(self) -> bool:
        """Whether its interval excludes 0."""
        return self.low > 0 or self.high < 0


class Verdict(StrEnum):
    """How something compares with what is usual."""

    AS_USUAL = "as_usual"
    ABOVE = "above"
    BELOW = "below"
    UNKNOWN = "unknown"
    """There is too little data, now or before."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The values of earlier weeks (or months) at the same time.

    Attributes:
        median, low, high: Their median, minimum and maximum.
        count: How many there are.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """The usual value; None for fewer than ``FEWEST_WEEKS``."""
        if len(values) < FEWEST_WEEKS:
            return None
        return cls(statistics.median(values), min(values), max(values), len(values))


def verdict_on_share(share: Share | None, usual: Usual | None) -> Verdict:
    """A share is unusual if its whole interval lies outside the usual range."""
    if share is None or usual is None or share.is_vague:
        return Verdict.UNKNOWN
    if share.low > usual.high:
        return Verdict.ABOVE
    return Verdict.BELOW if share.high < usual.low else Verdict.AS_USUAL


def verdict_on_count(count: int, usual: Usual | None) -> Verdict:
    """The same for a number without a margin."""
    if usual is None:
        return Verdict.UNKNOWN
    if count > usual.high:
        return Verdict.ABOVE
    return Verdict.BELOW if count < usual.low else Verdict.AS_USUAL

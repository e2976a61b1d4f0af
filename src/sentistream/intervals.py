"""Confidence intervals of shares, in closed form."""

from __future__ import annotations

import math

_Z95 = 1.959964


def wilson_interval(count: float, total: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) without any trials.

    Args:
        count, total: How many of how many. Neither has to be an integer: ``count / total`` may
            be a mean over ``total`` equally weighted items.

    Raises:
        ValueError: ``count`` is more than ``total``, or a number is negative.
    """
    if not 0 <= count <= total:
        raise ValueError(f"There is no share of {count} in {total}.")
    if total == 0:
        return 0.0, 1.0
    share, z2 = count / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = share * (1 - share) / total + z2 / (4 * total**2)
    half = _Z95 / (1 + z2 / total) * math.sqrt(spread)
    # rounding must not put a share of 0 or 1 outside its own interval
    return max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0)


def difference_interval(
    first: tuple[float, float], second: tuple[float, float]
) -> tuple[float, float]:
    """95 % interval of the difference between two independent shares (Newcombe 1998, method 10).

    Args:
        first, second: How many of how many (more than none); see :func:`wilson_interval`.

    Raises:
        ValueError: A side is empty, or a share is outside 0 to 1.
    """
    if min(first[1], second[1]) <= 0:
        raise ValueError("A difference of shares needs something tried on both sides.")
    share_1, share_2 = first[0] / first[1], second[0] / second[1]
    (low_1, high_1), (low_2, high_2) = wilson_interval(*first), wilson_interval(*second)
    difference = share_1 - share_2
    return (
        difference - math.hypot(share_1 - low_1, high_2 - share_2),
        difference + math.hypot(high_1 - share_1, share_2 - low_2),
    )

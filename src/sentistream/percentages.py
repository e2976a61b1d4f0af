"""Rounds shares to whole percentages that add up to 100."""

from __future__ import annotations

import math
from collections.abc import Sequence


def whole_percentages(shares: Sequence[float]) -> tuple[int, ...]:
    """Shares rounded so that their sum is preserved.

    Each is rounded down; those that lost most are rounded up until the sum is right (the largest
    remainder method, see M. Balinski and H. P. Young, "Fair Representation", 1982). With equal
    remainders the earlier one is rounded up.

    Args:
        shares: Each 0 to 1.

    Returns:
        Whole percentages; their sum is 100 where the shares' sum is 1.

    Raises:
        ValueError: A share is negative or not finite.
    """
    if any(not math.isfinite(share) or share < 0 for share in shares):
        raise ValueError("shares are numbers of 0 and more")
    # floating-point error in the last digits must not decide which one is rounded up
    exact = [round(100 * share, 9) for share in shares]
    whole = [math.floor(each) for each in exact]
    left = round(sum(exact)) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda n: (whole[n] - exact[n], n))
    for place in by_remainder[:left]:
        whole[place] += 1
    return tuple(whole)

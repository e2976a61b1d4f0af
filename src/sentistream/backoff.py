"""Back-off: how long to wait before retrying something that failed.

The callers are state machines that must not block (supervisors, a writer that keeps receiving), so
this computes delays and leaves the waiting to them.
"""

from __future__ import annotations

from collections.abc import Sequence

DELAYS = (1.0, 5.0, 10.0, 60.0)
"""Seconds before the first restart, the second and so on; the last repeats."""

RESET_AFTER = 60.0
"""Seconds of running well after which earlier failures no longer count."""


class Backoff:
    """Delays that grow from failure to failure.

    Args:
        delays: Seconds to wait after the first failure, the second and so on; the last repeats.
        reset_after: Seconds of running well after which earlier failures no longer count.

    Attributes:
        failures: Failures in a row.
    """

    def __init__(self, delays: Sequence[float] = DELAYS, reset_after: float = RESET_AFTER) -> None:
        self._delays = tuple(delays)
        self._reset_after = reset_after
        self.failures: int = 0

    def next_delay(self, *, ran: float = 0.0) -> float:
        """Counts another failure and returns the seconds to wait after it.

        Args:
            ran: Seconds for which it had run well before it failed.
        """
        if ran >= self._reset_after:
            self.failures = 0
        self.failures += 1
        return self._delays[min(self.failures, len(self._delays)) - 1]

    def reset(self) -> None:
        """Restarts with the shortest delay."""
        self.failures = 0


def doubling_delays(first: float, longest: float) -> tuple[float, ...]:
    """``first`` seconds, twice that and so on up to ``longest``, which ends them.

    Raises:
        ValueError: ``first`` is not positive: doubling would never reach ``longest``.
    """
    if not first > 0:
        raise ValueError(f"The first delay is {first}, not above 0.")
    delays = [first]
    while delays[-1] < longest:
        delays.append(min(2 * delays[-1], longest))
    return tuple(delays)

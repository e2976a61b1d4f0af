"""How long to wait before something that failed is started again."""

from __future__ import annotations

from collections.abc import Sequence

DELAYS = (1.0, 5.0, 10.0, 60.0)
"""Seconds before the first restart, the second and so on; the last one repeats."""

RESET_AFTER = 60.0
"""Seconds of running after which earlier failures are forgotten."""


class Backoff:
    """Delays that grow from failure to failure.

    Args:
        delays: Seconds before each restart; the last one repeats.
        reset_after: Seconds of running after which earlier failures are forgotten.
    """

    def __init__(self, delays: Sequence[float] = DELAYS, reset_after: float = RESET_AFTER) -> None:
        self._delays = delays
        self._reset_after = reset_after
        self._failures = 0

    def next_delay(self, *, ran: float) -> float:
        """Seconds to wait after another failure.

        Args:
            ran: Seconds for which it had run well before it failed.
        """
        if ran >= self._reset_after:
            self._failures = 0
        self._failures += 1
        return self._delays[min(self._failures, len(self._delays)) - 1]

    def reset(self) -> None:
        """Forgets earlier failures."""
        self._failures = 0

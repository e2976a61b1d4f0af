"""When a camera that failed is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what, seconds.

    Attributes:
        backoff: Before it is tried again after the first failure, the second and so on; the
            last for all that follow.
        well_after: Of running until earlier failures are forgotten.
        first_picture: For the first picture of a source, which has to be reached first.
        next_picture: For each after it.
        heartbeat: For a sign of life.
        finish: For a worker that was asked to end, before it is killed.
    """

    backoff: Sequence[float] = (1.0, 5.0, 10.0, 60.0)
    well_after: float = 60.0
    first_picture: float = 30.0
    next_picture: float = 10.0
    heartbeat: float = 10.0
    finish: float = 3.0


class BackOff:
    """Waits longer from failure to failure.

    Args:
        patience: How long.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0

    def failed(self, *, ran: float) -> float:
        """Seconds to wait after another failure.

        Args:
            ran: For how long it had run well, seconds.
        """
        if ran >= self._patience.well_after:
            self._failures = 0
        delays = self._patience.backoff
        self._failures += 1
        return delays[min(self._failures, len(delays)) - 1]

    def forget(self) -> None:
        """Starts with the shortest again."""
        self._failures = 0

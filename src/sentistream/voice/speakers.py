"""Whose voice it is: the one whose mouth moves while somebody speaks."""

from __future__ import annotations

import math
from collections.abc import Mapping

MEMORY = 1.0
"""Seconds over which mouths and voice are compared."""
_MOTION = 3.0
"""A mouth that changes counts so much more than one that is merely open."""
_NOBODY = 0.15
"""How much moving a mouth has to show before the voice is taken for its own."""


class Speakers:
    """Follows how much each mouth is at work while somebody speaks."""

    def __init__(self) -> None:
        self._time = -math.inf
        self._work: dict[int, float] = {}
        self._open: dict[int, float] = {}

    def update(self, time: float, mouths: Mapping[int, float], *, speaking: bool) -> None:
        """One moment.

        Args:
            time: Seconds.
            mouths: Probability that the mouth is open, by track.
            speaking: Whether somebody can be heard.
        """
        step = min(max(time - self._time, 0.0), MEMORY)
        self._time = time
        share = -math.expm1(-step / MEMORY)
        work, opened = {}, {}
        for track, value in mouths.items():
            before = self._work.get(track)
            if speaking:
                motion = abs(value - self._open.get(track, value))
                now = value + _MOTION * motion
                before = now if before is None else before + share * (now - before)
            if before is not None:
                work[track] = before
            opened[track] = value
        self._work, self._open = work, opened

    def share(self, track: int) -> float:
        """How surely the voice is this face's own, 0 to 1."""
        total = sum(self._work.values()) + _NOBODY
        return self._work.get(track, 0.0) / total

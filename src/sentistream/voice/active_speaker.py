"""Active speaker detection by lip motion (Cutler and Davis 2000).

A mouth that is merely open, as in a smile, is not evidence. What counts is how much its opening
varied over the last second of speech.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MEMORY = 1.0
"""Seconds over which mouths and voice are compared."""
NOBODY = 0.08**2
"""Variance that a mouth must show before the voice is attributed to it.

Landmark noise of a still face stays below 0.03 squared; half of the people who talk exceed
0.3 squared.
"""


class ActiveSpeakerDetector:
    """Tracks how much each mouth moves while somebody speaks."""

    def __init__(self) -> None:
        self._time = -math.inf
        self._motions: dict[int, _Motion] = {}

    def update(self, time: float, mouths: Mapping[int, float], *, speaking: bool) -> None:
        """One moment.

        Args:
            time: Seconds.
            mouths: How far each mouth is open, by track; 0 is closed, 1 and more wide open.
            speaking: Whether somebody can be heard.
        """
        step = min(max(time - self._time, 0.0), MEMORY)
        self._time = time
        followed = {}
        for track, value in mouths.items():
            motion = self._motions.get(track)
            if motion is None and speaking:
                motion = _Motion(value)
            elif motion is not None and speaking:
                motion.add(value, step)
            if motion is not None:
                followed[track] = motion
        self._motions = followed

    def share(self, track: int) -> float:
        """Confidence that the voice is this face's, 0 to 1."""
        if track not in self._motions:
            return 0.0
        total = sum(motion.variance for motion in self._motions.values()) + NOBODY
        return self._motions[track].variance / total


@dataclass(slots=True)
class _Motion:
    """Exponentially weighted mean and variance of a value (West 1979)."""

    mean: float
    seconds: float = 0.0
    squares: float = 0.0

    @property
    def variance(self) -> float:
        return self.squares / self.seconds if self.seconds else 0.0

    def add(self, value: float, step: float) -> None:
        """Adds a value for the last ``step`` seconds."""
        if step <= 0:
            return
        kept = math.exp(-step / MEMORY)
        self.seconds = self.seconds * kept + step
        change = value - self.mean
        self.mean += change * step / self.seconds
        self.squares = self.squares * kept + step * change * (value - self.mean)

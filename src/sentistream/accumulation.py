"""Accumulates the answers of moments, for one face while it is seen and for a whole clip.

Besides Equation 1 (``smoothing``) there is a mean of logarithms: it treats moments as
observations, so that one confident moment counts for more than several uncertain ones.

``Overall`` is the one answer about a whole clip or face: ``analyze``, its summary and report, and
``evaluate`` all use it, so that the accuracy measured is that of what users read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sentistream.profiles import Profile
from sentistream.smoothing import Running
from sentistream.types import Distribution, FloatArray, Reading

MIN = 1e-4
"""Lower bound of probabilities, so that no single moment rules a class out."""

_GONE = 60.0
"""Seconds without a reading after which a face's stretch is closed, so that memory is bounded.

Trackers give up a track much earlier, and never use its number again.
"""


def is_sure(confidence: float, profile: Profile) -> bool:
    """Whether an accumulated answer with this confidence, 0 to 1, is not ``unknown``."""
    return confidence >= profile.unknown_below


class EvidenceMean(Running):
    """The running mean of logarithms, with the exponential decay of Equation 1.

    Until ``time_constant`` has passed, all moments count equally.

    Args:
        time_constant: Time constant of the decay, seconds; positive.

    Raises:
        ValueError: The time constant is not positive.
    """

    def __init__(self, time_constant: float) -> None:
        super().__init__(time_constant)
        self._begun = -math.inf
        self._mean: NDArray[np.float64] | None = None
        self._count = 0

    def update(self, probabilities: FloatArray, time: float) -> FloatArray:
        """The accumulated distribution up to ``time`` (seconds), shape (3,).

        Raises:
            ValueError: ``time`` lies before the last one.
        """
        share = self._advance(time)
        logarithms = np.log(np.maximum(probabilities, MIN), dtype=np.float64)
        self._count += 1
        if self._mean is None:
            self._mean, self._begun = logarithms, time
        else:
            if time - self._begun < self._time_constant:
                share = 1 / self._count
            self._mean = self._mean + share * (logarithms - self._mean)
        shares = np.exp(self._mean - self._mean.max())
        return np.asarray(shares / shares.sum(), dtype=np.float32)


class Overall:
    """The answer about a whole clip, from the readings of all its faces, or of one of them.

    With Equation 1 it is the mean of all momentary answers. With evidence it combines the values
    accumulated about each face at the end of each stretch and at its last reading; for a clip no
    longer than a stretch it is the last reading. A whole stretch is more confident than a moment,
    by the profile's temperature. Memory does not grow with the clip's length.

    Args:
        profile: Determines how moments are accumulated.
    """

    def __init__(self, profile: Profile) -> None:
        self._evidence = profile.accumulation == "evidence"
        self._span = profile.stretch
        self._temperature = profile.overall_temperature
        factors = profile.prior.factors(profile.learned_shares)
        self._prior = np.zeros(3) if factors is None else np.log(factors)
        self._total = np.zeros(3)
        self._weight = 0.0
        self._stretches: dict[int, tuple[float, float, Distribution]] = {}

    def add(self, readings: Iterable[Reading]) -> None:
        """Readings in order of time."""
        for reading in readings:
            if reading.track is None or reading.momentary is None or reading.smoothed is None:
                continue
            if not self._evidence:
                self._count(reading.momentary, 1.0)
                continue
            if reading.track not in self._stretches:
                self._close_gone(reading.time)
            begun = self._stretches.get(reading.track, (reading.time, 0.0, reading.smoothed))[0]
            length = reading.time - begun
            if length < self._span:
                self._stretches[reading.track] = (begun, length, reading.smoothed)
            else:
                self._count(reading.smoothed, 1.0)
                self._stretches[reading.track] = (reading.time, 0.0, reading.smoothed)

    @property
    def answer(self) -> Distribution | None:
        """None if there was no face."""
        total, weights = self._total.copy(), self._weight
        for _, length, smoothed in self._stretches.values():
            share = self._share(length)
            total += share * self._evidence_of(smoothed)
            weights += share
        if not weights:
            return None
        mean = total / weights
        if not self._evidence:
            return Distribution.from_array(mean)
        # from one moment to a whole stretch; a prior counts once, however confident the clip is
        power = 1 + (1 / self._temperature - 1) * min(1.0, weights)
        sharpened = (mean - self._prior) * power + self._prior
        return Distribution.from_array(np.exp(sharpened - sharpened.max()))

    def _close_gone(self, now: float) -> None:
        """Adds the last stretches of faces that are gone."""
        for track, (begun, length, smoothed) in list(self._stretches.items()):
            if now - (begun + length) > _GONE:
                self._count(smoothed, self._share(length))
                del self._stretches[track]

    def _share(self, length: float) -> float:
        """The weight of a stretch of this many seconds; one that has just begun hardly counts."""
        return max(length / self._span, 1e-6)

    def _count(self, value: Distribution, share: float) -> None:
        self._total += share * self._evidence_of(value)
        self._weight += share

    def _evidence_of(self, value: Distribution) -> NDArray[np.float64]:
        numbers = np.array(value.as_tuple())
        return np.log(np.maximum(numbers, MIN)) if self._evidence else numbers

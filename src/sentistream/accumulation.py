"""How the answers of moments add up to one: over the last second or so, and over all.

Beside Equation 1 (``smoothing``) stands a mean of logarithms: moments are taken as
independent witnesses, so that a sure one counts for more than several that waver, and the
whole is sharpened or softened until its confidence is its accuracy.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.profiles import Profile
from sentistream.smoothing import Smoother, weight
from sentistream.types import Distribution, Label

_LEAST = 1e-4
"""No single moment rules a class out."""


class Accumulator(Protocol):
    """The running answer about one face."""

    @property
    def time(self) -> float: ...

    @property
    def label(self) -> Label: ...

    def update(self, value: Distribution, time: float) -> Distribution: ...


class EvidenceSmoother:
    """The running mean of logarithms about one face, forgotten as Equation 1 forgets.

    Args:
        time_constant: Seconds in which all but 1/e of the past is forgotten; positive.
        sharpness: What the mean is multiplied with before it becomes a distribution.
        unknown_below: Confidence below which the label is ``unknown``.

    Raises:
        ValueError: The time constant is not positive.
    """

    def __init__(self, time_constant: float, sharpness: float, unknown_below: float) -> None:
        if not (math.isfinite(time_constant) and time_constant > 0):
            raise ValueError(f"A time constant is positive, not {time_constant}.")
        self._time_constant = time_constant
        self._sharpness = sharpness
        self._unknown_below = unknown_below
        self._time = -math.inf
        self._mean: NDArray[np.float64] | None = None
        self._answer: Distribution | None = None

    @property
    def time(self) -> float:
        """When the last value came, seconds; minus infinity before the first."""
        return self._time

    @property
    def label(self) -> Label:
        """The answer's class, or ``unknown`` where it is not confident enough."""
        if self._answer is None or self._answer.confidence < self._unknown_below:
            return Label.UNKNOWN
        return self._answer.label

    def update(self, value: Distribution, time: float) -> Distribution:
        """The answer accumulated up to ``time``, seconds.

        Raises:
            ValueError: ``time`` lies before the last one.
        """
        if time < self._time:
            raise ValueError(f"Time goes on: {time} s comes after {self._time} s.")
        logarithms = _logarithms(value)
        if self._mean is None:
            self._mean = logarithms
        else:
            self._mean = self._mean + weight(time - self._time, self._time_constant) * (
                logarithms - self._mean
            )
        self._time = time
        self._answer = _distribution(self._sharpness * self._mean)
        return self._answer


class Overall:
    """The answer about a whole clip, from all the moments of all its faces.

    Args:
        profile: Says how moments add up.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._total = np.zeros(3)
        self._count = 0

    def add(self, value: Distribution) -> None:
        """One moment's answer about one face."""
        evidence = self._profile.accumulation == "evidence"
        self._total += _logarithms(value) if evidence else np.array(value.as_tuple())
        self._count += 1

    @property
    def answer(self) -> Distribution | None:
        """None where there was no moment."""
        if not self._count:
            return None
        mean = self._total / self._count
        if self._profile.accumulation == "evidence":
            return _distribution(self._profile.sharpness * mean)
        return Distribution.from_array(mean)


def make_accumulator(profile: Profile) -> Accumulator:
    """What a profile's readings are smoothed with."""
    if profile.accumulation == "evidence":
        return EvidenceSmoother(profile.time_constant, profile.sharpness, profile.unknown_below)
    return Smoother(profile.time_constant)


def _logarithms(value: Distribution) -> NDArray[np.float64]:
    return np.log(np.maximum(value.as_tuple(), _LEAST))


def _distribution(logarithms: NDArray[np.float64]) -> Distribution:
    shares = np.exp(logarithms - logarithms.max())
    return Distribution.from_array(shares)

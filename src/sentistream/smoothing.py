"""Equation 1 of the paper, an exponentially weighted moving average, in seconds.

The paper forgets a tenth of the past every 30 ms. As a function of time,
``alpha(dt) = 1 - exp(-dt / tau)`` with ``tau = -0.03 / ln(0.9)`` gives the same answer there and
does not depend on how often pictures arrive.
"""

from __future__ import annotations

import math

from sentistream.types import Distribution


def weight(step: float, time_constant: float) -> float:
    """The weight alpha of the newest value after ``step`` seconds, 0 to 1."""
    return -math.expm1(-step / time_constant)


class Running:
    """The clock of a running answer.

    Args:
        time_constant: Seconds in which all but 1/e of the past is forgotten; positive.

    Raises:
        ValueError: The time constant is not positive.
    """

    def __init__(self, time_constant: float) -> None:
        if not (math.isfinite(time_constant) and time_constant > 0):
            raise ValueError(f"A time constant is positive, not {time_constant}.")
        self._time_constant = time_constant
        self._time = -math.inf

    @property
    def time(self) -> float:
        """Time of the last value, seconds; minus infinity before the first."""
        return self._time

    def _advance(self, time: float) -> float:
        """Advances to ``time``; returns the weight of a value at that time.

        Raises:
            ValueError: ``time`` lies before the last one.
        """
        if time < self._time:
            raise ValueError(f"Time goes on: {time} s comes after {self._time} s.")
        share = weight(time - self._time, self._time_constant)
        self._time = time
        return share


class Smoother(Running):
    """The running answer about one face.

    A value counts for the time since the previous value; the first is used as it is.
    """

    _value: Distribution | None = None

    def update(self, value: Distribution, time: float) -> Distribution:
        """The answer accumulated up to ``time``, seconds.

        Raises:
            ValueError: ``time`` lies before the last one.
        """
        alpha = self._advance(time)
        if self._value is None:
            self._value = value
        else:
            pairs = zip(self._value.as_tuple(), value.as_tuple(), strict=True)
            self._value = Distribution(*(old + alpha * (new - old) for old, new in pairs))
        return self._value

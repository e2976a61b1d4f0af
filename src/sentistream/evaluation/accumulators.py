"""Methods that accumulate per-moment predictions over time, run on recorded network outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.accumulation import MIN, EvidenceMean
from sentistream.evaluation.mood_sequences import RecordedSequence
from sentistream.profiles import LITE, PAPER
from sentistream.runtime.inference import Runnable
from sentistream.smoothing import Running, Smoother
from sentistream.types import Distribution, FloatArray
from sentistream.values import ByValue

Parameters = Mapping[str, float]


class Accumulator(Protocol):
    """Accumulates a distribution per moment."""

    def update(self, probabilities: FloatArray, time: float) -> FloatArray: ...


LONGEST_STEP = 0.12
"""Most seconds that one moment represents, in ``ForwardFilter``."""

_FLOOR = 1e-12


class ForwardFilter(Running):
    """The current mood, if moods last and change at random.

    The forward algorithm of a hidden Markov model (Rabiner 1989, section III) over the three
    classes: the mood changes to any other at a constant rate, and each moment is an observation.
    Moments resemble each other, so a second of them counts as ``strength`` independent ones. Once
    a class is nearly certain, nothing adds to it, and contrary evidence takes effect immediately,
    unlike in a mean over time.

    Args:
        rate: Rate of mood changes, 1/s, positive.
        strength: Independent observations per second, positive.
        temperature: Divides the answer's logarithms, positive.

    Raises:
        ValueError: One is not positive.
    """

    def __init__(self, rate: float, strength: float, temperature: float = 1.0) -> None:
        super().__init__(1 / rate if rate > 0 else rate)
        if not (strength > 0 and temperature > 0):
            raise ValueError(
                f"Strength and temperature are positive, not {strength}, {temperature}."
            )
        self._strength = strength
        self._temperature = temperature
        self._belief: NDArray[np.float64] = np.full(3, 1 / 3)

    def update(self, probabilities: FloatArray, time: float) -> FloatArray:
        """The accumulated distribution up to ``time`` (seconds), shape (3,).

        Raises:
            ValueError: ``time`` lies before the last one.
        """
        step = min(time - self.time, LONGEST_STEP)
        left = self._advance(time)
        belief = self._belief * (1 - left) + left / 3
        evidence = np.log(np.maximum(probabilities, MIN), dtype=np.float64)
        logarithms = np.log(belief) + self._strength * step * evidence
        belief = np.exp(logarithms - logarithms.max())
        self._belief = belief / belief.sum()
        shares = np.maximum(self._belief, _FLOOR) ** (1 / self._temperature)
        return np.asarray(shares / shares.sum(), dtype=np.float32)


class _Equation1:
    """``Smoother`` on arrays."""

    def __init__(self, time_constant: float) -> None:
        self._smoother = Smoother(time_constant)

    def update(self, probabilities: FloatArray, time: float) -> FloatArray:
        value = self._smoother.update(Distribution.from_array(probabilities), time)
        return np.asarray(value.as_tuple(), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Method(ByValue):
    """An accumulation method, and the parameters to choose from.

    Attributes:
        name: For tables.
        make: Creates an accumulator of one face's distributions from parameters.
        grid: Parameters to choose from, from the longest memory to the shortest.
        fused: Whether each moment's face and voice are fused before accumulation; otherwise the
            face alone is accumulated, and then fused with the voice's latest answer.
    """

    name: str
    make: Callable[[Parameters], Accumulator]
    grid: tuple[Parameters, ...] = field(repr=False)
    fused: bool = False

    def answers(
        self, recorded: RecordedSequence, parameters: Parameters, fusion: Runnable
    ) -> FloatArray:
        """The accumulated answer at each moment, shape (N, 3)."""
        values = fuse(recorded, recorded.face, fusion) if self.fused else recorded.face
        by_track: dict[int, Accumulator] = {}
        added = np.empty_like(values)
        for place, track in enumerate(recorded.tracks.tolist()):
            if track not in by_track:
                by_track[track] = self.make(parameters)
            added[place] = by_track[track].update(values[place], float(recorded.times[place]))
        return added if self.fused else fuse(recorded, added, fusion)


def fuse(recorded: RecordedSequence, face: FloatArray, fusion: Runnable) -> FloatArray:
    """The fused answer at each moment, from a face's distributions, shape (N, 3), and the voice."""
    return np.asarray(fusion.run(face=face, voice=recorded.voice, trust=recorded.trust))


SHIPPED = "mean of logarithms, as shipped"

_TIME_CONSTANTS = (5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.3)

_STRENGTHS = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (4.0, 2.0), (4.0, 3.0), (8.0, 3.0), (8.0, 4.0))

METHODS = (
    Method(
        "Equation 1, the paper's time constant",
        lambda chosen: _Equation1(chosen["time_constant"]),
        ({"time_constant": PAPER.time_constant},),
        fused=True,
    ),
    Method(
        "Equation 1",
        lambda chosen: _Equation1(chosen["time_constant"]),
        tuple({"time_constant": seconds} for seconds in _TIME_CONSTANTS),
        fused=True,
    ),
    Method(
        SHIPPED,
        lambda chosen: EvidenceMean(chosen["time_constant"]),
        ({"time_constant": LITE.time_constant},),
    ),
    Method(
        "mean of logarithms",
        lambda chosen: EvidenceMean(chosen["time_constant"]),
        tuple({"time_constant": seconds} for seconds in _TIME_CONSTANTS),
    ),
    Method(
        "hidden Markov model",
        lambda chosen: ForwardFilter(chosen["rate"], chosen["strength"], chosen["temperature"]),
        tuple(
            {"rate": rate, "strength": strength, "temperature": temperature}
            for strength, temperature in _STRENGTHS
            for rate in (0.02, 0.05, 0.1, 0.2, 0.5)
        ),
    ),
)
"""The methods compared; all but Equation 1 use the face's logarithms and the latest voice."""

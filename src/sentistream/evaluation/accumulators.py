"""Ways in which the answers of moments may add up over time, on what networks said of sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sentistream.accumulation import EvidenceMean, ForwardFilter
from sentistream.evaluation.mood_sequences import Recorded
from sentistream.profiles import PAPER
from sentistream.runtime.asking import Runnable
from sentistream.smoothing import Smoother
from sentistream.types import Distribution, FloatArray

Parameters = Mapping[str, float]


class Accumulator(Protocol):
    """What a distribution at each moment adds up to."""

    def update(self, probabilities: FloatArray, time: float) -> FloatArray: ...


class _Equation1:
    """``Smoother`` on arrays."""

    def __init__(self, time_constant: float) -> None:
        self._smoother = Smoother(time_constant)

    def update(self, probabilities: FloatArray, time: float) -> FloatArray:
        value = self._smoother.update(Distribution.from_array(probabilities), time)
        return np.asarray(value.as_tuple(), np.float32)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to add up, and the parameters to choose from.

    Attributes:
        name: For tables.
        make: From parameters, what adds up one face's distributions.
        grid: Parameters to choose from, from the longest memory to the shortest.
        fused: Whether each moment's face and voice are joined before they add up; otherwise the
            face alone adds up, and its sum is joined with the voice's latest answer.
    """

    name: str
    make: Callable[[Parameters], Accumulator]
    grid: tuple[Parameters, ...] = field(repr=False)
    fused: bool = False

    def answers(self, recorded: Recorded, parameters: Parameters, fusion: Runnable) -> FloatArray:
        """The accumulated answer at each moment, shape (N, 3)."""
        values = joined(recorded, recorded.face, fusion) if self.fused else recorded.face
        by_track: dict[int, Accumulator] = {}
        added = np.empty_like(values)
        for place, track in enumerate(recorded.tracks.tolist()):
            if track not in by_track:
                by_track[track] = self.make(parameters)
            added[place] = by_track[track].update(values[place], float(recorded.times[place]))
        return added if self.fused else joined(recorded, added, fusion)


def joined(recorded: Recorded, face: FloatArray, fusion: Runnable) -> FloatArray:
    """Of each moment what a face's distributions, shape (N, 3), and the voice say together."""
    return np.asarray(fusion.run(face=face, voice=recorded.voice, trust=recorded.trust))


SHIPPED = "mean of logarithms, as shipped"

_SPANS = (5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.3)

_WITNESSES = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (4.0, 2.0), (4.0, 3.0), (8.0, 3.0), (8.0, 4.0))

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
        tuple({"time_constant": seconds} for seconds in _SPANS),
        fused=True,
    ),
    Method(
        SHIPPED,
        lambda chosen: EvidenceMean(chosen["time_constant"]),
        ({"time_constant": 3.0},),
    ),
    Method(
        "mean of logarithms",
        lambda chosen: EvidenceMean(chosen["time_constant"]),
        tuple({"time_constant": seconds} for seconds in _SPANS),
    ),
    Method(
        "hidden Markov model",
        lambda chosen: ForwardFilter(chosen["rate"], chosen["strength"], chosen["temperature"]),
        tuple(
            {"rate": rate, "strength": strength, "temperature": temperature}
            for strength, temperature in _WITNESSES
            for rate in (0.02, 0.05, 0.1, 0.2, 0.5)
        ),
    ),
)
"""What is compared; the face's own logarithms and the latest voice in all but Equation 1."""

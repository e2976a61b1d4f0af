"""Accuracy against coverage: how right the answers are when only confident ones are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentistream.values import ByValue


@dataclass(frozen=True, slots=True, eq=False)
class CoverageCurve(ByValue):
    """What comes of answering only from some confidence on, for every confidence that occurs.

    Attributes:
        confidence: The least that is answered, falling, shape (K,).
        coverage: Share of all examples answered then, rising, shape (K,).
        accuracy: Share of those that are right, shape (K,).
        area: Area under the risk-coverage curve (mean error over the coverages reached), 0 to
            1, less is better; 1 without an answer.
        best_area: The area if every right answer were more confident than every wrong one.
    """

    confidence: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    area: float
    best_area: float

    def at(self, coverage: float) -> tuple[float, float, float] | None:
        """Confidence, coverage and accuracy at the least coverage of at least ``coverage``.

        None where so much is never covered.
        """
        index = int(np.searchsorted(self.coverage, coverage - 1e-9))
        if index == len(self.coverage):
            return None
        return (
            float(self.confidence[index]),
            float(self.coverage[index]),
            float(self.accuracy[index]),
        )


def coverage_curve(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], total: int
) -> CoverageCurve:
    """The curve of the answers given.

    Args:
        confidence: Of each answer, 0 to 1, shape (N,).
        correct: Whether it is right, shape (N,).
        total: Examples in all, those without an answer included.

    Raises:
        ValueError: There are more answers than examples, or the lengths differ.
    """
    if len(confidence) != len(correct) or len(confidence) > total:
        raise ValueError(f"{len(confidence)} answers do not fit {total} examples.")
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order].astype(np.float64)
    answered = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(correct[order]) / answered
    # answers of one confidence are given together
    last = np.append(np.diff(falling) != 0, True) if len(order) else np.zeros(0, bool)
    steps = np.diff(answered[last], prepend=0)
    errors = 1 - accuracy[last]
    best = 1 - np.cumsum(np.sort(correct)[::-1]) / answered
    return CoverageCurve(
        confidence=falling[last],
        coverage=answered[last] / total,
        accuracy=accuracy[last],
        area=float((steps * errors).sum() / len(order)) if len(order) else 1.0,
        best_area=float(best.mean()) if len(order) else 1.0,
    )

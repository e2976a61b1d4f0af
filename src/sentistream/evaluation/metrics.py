"""Figures of merit, with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.values import ByValue

_Z95 = 1.959964


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) when nothing was tried.

    Raises:
        ValueError: More were correct than tried, or a number is negative.
    """
    if not 0 <= correct <= total:
        raise ValueError(f"{correct} of {total} cannot be correct.")
    if total == 0:
        return 0.0, 1.0
    share, z2 = correct / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = share * (1 - share) / total + z2 / (4 * total**2)
    half = _Z95 / (1 + z2 / total) * math.sqrt(spread)
    return max(centre - half, 0.0), min(centre + half, 1.0)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence.

    Attributes:
        low, high: Edges of the confidence, 0 to 1.
        n: How many answers.
        confidence, accuracy: Their means; 0 where there are none.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability(
    truth: NDArray[np.integer], probabilities: NDArray[np.floating], bins: int = 10
) -> list[ReliabilityBin]:
    """Accuracy beside confidence, in bins of equal width over 0 to 1.

    Args:
        truth: Class numbers, shape (N,).
        probabilities: Of the classes, shape (N, classes).
        bins: How many.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    numbers = np.minimum((confidence * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        inside = numbers == number
        n = int(inside.sum())
        found.append(
            ReliabilityBin(
                low=number / bins,
                high=(number + 1) / bins,
                n=n,
                confidence=float(confidence[inside].mean()) if n else 0.0,
                accuracy=float(correct[inside].mean()) if n else 0.0,
            )
        )
    return found


def calibration_error(
    truth: NDArray[np.integer], probabilities: NDArray[np.floating], bins: int = 10
) -> float:
    """Expected calibration error, 0 to 1 (Guo et al. 2017): how far confidence is from accuracy.

    Args:
        truth: Class numbers, shape (N,).
        probabilities: Of the classes, shape (N, classes).
        bins: Of equal width, over the confidence of the answers.
    """
    return sum(
        abs(entry.accuracy - entry.confidence) * entry.n / len(truth)
        for entry in reliability(truth, probabilities, bins)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Figures(ByValue):
    """What was measured on ``n`` examples.

    Attributes:
        n: How many.
        accuracy: Share answered correctly.
        accuracy_ci95: Its Wilson interval; too narrow where examples of one person are alike.
        uar: Unweighted average recall over the classes that occur.
        macro_f1: Mean over the classes that occur of the F1 score.
        confusion: Counts; a row a true class, a column an answer.
    """

    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    uar: float
    macro_f1: float
    confusion: list[list[int]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, rounded to four digits."""
        return {
            "n": self.n,
            "accuracy": round(self.accuracy, 4),
            "accuracy_ci95": [round(value, 4) for value in self.accuracy_ci95],
            "uar": round(self.uar, 4),
            "macro_f1": round(self.macro_f1, 4),
            "confusion": self.confusion,
        }


def figures(truth: NDArray[np.integer], answers: NDArray[np.integer], classes: int) -> Figures:
    """Figures of answers beside the truth, both class numbers of shape (N,).

    Raises:
        ValueError: There is nothing to measure, or the lengths differ.
    """
    if len(truth) == 0 or len(truth) != len(answers):
        raise ValueError(f"{len(answers)} answers do not fit {len(truth)} examples.")
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (truth, answers), 1)
    right = confusion.diagonal()
    of_class, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    occurs = of_class > 0
    recall = right[occurs] / of_class[occurs]
    f1 = 2 * right[occurs] / (of_class[occurs] + answered[occurs])
    correct, total = int(right.sum()), len(truth)
    return Figures(
        n=total,
        accuracy=correct / total,
        accuracy_ci95=wilson_interval(correct, total),
        uar=float(recall.mean()),
        macro_f1=float(f1.mean()),
        confusion=confusion.tolist(),
    )

"""Metrics of classification, with confidence intervals, calibration and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.intervals import wilson_interval
from sentistream.values import ByValue


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers with about the same confidence.

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
    """Accuracy against confidence, in bins of equal width over 0 to 1.

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
class ClassificationMetrics(ByValue):
    """Figures measured on ``n`` examples.

    Attributes:
        n: How many.
        accuracy: Share answered correctly.
        accuracy_ci95: Its Wilson interval; too narrow if examples of one person are correlated.
        uar: Unweighted average recall over the classes that occur.
        macro_f1: Mean over the classes that occur of the F1 score.
        confusion: Counts; a row per true class, a column per answer.
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


def figures(
    truth: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> ClassificationMetrics:
    """Figures of answers against the truth, both class numbers of shape (N,).

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
    return ClassificationMetrics(
        n=total,
        accuracy=correct / total,
        accuracy_ci95=wilson_interval(correct, total),
        uar=float(recall.mean()),
        macro_f1=float(f1.mean()),
        confusion=confusion.tolist(),
    )


RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True, slots=True)
class PeopleBootstrap:
    """95 % percentile intervals from resampling people, each with all their examples.

    Attributes:
        people: How many there were to draw from; with fewer than about ten the intervals are
            still too narrow.
        accuracy_ci95: Of the accuracy over all examples.
        uar_ci95: Of the unweighted average recall.
        resamples: Number of resamples.
        seed: The random seed.
    """

    people: int
    accuracy_ci95: tuple[float, float]
    uar_ci95: tuple[float, float]
    resamples: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON, rounded to four digits."""
        return {
            "people": self.people,
            "accuracy_ci95": [round(value, 4) for value in self.accuracy_ci95],
            "uar_ci95": [round(value, 4) for value in self.uar_ci95],
            "resamples": self.resamples,
            "seed": self.seed,
        }


def people_bootstrap(
    truth: NDArray[np.integer],
    answers: NDArray[np.integer],
    people: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PeopleBootstrap | None:
    """The cluster bootstrap over people; None if fewer than two are named.

    Args:
        truth, answers: Class numbers, shape (N,).
        people: Each example's person; an unnamed one counts as a separate person.
        resamples: How often people are drawn, with replacement, as many as there are.
        seed: The random seed.

    Raises:
        ValueError: The lengths differ.
    """
    if not len(truth) == len(answers) == len(people):
        raise ValueError(f"{len(truth)}, {len(answers)} and {len(people)} examples differ.")
    if len({person for person in people if person}) < 2:
        return None
    clusters = [person or f"\0{index}" for index, person in enumerate(people)]
    names, member = np.unique(clusters, return_inverse=True)
    classes = int(max(truth.max(), answers.max())) + 1
    # of each person and class: how many there are, how many are right
    total = np.zeros((len(names), classes))
    right = np.zeros((len(names), classes))
    np.add.at(total, (member, truth), 1)
    np.add.at(right, (member, truth), truth == answers)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    totals, rights = drawn @ total, drawn @ right
    accuracy = rights.sum(axis=1) / totals.sum(axis=1)
    recall = np.divide(rights, totals, out=np.zeros_like(rights), where=totals > 0)
    uar = recall.sum(axis=1) / (totals > 0).sum(axis=1)
    return PeopleBootstrap(
        people=len(names),
        accuracy_ci95=_percentiles(accuracy),
        uar_ci95=_percentiles(uar),
        resamples=resamples,
        seed=seed,
    )


def cluster_interval(right: Sequence[int], total: Sequence[int]) -> tuple[float, float] | None:
    """95 % interval of a share by bootstrap over whole pictures, clips or people.

    Args:
        right, total: Of each of them: how many were right, and of how many.

    Returns:
        Percentiles of ``RESAMPLES`` draws; None if fewer than two have any.
    """
    tried = [(part, whole) for part, whole in zip(right, total, strict=True) if whole]
    if len(tried) < 2:
        return None
    rights, totals = np.array(tried, np.float64).T
    return ratio_interval(rights, totals)


def ratio_interval(
    values: NDArray[np.floating], weights: NDArray[np.floating]
) -> tuple[float, float] | None:
    """95 % interval of ``sum(values) / sum(weights)`` by bootstrap over the entries.

    Args:
        values, weights: Of each entry, shape (N,); values may be negative.

    Returns:
        Percentiles of ``RESAMPLES`` draws; None if there are fewer than two.
    """
    if len(values) < 2:
        return None
    generator = np.random.default_rng(SEED)
    count = len(values)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return _percentiles((drawn @ values) / (drawn @ weights))


def rounded_interval(interval: tuple[float, float] | None) -> list[float] | None:
    """For JSON."""
    return None if interval is None else [round(value, 4) for value in interval]


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class CoverageCurve(ByValue):
    """Accuracy against coverage, for every confidence threshold that occurs.

    Attributes:
        confidence: The thresholds, descending, shape (K,).
        coverage: Share of all examples answered then, ascending, shape (K,).
        accuracy: Share of those that are right, shape (K,).
        area: Area under the risk-coverage curve (mean error over the coverages reached), 0 to
            1, lower is better; 1 without an answer.
        best_area: The area if every right answer were more confident than every wrong one.
    """

    confidence: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    area: float
    best_area: float

    def at(self, coverage: float) -> tuple[float, float, float] | None:
        """Confidence, coverage and accuracy at the lowest coverage of at least ``coverage``.

        None if that much is never covered.
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
        total: All examples, including those without an answer.

    Raises:
        ValueError: There are more answers than examples, or the lengths differ.
    """
    if len(confidence) != len(correct) or len(confidence) > total:
        raise ValueError(f"{len(confidence)} answers do not fit {total} examples.")
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order].astype(np.float64)
    answered = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(correct[order]) / answered
    # answers with equal confidence are given together
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

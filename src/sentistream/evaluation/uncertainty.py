"""How far figures may be from the truth when few people, or few of a kind, were measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.evaluation.metrics import wilson_interval

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True, slots=True)
class PeopleBootstrap:
    """95 % percentile intervals from drawing people, each with all that is theirs, anew.

    Attributes:
        people: How many there were to draw from; with fewer than about ten the intervals are
            still too narrow.
        accuracy_ci95: Of the accuracy over all examples.
        uar_ci95: Of the unweighted average recall.
        resamples: How often people were drawn.
        seed: What the drawing started from.
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
    """The cluster bootstrap over people; None where fewer than two are named.

    Args:
        truth, answers: Class numbers, shape (N,).
        people: Who each is of; an example of nobody named counts as a person of its own.
        resamples: How often people are drawn, with replacement, as many as there are.
        seed: Of the drawing.

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


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """95 % interval of the difference of two independent shares (Newcombe 1998, method 10).

    Args:
        first, second: How many were right, and of how many (at least 1).

    Raises:
        ValueError: More were right than tried, or nothing was tried.
    """
    if min(first[1], second[1]) < 1:
        raise ValueError("A difference of shares needs something tried on both sides.")
    share_1, share_2 = first[0] / first[1], second[0] / second[1]
    (low_1, high_1), (low_2, high_2) = wilson_interval(*first), wilson_interval(*second)
    difference = share_1 - share_2
    return (
        difference - math.hypot(share_1 - low_1, high_2 - share_2),
        difference + math.hypot(high_1 - share_1, share_2 - low_2),
    )


def cluster_interval(right: Sequence[int], total: Sequence[int]) -> tuple[float, float] | None:
    """95 % interval of a share from drawing whole pictures, clips or people anew.

    Args:
        right, total: Of each of them: how many were right, and of how many.

    Returns:
        Percentiles of ``RESAMPLES`` draws; None where fewer than two have any.
    """
    tried = [(part, whole) for part, whole in zip(right, total, strict=True) if whole]
    if len(tried) < 2:
        return None
    rights, totals = np.array(tried, np.float64).T
    generator = np.random.default_rng(SEED)
    drawn = generator.multinomial(len(tried), np.full(len(tried), 1 / len(tried)), size=RESAMPLES)
    return _percentiles((drawn @ rights) / (drawn @ totals))


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)

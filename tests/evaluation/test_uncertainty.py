"""Intervals against published examples, and their width where people are alike."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.evaluation.evaluation_metrics import people_bootstrap
from sentistream.intervals import difference_interval, wilson_interval


def test_newcombe_intervals_match_published_examples() -> None:
    # Newcombe (1998), table II, method 10
    assert difference_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference_interval((9, 10), (3, 10)) == pytest.approx((0.1705, 0.8090), abs=1e-4)
    assert difference_interval((10, 10), (0, 10)) == pytest.approx((0.6075, 1.0), abs=1e-4)
    with pytest.raises(ValueError, match="something tried"):
        difference_interval((0, 0), (1, 2))


def test_similar_answers_within_people_widen_the_interval() -> None:
    """Ten people, each always right or always wrong: worth ten examples, not a hundred."""
    people = [f"p{index // 10}" for index in range(100)]
    truth = np.zeros(100, int)
    answers = np.repeat([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 10)
    got = people_bootstrap(truth, answers, people)
    assert got is not None
    low, high = got.accuracy_ci95
    assert got.people == 10
    assert (low, high) == pytest.approx((0.3, 0.9), abs=0.05)  # binomial of ten people
    assert high - low > 1.5 * np.diff(wilson_interval(60, 100))[0]
    again = people_bootstrap(truth, answers, people)
    assert again == got


def test_equal_people_leave_no_between_person_uncertainty() -> None:
    truth = np.tile([0, 1], 20)
    answers = np.tile([0, 0], 20)
    got = people_bootstrap(truth, answers, [f"p{index // 2}" for index in range(40)])
    assert got is not None
    assert got.accuracy_ci95 == (0.5, 0.5)
    assert got.uar_ci95 == (0.5, 0.5)


def test_average_recall_covers_the_classes_drawn() -> None:
    """One person per class, all right: whoever is drawn, the recall is 1."""
    got = people_bootstrap(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 2]), ["a", "a", "b", "c"])
    assert got is not None
    assert got.uar_ci95 == (1.0, 1.0)


def test_bootstrap_needs_people() -> None:
    assert people_bootstrap(np.array([0, 1]), np.array([0, 1]), ["", ""]) is None
    assert people_bootstrap(np.array([0, 1]), np.array([0, 1]), ["ann", "ann"]) is None
    with pytest.raises(ValueError, match="differ"):
        people_bootstrap(np.array([0, 1]), np.array([0, 1]), ["ann"])

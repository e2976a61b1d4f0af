"""The hidden Markov model that accumulators are compared with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.accumulation import EvidenceMean
from sentistream.evaluation.accumulators import LONGEST_STEP, ForwardFilter
from sentistream.types import FloatArray

SURE = (0.01, 0.04, 0.95)

positive = st.floats(0.01, 1)
distributions = st.tuples(positive, positive, positive).map(
    lambda values: np.array(values, np.float32) / np.float32(sum(values))
)


@given(st.lists(distributions, min_size=1, max_size=20), st.permutations([0, 1, 2]))
def test_forward_filter_favors_no_class(answers: list[FloatArray], order: list[int]) -> None:
    plain, mixed = ForwardFilter(0.1, 4.0, 2.0), ForwardFilter(0.1, 4.0, 2.0)
    for step, value in enumerate(answers):
        one = plain.update(value, step * 0.06)
        other = mixed.update(value[order], step * 0.06)
        np.testing.assert_allclose(one[order], other, atol=1e-5)
        assert one.sum() == pytest.approx(1, abs=1e-5)


@given(st.lists(distributions, min_size=1, max_size=20))
def test_infinite_persistence_gives_the_product_of_moments(answers: list[FloatArray]) -> None:
    """Bayes' rule, each moment weighted by its duration."""
    running = ForwardFilter(1e-9, 2.0)
    for step, value in enumerate(answers):
        found = running.update(value, step * 0.1)
    seconds = np.array([LONGEST_STEP] + [0.1] * (len(answers) - 1))
    logarithms = (2.0 * seconds[:, np.newaxis] * np.log(answers)).sum(axis=0)
    expected = np.exp(logarithms - logarithms.max())
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-4)


def test_forward_filter_reacts_at_once_after_long_certainty() -> None:
    """Unlike a mean over a full window."""
    delays = []
    for running in (ForwardFilter(0.2, 4.0, 2.0), EvidenceMean(3.0)):
        for step in range(200):
            running.update(np.array(SURE, np.float32), step * 0.06)
        for step in range(200, 400):
            if running.update(np.array(SURE[::-1], np.float32), step * 0.06).argmax() == 0:
                delays.append((step - 200) * 0.06)
                break
    assert delays[0] < delays[1] / 2


def test_forward_filter_forgets_during_a_pause() -> None:
    running = ForwardFilter(0.1, 4.0)
    for step in range(100):
        running.update(np.array(SURE, np.float32), step * 0.06)
    after = running.update(np.full(3, 1 / 3, np.float32), 6 + 200)
    np.testing.assert_allclose(after, 1 / 3, atol=1e-3)


@pytest.mark.parametrize("parameters", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1)])
def test_forward_filter_needs_positive_parameters(parameters: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="positive"):
        ForwardFilter(*parameters)


def test_forward_filter_refuses_time_running_backwards() -> None:
    running = ForwardFilter(0.1, 4.0)
    running.update(np.array(SURE, np.float32), 1.0)
    with pytest.raises(ValueError, match="Time goes on"):
        running.update(np.array(SURE, np.float32), 0.5)

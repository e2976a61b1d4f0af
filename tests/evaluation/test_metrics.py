"""Metrics against worked examples and mathematical properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.evaluation.evaluation_metrics import calibration_error, figures
from sentistream.intervals import wilson_interval


def test_wilson_interval_of_the_papers_fused_result() -> None:
    low, high = wilson_interval(49, 54)
    assert low == pytest.approx(0.8009, abs=1e-4)
    assert high == pytest.approx(0.9598, abs=1e-4)


@given(total=st.integers(1, 10_000), data=st.data())
def test_wilson_interval_contains_the_share_and_narrows(total: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, total))
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total + 1e-12
    assert correct / total - 1e-12 <= high <= 1
    more = wilson_interval(correct * 4, total * 4)
    assert more[1] - more[0] < high - low
    mirrored = wilson_interval(total - correct, total)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_metrics_match_manual_results() -> None:
    truth = np.array([0, 0, 1, 1, 1, 1])
    answers = np.array([0, 1, 1, 1, 1, 0])
    got = figures(truth, answers, classes=3)
    assert got.confusion == [[1, 1, 0], [1, 3, 0], [0, 0, 0]]
    assert got.accuracy == pytest.approx(4 / 6)
    assert got.uar == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert got.macro_f1 == pytest.approx((2 / 4 + 6 / 8) / 2)


def test_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="0 answers"):
        figures(np.array([], int), np.array([], int), classes=3)
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(3, 2)


def test_calibration_error_is_zero_when_confidence_is_accuracy() -> None:
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert calibration_error(np.array([0, 0, 0, 1]), probabilities) == pytest.approx(0)
    assert calibration_error(np.array([1, 1, 1, 1]), probabilities) == pytest.approx(0.75)

"""The accuracy-coverage curve, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.evaluation.evaluation_metrics import coverage_curve


def test_curve_matches_manual_results() -> None:
    curve = coverage_curve(
        np.array([0.5, 0.9, 0.7, 0.7]), np.array([False, True, True, False]), total=5
    )
    assert curve.confidence.tolist() == [0.9, 0.7, 0.5]  # the two at 0.7 are added together
    assert curve.coverage.tolist() == [0.2, 0.6, 0.8]
    assert curve.accuracy.tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    assert curve.area == pytest.approx((1 * 0 + 2 * (1 / 3) + 1 * (1 / 2)) / 4)
    assert curve.at(0.3) == pytest.approx((0.7, 0.6, 2 / 3))
    assert curve.at(0.2) == pytest.approx((0.9, 0.2, 1))
    assert curve.at(0.9) is None  # one of five has no answer


def test_no_answers_cover_nothing() -> None:
    curve = coverage_curve(np.zeros(0), np.zeros(0, bool), total=3)
    assert curve.at(0.1) is None
    assert curve.area == 1
    with pytest.raises(ValueError, match="do not fit"):
        coverage_curve(np.ones(2), np.ones(2, bool), total=1)

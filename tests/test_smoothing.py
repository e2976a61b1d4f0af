from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.profiles import PAPER
from sentistream.smoothing import Smoother, weight
from sentistream.types import Distribution


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    parts = [draw(st.floats(0.01, 1)) for _ in range(3)]
    total = sum(parts)
    return Distribution(*(part / total for part in parts))


steps = st.floats(0, 30)


def test_papers_step_has_the_papers_weight() -> None:
    assert weight(0.030, PAPER.time_constant) == pytest.approx(0.1, abs=1e-12)


@given(st.lists(distributions(), min_size=1, max_size=60))
def test_smoothing_equals_equation_1_at_30_ms(values: list[Distribution]) -> None:
    smoother = Smoother(PAPER.time_constant)
    expected: tuple[float, ...] = values[0].as_tuple()
    for i, value in enumerate(values):
        got = smoother.update(value, 5.0 + i * 0.030)
        if i:
            expected = tuple(
                0.1 * new + 0.9 * old for new, old in zip(value.as_tuple(), expected, strict=True)
            )
        assert got.as_tuple() == pytest.approx(expected, abs=1e-9)


@given(distributions(), distributions(), steps, st.floats(0, 1))
def test_split_step_gives_the_same_result(
    first: Distribution, value: Distribution, step: float, share: float
) -> None:
    whole, cut = Smoother(0.3), Smoother(0.3)
    for smoother in (whole, cut):
        smoother.update(first, 0.0)
    cut.update(value, step * share)
    got, expected = cut.update(value, step), whole.update(value, step)
    assert got.as_tuple() == pytest.approx(expected.as_tuple(), abs=1e-12)


@given(st.lists(st.tuples(distributions(), steps), min_size=1, max_size=40))
def test_result_is_a_distribution_between_its_inputs(
    inputs: list[tuple[Distribution, float]],
) -> None:
    smoother, time = Smoother(0.285), 0.0
    for value, step in inputs:
        time += step
        got = smoother.update(value, time)
    assert sum(got.as_tuple()) == pytest.approx(1)
    for i, part in enumerate(got.as_tuple()):
        seen = [value.as_tuple()[i] for value, _ in inputs]
        assert min(seen) - 1e-9 <= part <= max(seen) + 1e-9


@given(st.lists(st.tuples(distributions(), steps), min_size=1, max_size=20))
def test_order_of_classes_is_irrelevant(inputs: list[tuple[Distribution, float]]) -> None:
    plain, turned, time = Smoother(0.285), Smoother(0.285), 0.0
    for value, step in inputs:
        time += step
        one = plain.update(value, time).as_tuple()
        positive, neutral, negative = value.as_tuple()
        other = turned.update(Distribution(neutral, negative, positive), time).as_tuple()
        assert other == pytest.approx((one[1], one[2], one[0]), abs=1e-12)


def test_long_gap_leaves_only_the_current_answer() -> None:
    smoother = Smoother(0.285)
    smoother.update(Distribution(1, 0, 0), 0.0)
    assert smoother.update(Distribution(0, 0, 1), 60.0).negative == pytest.approx(1)


def test_zero_time_changes_nothing() -> None:
    smoother = Smoother(0.285)
    smoother.update(Distribution(1, 0, 0), 1.0)
    assert smoother.update(Distribution(0, 0, 1), 1.0) == Distribution(1, 0, 0)


def test_invalid_times_are_refused() -> None:
    smoother = Smoother(0.285)
    smoother.update(Distribution(1, 0, 0), 1.0)
    with pytest.raises(ValueError, match="Time goes on"):
        smoother.update(Distribution(1, 0, 0), 0.5)
    for time_constant in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="is positive"):
            Smoother(time_constant)

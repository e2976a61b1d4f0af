"""Whole percentages add up, and each is off by less than one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.percentages import whole_percentages

parts = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=12).filter(
    lambda each: sum(each) > 1e-6
)


@given(parts)
def test_percentages_add_up_to_a_hundred(given_parts: list[float]) -> None:
    shares = [part / sum(given_parts) for part in given_parts]
    whole = whole_percentages(shares)
    assert sum(whole) == 100
    for percent, share in zip(whole, shares, strict=True):
        assert abs(percent - 100 * share) < 1 + 1e-6
        assert percent >= 0


@given(parts)
def test_larger_share_never_gets_less(given_parts: list[float]) -> None:
    shares = [part / sum(given_parts) for part in given_parts]
    ordered = sorted(zip(shares, whole_percentages(shares), strict=True), reverse=True)
    for (more, high), (less, low) in itertools.pairwise(ordered):
        # equal shares may differ by one, as three thirds do
        assert high >= low or more - less < 1e-9


def test_rounding_examples() -> None:
    assert whole_percentages([1 / 3, 1 / 3, 1 / 3]) == (34, 33, 33)
    # rounded one by one they would be 13, 13 and 75: 101 in all
    assert whole_percentages([0.125, 0.125, 0.75]) == (13, 12, 75)
    assert whole_percentages([0.005, 0.005, 0.99]) == (1, 0, 99)
    assert whole_percentages([]) == ()
    # two of three classes keep their own sum
    assert whole_percentages([0.255, 0.255]) == (26, 25)


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf")])
def test_invalid_shares_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="numbers of 0"):
        whole_percentages([0.5, wrong])

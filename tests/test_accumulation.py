"""Evidence adds up; what is unsure is called unknown."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.accumulation import EvidenceSmoother, Overall, make_accumulator
from sentistream.profiles import LITE, PAPER
from sentistream.smoothing import Smoother
from sentistream.types import Distribution, Label

SURE = Distribution(0.01, 0.04, 0.95)
WAVERING = Distribution(0.40, 0.35, 0.25)

positive = st.floats(0.01, 1)
distributions = st.tuples(positive, positive, positive).map(
    lambda v: Distribution(*(value / sum(v) for value in v))
)


def smoother(sharpness: float = 1.0, unknown_below: float = 0.45) -> EvidenceSmoother:
    return EvidenceSmoother(1.0, sharpness, unknown_below)


def test_a_sure_moment_outweighs_wavering_ones() -> None:
    evidence, mean = Overall(LITE), Overall(PAPER)
    for value in (WAVERING, WAVERING, SURE):
        evidence.add(value)
        mean.add(value)
    assert evidence.answer is not None
    assert mean.answer is not None
    assert evidence.answer.label is Label.NEGATIVE
    assert evidence.answer.negative > mean.answer.negative


def test_nothing_seen_gives_no_answer() -> None:
    assert Overall(LITE).answer is None
    assert smoother().label is Label.UNKNOWN


def test_thin_evidence_is_unknown() -> None:
    running = smoother()
    labels = []
    for step, value in enumerate([WAVERING] + 200 * [SURE]):
        running.update(value, step * 0.03)
        labels.append(running.label)
    assert labels[0] is Label.UNKNOWN
    assert labels[-1] is Label.NEGATIVE


@given(distributions, st.integers(1, 40))
def test_one_answer_repeated_stays_itself(value: Distribution, times: int) -> None:
    running = smoother()
    for step in range(times):
        found = running.update(value, 0.03 * step)
    assert found.as_tuple() == pytest.approx(value.as_tuple(), abs=1e-6)


@given(st.lists(distributions, min_size=2, max_size=8), st.floats(0.001, 0.5))
def test_showing_a_moment_twice_at_one_time_changes_nothing(
    values: list[Distribution], step: float
) -> None:
    once, twice = smoother(), smoother()
    for number, value in enumerate(values):
        first = once.update(value, number * step)
        twice.update(value, number * step)
        second = twice.update(value, number * step)
    assert first.as_tuple() == pytest.approx(second.as_tuple(), abs=1e-6)


def test_sharpness_moves_confidence_but_not_the_class() -> None:
    soft, sharp = smoother(0.5), smoother(2.0)
    assert soft.update(SURE, 0).confidence < SURE.confidence < sharp.update(SURE, 0).confidence
    assert soft.label is sharp.label


def test_time_goes_on_and_constants_are_positive() -> None:
    running = smoother()
    running.update(SURE, 1.0)
    with pytest.raises(ValueError, match="Time goes on"):
        running.update(SURE, 0.5)
    with pytest.raises(ValueError, match="positive"):
        EvidenceSmoother(0.0, 1.0, 0.0)


def test_each_profile_has_its_own() -> None:
    assert isinstance(make_accumulator(PAPER), Smoother)
    assert isinstance(make_accumulator(LITE), EvidenceSmoother)
    plain = dataclasses.replace(LITE, accumulation="mean")
    assert isinstance(make_accumulator(plain), Smoother)

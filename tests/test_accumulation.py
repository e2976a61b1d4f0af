"""Evidence accumulates; one certain moment outweighs several uncertain ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.accumulation import EvidenceMean, Overall
from sentistream.profiles import LITE, PAPER
from sentistream.types import Branch, Distribution, FloatArray, Label, Reading
from stub_networks import make_face

SURE = (0.01, 0.04, 0.95)
WAVERING = (0.40, 0.35, 0.25)

positive = st.floats(0.01, 1)
distributions = st.tuples(positive, positive, positive).map(
    lambda values: np.array(values, np.float32) / np.float32(sum(values))
)


def reading(time: float, momentary: tuple[float, ...], smoothed: tuple[float, ...]) -> Reading:
    return Reading(
        time=time,
        face=make_face(1),
        mouth_open=0.1,
        branch=Branch.FACE,
        momentary=Distribution(*momentary),
        smoothed=Distribution(*smoothed),
        label=Label.NEUTRAL,
    )


def test_certain_moment_outweighs_uncertain_ones() -> None:
    running = EvidenceMean(3.0)
    for step, value in enumerate((WAVERING, WAVERING, SURE)):
        found = running.update(np.array(value, np.float32), step * 0.03)
    assert found.argmax() == 2
    assert found[2] > np.mean([WAVERING, WAVERING, SURE], axis=0)[2]


@given(distributions, st.integers(1, 40))
def test_repeated_answer_stays_the_same(value: FloatArray, times: int) -> None:
    running = EvidenceMean(0.5)
    for step in range(times):
        found = running.update(value, 0.03 * step)
    np.testing.assert_allclose(found, value, atol=1e-5)


@given(st.lists(distributions, min_size=2, max_size=12))
def test_first_moments_have_equal_weight(values: list[FloatArray]) -> None:
    running = EvidenceMean(10.0)
    for step, value in enumerate(values):
        found = running.update(value, 0.1 * step)
    expected = np.exp(np.mean(np.log(values), axis=0))
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-4)


def test_old_evidence_is_forgotten() -> None:
    running = EvidenceMean(1.0)
    for step in range(60):
        running.update(np.array(WAVERING, np.float32), 0.1 * step)
    for step in range(60, 160):
        found = running.update(np.array(SURE, np.float32), 0.1 * step)
    np.testing.assert_allclose(found, SURE, atol=0.01)


def test_time_must_advance_and_constants_be_positive() -> None:
    running = EvidenceMean(1.0)
    running.update(np.array(SURE, np.float32), 1.0)
    with pytest.raises(ValueError, match="Time goes on"):
        running.update(np.array(SURE, np.float32), 0.5)
    with pytest.raises(ValueError, match="positive"):
        EvidenceMean(0.0)


def test_short_clip_has_the_answer_of_its_last_reading() -> None:
    overall = Overall(LITE)
    overall.add(reading(0.1 * step, WAVERING, WAVERING) for step in range(20))
    overall.add([reading(2.0, WAVERING, SURE)])
    assert overall.answer is not None
    power = 1 + (1 / LITE.overall_temperature - 1) * 2.0 / LITE.stretch
    sharpened = np.array(SURE) ** power
    assert overall.answer.as_tuple() == pytest.approx(sharpened / sharpened.sum(), abs=1e-3)


def test_single_moment_keeps_its_certainty() -> None:
    overall = Overall(LITE)
    overall.add([reading(0.0, WAVERING, WAVERING)])
    assert overall.answer is not None
    assert overall.answer.as_tuple() == pytest.approx(WAVERING, abs=1e-5)


def test_prior_counts_once() -> None:
    profile = LITE.with_prior("everyday")
    factors = profile.prior.factors(profile.learned_shares)
    assert factors is not None
    plain, corrected = Overall(LITE), Overall(profile)
    for second in range(12):
        values = np.array(SURE if second % 4 else WAVERING)
        plain.add([reading(second, WAVERING, tuple(values))])
        corrected.add([reading(second, WAVERING, tuple(values * factors / (values @ factors)))])
    assert plain.answer is not None
    assert corrected.answer is not None
    expected = np.array(plain.answer.as_tuple()) * factors
    assert corrected.answer.as_tuple() == pytest.approx(expected / expected.sum(), rel=1e-4)


def test_long_clip_has_the_answer_of_all_its_parts() -> None:
    overall = Overall(LITE)
    for second in range(30):
        overall.add([reading(second, SURE, SURE if second < 20 else WAVERING)])
    assert overall.answer is not None
    assert overall.answer.label is Label.NEGATIVE
    only_sure = Overall(LITE)
    only_sure.add(reading(second, SURE, SURE) for second in range(30))
    assert only_sure.answer is not None
    assert overall.answer.negative < only_sure.answer.negative


def test_paper_clips_have_the_mean_of_their_moments() -> None:
    overall = Overall(PAPER)
    overall.add([reading(0, SURE, WAVERING), reading(1, WAVERING, WAVERING)])
    assert overall.answer is not None
    assert overall.answer.as_tuple() == pytest.approx(np.mean([SURE, WAVERING], axis=0))


def test_empty_clip_has_no_answer() -> None:
    for profile in (PAPER, LITE):
        overall = Overall(profile)
        overall.add([Reading(0.0)])
        assert overall.answer is None

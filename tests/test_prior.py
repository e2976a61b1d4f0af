"""Priors: how users name them, and their effect on answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import sentistream
from sentistream.accumulation import Overall
from sentistream.cli import main
from sentistream.datasets.manifest import Item
from sentistream.decision.lite import LiteDecision
from sentistream.errors import InputError
from sentistream.evaluation.predictions import Prediction, accuracy_facts, results_by_prior
from sentistream.prior import LEARNED, MIN_SHARE, PRIORS, Prior, correct, get_prior
from sentistream.profiles import LITE, PAPER
from sentistream.types import Distribution, Label, Moment, Reading
from stub_networks import StubNetwork, make_face
from synthetic_clips import flashing, write_clip
from synthetic_readings import picture

SHARES = st.tuples(*[st.floats(0.02, 1.0)] * 3).map(
    lambda values: tuple(value / sum(values) for value in values)
)


@given(SHARES, SHARES, st.lists(st.floats(0.001, 1.0), min_size=9, max_size=9))
def test_correction_is_bayes_rule(learned, wanted, likelihoods) -> None:  # type: ignore[no-untyped-def]
    """Posteriors under one prior become exactly those under the other."""
    likelihood = np.array(likelihoods).reshape(3, 3)
    posterior = likelihood * np.array(learned)
    posterior /= posterior.sum(axis=1, keepdims=True)
    expected = likelihood * np.array(wanted)
    expected /= expected.sum(axis=1, keepdims=True)
    factors = Prior("x", wanted).factors(learned)
    np.testing.assert_allclose(correct(posterior, factors), expected, rtol=1e-4)


def test_learned_prior_leaves_answers_unchanged() -> None:
    values = np.array([[0.2, 0.3, 0.5]], np.float32)
    assert correct(values, LEARNED.factors((0.5, 0.2, 0.3))) is values
    assert LITE.prior == PAPER.prior == LEARNED


@pytest.mark.parametrize("name", PRIORS)
def test_named_priors_are_known(name: str) -> None:
    prior = get_prior(name.upper())
    assert prior.name == name
    if prior.shares is not None:
        assert sum(prior.shares) == pytest.approx(1)
        assert min(prior.shares) >= MIN_SHARE


def test_numbers_are_normalized() -> None:
    assert get_prior("20, 60,20").shares == pytest.approx((0.2, 0.6, 0.2))


@pytest.mark.parametrize(
    "text", ["", "often", "0.5,0.5", "1,2,3,4", "0,1,1", "nan,1,1", "-1,1,1", "inf,1,1", "1,1000,1"]
)
def test_invalid_prior_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputError, match="everyday"):
        get_prior(text)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", flashing(1, []))


def _whole(answers: list[np.ndarray], factors: np.ndarray | None) -> np.ndarray:
    """The answer for a clip with these moments."""
    overall = Overall(LITE if factors is None else LITE.with_prior("everyday"))
    for place, one in enumerate(answers):
        corrected = Distribution.from_array(correct(one, factors))
        overall.add(
            [
                Reading(
                    time=place * 1.0,
                    face=make_face(),
                    momentary=corrected,
                    smoothed=corrected,
                    label=Label.NEUTRAL,
                )
            ]
        )
    assert overall.answer is not None
    return np.array(overall.answer.as_tuple())


def test_correcting_moments_corrects_the_clip() -> None:
    """``evaluate`` computes the effect of another prior from clip answers alone."""
    generator = np.random.default_rng(0)
    answers = list(generator.dirichlet(np.full(3, 5.0), size=20))
    factors = get_prior("everyday").factors(LITE.learned_shares)
    np.testing.assert_allclose(
        _whole(answers, factors), correct(_whole(answers, None), factors), atol=1e-5
    )


def test_analyzer_is_not_reused_for_another_prior(clip: Path) -> None:
    with sentistream.analyze(clip, prior="everyday") as analysis:
        next(iter(analysis))
        used = analysis.analyzer
        assert analysis.profile.prior.name == "everyday"
    with pytest.raises(ValueError, match="made for the prior everyday"):
        sentistream.analyze(clip, analyzer=used)


def test_decisions_are_corrected() -> None:
    """The networks' answers are multiplied by the factors, with and without voice."""

    profile = LITE.with_prior("0.1,0.8,0.1")
    shares = (0.5, 0.3, 0.2)
    decision = LiteDecision(
        profile,
        mouth=StubNetwork((0.0,)),
        face=StubNetwork(shares),
        voice=StubNetwork((1 / 3, 1 / 3, 1 / 3, 1.0)),
        fusion=StubNetwork(shares),
    )
    shown = picture()
    decision.update_faces(shown, [make_face()], 0.0)
    (verdict,) = decision.decide(Moment(0.0, shown, 0.0))
    factors = profile.prior.factors(profile.learned_shares)
    expected = correct(np.array(shares), factors)
    np.testing.assert_allclose(verdict.momentary.as_tuple(), expected, atol=1e-5)
    assert verdict.accumulated is not None
    np.testing.assert_allclose(verdict.accumulated.as_tuple(), expected, atol=1e-5)
    assert verdict.momentary.label is Label.NEUTRAL


def test_summary_names_the_prior(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["analyze", str(clip), "--prior", "1,2,1", "--seconds", "0.3", "--quiet"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(out)])
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["prior"] == {
        "name": "1,2,1",
        "shares": {"positive": 0.25, "neutral": 0.5, "negative": 0.25},
        "learned": {"positive": 0.35, "neutral": 0.36, "negative": 0.29},
    }
    assert summary["settings"]["prior"] == "1,2,1"
    refused = CliRunner().invoke(main, ["analyze", str(clip), "--prior", "some"])
    assert refused.exit_code == 2
    assert "everyday" in refused.output


def test_other_priors_are_evaluated_from_any_prior(tmp_path: Path) -> None:
    """Answers under one prior determine those under others, as answers without one do."""
    generator = np.random.default_rng(1)
    factors = get_prior("everyday").factors(LITE.learned_shares)
    plain, changed = [], []
    for number in range(30):
        values = generator.dirichlet(np.full(3, 2.0))
        item = Item(tmp_path / f"{number}.mp4", int(generator.integers(3)), f"p-{number}")
        plain.append(Prediction(item, values))
        changed.append(Prediction(item, np.asarray(correct(values, factors), np.float64)))
    changed.append(Prediction(item, None))
    plain.append(Prediction(item, None))
    rows = results_by_prior(plain, LITE, LITE.learned_shares)
    assert [row["prior"] for row in rows] == list(PRIORS)
    assert rows[0]["accuracy"] == accuracy_facts(plain)["accuracy"]
    assert rows[-1]["accuracy"] == accuracy_facts(changed)["accuracy"]
    again = results_by_prior(changed, LITE.with_prior("everyday"), LITE.learned_shares)
    for one, other in zip(rows, again, strict=True):
        assert one["recall"] == other["recall"]
        assert one["ece"] == pytest.approx(other["ece"], abs=1e-3)
    assert results_by_prior(plain, PAPER, PAPER.learned_shares) == []

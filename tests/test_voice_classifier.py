"""Two voice networks combined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentistream.decision.voice_classifier import (
    SPECTRUM_FRAMES,
    SPECTRUM_WEIGHT,
    Utterance,
    VoiceClassifier,
    combine,
    describe,
    padded,
)
from sentistream.profiles import LITE, PAPER
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice import features
from sentistream.voice.features import WIDTH
from sentistream.voice.functionals import NAMES
from sentistream.voice.voice_baseline import VoiceBaseline

shares = st.lists(st.floats(0.001, 1), min_size=3, max_size=3).map(
    lambda values: np.array([values], np.float32) / np.float32(sum(values))
)


class Answers:
    """A network that always returns the same answer, and records its inputs."""

    def __init__(self, *probabilities: float) -> None:
        self.probabilities = np.array([probabilities], np.float32)
        self.inputs: list[dict[str, NDArray[Any]]] = []

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        self.inputs.append(inputs)
        return np.repeat(self.probabilities, len(next(iter(inputs.values()))), axis=0)


NOTHING = np.zeros((1, 3), np.float32)
ONE = np.ones((1, 1), np.float32)


def combined(statistics: FloatArray, spectrum: FloatArray, familiarity: float = 1.0) -> FloatArray:
    """Of a voice heard for the first time."""
    return combine(
        statistics, np.log(spectrum[0]), NOTHING, NOTHING[:, :1], ONE * np.float32(familiarity)
    )


@given(shares, shares)
def test_combined_answers_are_probabilities_between_both(
    one: FloatArray, other: FloatArray
) -> None:
    joined = combined(one, other)
    assert joined.sum() == pytest.approx(1, abs=1e-5)
    odds = np.log(joined[0, 0] / joined[0, 2])
    between = sorted(np.log(answer[0, 0] / answer[0, 2]) for answer in (one, other))
    assert between[0] - 1e-2 <= odds <= between[1] + 1e-2


@given(shares)
def test_two_equal_answers_stay_the_same(one: FloatArray) -> None:
    np.testing.assert_allclose(combined(one, one), one, atol=1e-4)


@given(shares)
def test_uniform_answer_makes_the_other_less_certain(one: FloatArray) -> None:
    joined = combined(one, np.full((1, 3), 1 / 3, np.float32))
    assert joined.argmax() == one.argmax()
    assert joined.max() <= one.max() + 1e-4
    assert 0 < SPECTRUM_WEIGHT < 1


@given(shares, shares, st.floats(0, 1))
def test_unfamiliar_voice_has_a_less_certain_answer(
    one: FloatArray, other: FloatArray, familiarity: float
) -> None:
    whole, softened = combined(one, other), combined(one, other, familiarity)
    assert softened.sum() == pytest.approx(1, abs=1e-5)
    assert softened.max() <= whole.max() + 1e-5
    assert softened[0, whole.argmax()] >= softened.max() - 1e-5
    odds, before = (np.log(answer[0, 0] / answer[0, 2]) for answer in (softened, whole))
    assert odds == pytest.approx(familiarity * before, abs=1e-3)


@given(shares, shares)
def test_what_a_known_voice_always_gets_counts_for_nothing(
    statistics: FloatArray, spectrum: FloatArray
) -> None:
    logs = np.log(spectrum)
    usual = combine(statistics, logs[0], logs, ONE, ONE)
    uniform = np.full((1, 3), 1 / 3, np.float32)
    np.testing.assert_allclose(
        usual, combine(statistics, np.log(uniform[0]), NOTHING, ONE, ONE), atol=1e-4
    )


def test_short_sound_is_padded_and_long_sound_starts_later() -> None:
    frames = np.full((100, WIDTH, 1), 7, np.uint8)
    short = padded(frames)
    assert short.shape == (SPECTRUM_FRAMES, WIDTH)
    assert (short[:100] == 7).all() and not short[100:].any()
    long = np.arange(SPECTRUM_FRAMES + 5, dtype=np.uint32) % 251
    frames = np.repeat(long.astype(np.uint8)[:, None], WIDTH, axis=1)[..., None]
    np.testing.assert_array_equal(padded(frames), frames[5:, :, 0])


def test_silence_is_distinguished_from_padding() -> None:
    silence = features.extract_features(np.zeros(SOUND_RATE, np.float32))
    assert (silence.reshape(len(silence), WIDTH).max(axis=1) > 0).all()


def test_spectrum_is_computed_once_for_all_voices() -> None:
    statistics, spectrum = Answers(0.6, 0.3, 0.1, 0.5), Answers(0.1, 0.1, 0.8)
    utterance = Utterance(
        np.zeros(len(NAMES), np.float32), np.zeros((SPECTRUM_FRAMES, WIDTH), np.uint8)
    )
    baselines = [VoiceBaseline(), VoiceBaseline(), VoiceBaseline()]
    classifier = VoiceClassifier(statistics, spectrum)
    heard = classifier.hear(utterance)
    baselines[2].add(heard)
    answers = classifier.classify(heard, baselines)
    assert answers.shape == (3, 3)
    np.testing.assert_allclose(
        answers[0],
        combined(statistics.probabilities[:, :3], spectrum.probabilities, 0.5)[0],
        atol=1e-5,
    )
    np.testing.assert_array_equal(answers[0], answers[1])
    assert answers[2, 2] < answers[0, 2]  # the spectrum network always says negative
    assert [one["frames"].shape for one in spectrum.inputs] == [(1, SPECTRUM_FRAMES, WIDTH)]
    classifier = VoiceClassifier(statistics, None)
    alone = classifier.classify(classifier.hear(utterance), baselines)
    roots = np.sqrt(statistics.probabilities[0, :3])  # half as familiar: half the logarithms
    np.testing.assert_allclose(alone[0], roots / roots.sum(), atol=1e-4)


def test_shipped_networks_classify_a_tone() -> None:
    time = np.arange(2 * SOUND_RATE) / SOUND_RATE
    voice = np.sin(2 * np.pi * 160 * time) * (0.3 + 0.2 * np.sin(2 * np.pi * 3 * time))
    utterance = describe(features.extract_features(voice.astype(np.float32))[..., np.newaxis])
    classifier = VoiceClassifier.load(LITE)
    answers = classifier.classify(classifier.hear(utterance), [VoiceBaseline()])
    assert answers.sum() == pytest.approx(1, abs=1e-4)
    assert utterance == describe(features.extract_features(voice.astype(np.float32)))
    assert LITE.voice_spectrum_model in LITE.models
    assert not PAPER.voice_spectrum_model

"""Statistics of an utterance, and the baseline of a voice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice.features import extract_features
from sentistream.voice.functionals import NAMES, functionals
from sentistream.voice.voice_baseline import (
    HALF_KNOWN,
    MAX,
    HeardUtterance,
    VoiceBaseline,
    VoiceBaselines,
    network_inputs,
)


def voice(
    hertz: float, seconds: float = 1.5, *, wobble: float = 0.0, treble: float = 1.0
) -> FloatArray:
    """Harmonics of a pitch in syllables, five a second."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    bend = 2 ** (wobble * np.sin(2 * np.pi * 1.5 * time))
    phase = 2 * np.pi * np.cumsum(hertz * bend) / SOUND_RATE
    harmonics = sum(np.sin(k * phase) / k ** (2 / treble) for k in range(1, 20))
    syllables = 0.55 - 0.45 * np.cos(2 * np.pi * 5 * time)
    noise = np.random.default_rng(1).standard_normal(len(time)) * 1e-4
    return np.asarray(harmonics * syllables * 0.1 + noise, dtype=np.float32)


def measured(sound: FloatArray) -> dict[str, float]:
    return dict(zip(NAMES, functionals(extract_features(sound)).tolist(), strict=True))


@pytest.mark.parametrize("hertz", [95.0, 140.0, 180.0, 220.0])
def test_measured_pitch_is_the_voices(hertz: float) -> None:
    found = measured(voice(hertz))
    assert 2 ** found["pitch_median"] == pytest.approx(hertz, rel=0.04)
    assert found["voiced_share"] > 0.6


def test_each_value_follows_its_name() -> None:
    plain = measured(voice(120))
    assert measured(voice(120, wobble=0.2))["pitch_deviation"] > plain["pitch_deviation"] + 0.05
    assert measured(voice(120, treble=2))["alpha_ratio_mean"] < plain["alpha_ratio_mean"] - 5
    assert measured(voice(120) * 4)["level"] == pytest.approx(plain["level"] + 12, abs=0.7)
    assert plain["syllables_per_second"] == pytest.approx(5, abs=0.8)


def test_only_the_level_depends_on_the_gain() -> None:
    soft, loud = measured(voice(200) * 2), measured(voice(200) * 4)
    for name in NAMES:
        if name != "level":
            assert loud[name] == pytest.approx(soft[name], abs=0.25 + 0.05 * abs(soft[name])), name


@pytest.mark.parametrize("frames", [10, 60, 300])
@pytest.mark.parametrize("value", [0, 100, 254])
def test_any_frames_give_finite_values(frames: int, value: int) -> None:
    found = functionals(np.full((frames, 112, 1), value, np.uint8))
    assert found.shape == (len(NAMES),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@given(st.integers(10, 200), st.integers(0, 2**32 - 1))
def test_random_frames_give_finite_values(frames: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (frames, 112), np.uint8)
    assert np.isfinite(functionals(noise)).all()


def rows(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).normal(3, 2, (count, len(NAMES))).astype(np.float32)


def heard(values: NDArray[np.float32], *logs: float) -> HeardUtterance:
    return HeardUtterance(values, np.array(logs or (0.0, 0.0, 0.0), np.float32))


@given(st.integers(1, MAX))
def test_baseline_is_mean_and_spread(count: int) -> None:
    baseline, utterances = VoiceBaseline(), rows(count)
    for row in utterances:
        baseline.add(heard(row, *row[:3]))
    assert baseline.utterances == count
    assert baseline.known == pytest.approx(count / (count + HALF_KNOWN))
    assert baseline.spectrum_logs == pytest.approx(utterances[:, :3].mean(axis=0), abs=1e-3)
    assert baseline.mean == pytest.approx(utterances.mean(axis=0), abs=1e-3)
    assert baseline.spread == pytest.approx(utterances.std(axis=0), abs=1e-3)


def test_long_baseline_follows_a_changing_voice() -> None:
    baseline = VoiceBaseline()
    for row in rows(500):
        baseline.add(heard(row))
    for row in rows(300) + 10:
        baseline.add(heard(row))
    assert baseline.utterances == MAX
    assert baseline.mean.mean() == pytest.approx(13, abs=0.5)


def test_current_utterance_is_not_yet_in_the_baseline() -> None:
    baselines = VoiceBaselines(3.0)
    for step in range(100):
        baselines.take(step * 0.25, heard(np.full(len(NAMES), float(step), np.float32)), 7)
        usual = baselines.of(7)
        assert usual.utterances <= step * 0.25 / 3
        if usual.utterances:
            assert float(usual.mean.max()) <= step - 12
    assert baselines.of(7).utterances == baselines.of(None).utterances == 8
    assert baselines.of(8) is baselines.of(None)


def test_baseline_is_forgotten_with_its_track() -> None:
    baselines = VoiceBaselines(1.0)
    for step in range(5):
        baselines.take(float(step), heard(np.ones(len(NAMES), np.float32)), 1)
    assert baselines.of(1) is not baselines.of(None)
    baselines.forget({2})
    assert baselines.of(1) is baselines.of(None)
    baselines.take(9.0, heard(np.ones(len(NAMES), np.float32)), None)
    assert baselines.of(1) is baselines.of(None)


def test_network_gets_one_row_per_baseline() -> None:
    known = VoiceBaseline()
    known.add(heard(np.ones(len(NAMES), np.float32)))
    given_ = network_inputs(np.zeros(len(NAMES), np.float32), [VoiceBaseline(), known])
    assert given_["heard"].tolist() == [[0.0], [1.0]]
    assert given_["mean"].tolist() == [[0.0] * len(NAMES), [1.0] * len(NAMES)]
    assert given_["functionals"].shape == given_["spread"].shape == (2, len(NAMES))

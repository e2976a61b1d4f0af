"""Audio features: frequency bands, loudness and periodicity."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice.features import (
    BANDS,
    HIGHEST_VOICE_HZ,
    LOWEST_VOICE_HZ,
    PERIODS,
    WIDTH,
    extract_features,
)


def tone(hertz: float, seconds: float = 0.5, loudness: float = 1.0) -> FloatArray:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (loudness * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def buzz(hertz: float) -> FloatArray:
    """A voice-like sound: five harmonics."""
    parts = [tone(hertz * number, loudness=0.2 / number) for number in range(1, 6)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float32)


def test_higher_tones_are_in_higher_bands() -> None:
    bands = [
        int(extract_features(tone(hz))[:, :BANDS].mean(axis=0).argmax()) for hz in (150, 600, 3000)
    ]
    assert bands == sorted(set(bands))


def test_twenty_decibels_are_forty_steps() -> None:
    loud, soft = extract_features(tone(440)), extract_features(tone(440, loudness=0.1))
    peak = int(loud[:, :BANDS].mean(axis=0).argmax())
    assert loud[:, peak].mean() - soft[:, peak].mean() == pytest.approx(40, abs=1)


@pytest.mark.parametrize("hertz", [90, 140, 220, 350])
def test_periodicity_finds_the_pitch_at_any_loudness(hertz: float) -> None:
    pitches = np.geomspace(LOWEST_VOICE_HZ, HIGHEST_VOICE_HZ, PERIODS)
    # lower octaves repeat as well: the highest pitch among the best is the voice's own
    for loudness in (1.0, 0.01):
        values = extract_features(loudness * buzz(hertz))[:, BANDS:].mean(axis=0)
        best = pitches[np.flatnonzero(values > values.max() - 6)[-1]]
        assert best == pytest.approx(hertz, rel=0.07)


def test_noise_is_not_periodic() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, SOUND_RATE).astype(np.float32)
    high = slice(BANDS + PERIODS // 3, None)
    assert extract_features(buzz(300))[:, high].max() > 220
    assert extract_features(noise)[:, high].mean() < 160


def test_silence_is_neither_loud_nor_periodic() -> None:
    frames = extract_features(np.zeros(SOUND_RATE, np.float32))
    assert not frames[:, :BANDS].any()
    assert (frames[:, BANDS:] == 127).all()


def test_one_second_has_the_expected_number_of_frames() -> None:
    assert extract_features(tone(300, 1.0)).shape == (97, WIDTH)
    assert extract_features(tone(300, 0.01)).shape == (0, WIDTH)


def test_sound_above_the_highest_band_is_ignored() -> None:
    assert (
        extract_features(tone(15_000))[:, :BANDS].max()
        < extract_features(tone(1_000))[:, :BANDS].max() / 2
    )

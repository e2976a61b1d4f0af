"""The spectrogram equals scipy's, rendered like the paper's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="needs SciPy for comparison")

from scipy.signal import stft

from sentistream.types import FloatArray
from sentistream.voice import spectrogram
from sentistream.voice.spectrogram import VIRIDIS


def tone(frequency: float, amplitude: float) -> FloatArray:
    time = np.arange(spectrogram.SAMPLES) / 48_000
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(1e-4, 1))
def test_spectrogram_equals_scipy(seed: int, gain: float) -> None:
    sound = np.random.default_rng(seed).uniform(-gain, gain, spectrogram.SAMPLES)
    _, _, expected = stft(sound, 48_000, window="hann", nperseg=1_400, noverlap=250)
    assert expected.shape == (701, 3)
    assert np.abs(expected[:, 2]).max() == 0
    got = spectrogram.decibels(sound.astype(np.float32))
    # compared as magnitudes: decibels of nearly nothing are rounding errors
    assert np.allclose(10 ** (got / 20), np.abs(expected[:, :2]), atol=1e-7 + 1e-5 * gain)


def test_higher_tone_is_drawn_higher() -> None:
    brightest = [
        int(spectrogram.columns(tone(frequency, 0.1))[:, 0].astype(int).sum(axis=1).argmax())
        for frequency in (500, 4_000, 20_000)
    ]
    assert brightest == sorted(brightest, reverse=True)
    assert abs(brightest[2] - (400 - 400 * 20_000 / 24_000)) <= 2


def test_louder_tone_is_brighter_and_silence_is_darkest() -> None:
    quiet, loud = (spectrogram.columns(tone(1_000, a)).max() for a in (0.0005, 0.05))
    assert loud > quiet
    silence = spectrogram.picture(np.zeros(spectrogram.SAMPLES, np.float32))
    assert (silence == VIRIDIS[0]).all()


def test_picture_is_three_blocks_the_last_silent() -> None:
    drawn = spectrogram.picture(tone(1_000, 0.1))
    assert drawn.shape == (400, 400, 3)
    assert (drawn[:, :133] == drawn[:, :1]).all()
    assert (drawn[:, 133:267] == drawn[:, 133:134]).all()
    assert (drawn[:, 267:] == VIRIDIS[0]).all()
    assert not (drawn[:, 132] == drawn[:, 133]).all()


def test_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1440 samples, not \(1439,\)"):
        spectrogram.columns(np.zeros(1_439, np.float32))

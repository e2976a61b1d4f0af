"""Levels: where a tone shows, how loud it is, and that pieces give what the whole gives."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice import logmel


def tone(hertz: float, seconds: float = 0.5, loudness: float = 1.0) -> FloatArray:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (loudness * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def test_higher_tones_show_in_higher_bands() -> None:
    bands = [int(logmel.levels(tone(hertz)).mean(axis=0).argmax()) for hertz in (150, 600, 3000)]
    assert bands == sorted(set(bands))


def test_twenty_decibels_are_forty_steps() -> None:
    loud, soft = logmel.levels(tone(440)), logmel.levels(tone(440, loudness=0.1))
    peak = int(loud.mean(axis=0).argmax())
    assert loud[:, peak].mean() - soft[:, peak].mean() == pytest.approx(40, abs=1)


def test_silence_has_no_level() -> None:
    assert not logmel.levels(np.zeros(SOUND_RATE, np.float32)).any()


def test_one_second_has_its_frames() -> None:
    assert logmel.levels(tone(300, 1.0)).shape == (97, logmel.BANDS)
    assert logmel.levels(tone(300, 0.01)).shape == (0, logmel.BANDS)


def test_sound_above_the_highest_band_is_not_heard() -> None:
    assert logmel.levels(tone(15_000)).max() < logmel.levels(tone(1_000)).max() / 2

"""Augmented voices remain voices, in every recording condition."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.training.voice_augmentation import CONDITIONS, augment_voice
from synthetic_readings import talk


@pytest.mark.parametrize("condition", CONDITIONS)
def test_augmented_voice_remains_a_voice(condition: str) -> None:
    sound = talk(2.0)
    augmented = augment_voice(sound, condition, "a-1", None)
    assert augmented.dtype == np.float32
    assert np.isfinite(augmented).all()
    assert float(np.abs(augmented).max()) <= 1
    assert 0.85 < len(augmented) / len(sound) < 1.15
    # the same person is always in the same place
    assert np.array_equal(augmented, augment_voice(sound, condition, "a-1", None))


def test_digital_silence_becomes_faint_noise() -> None:
    sound = talk(1.0)
    sound[:20_000] = 0
    augmented = augment_voice(sound, CONDITIONS[0], "a-1", None)
    assert 0 < float(np.abs(augmented[:20_000]).max()) < 0.02 * float(np.abs(sound).max())
    spoken = np.abs(sound) > 1e-5
    assert np.array_equal(augmented[spoken], sound[spoken])

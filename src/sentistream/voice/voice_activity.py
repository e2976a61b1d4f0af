"""Voice activity detection: speech bands louder than the noise floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.types import UInt8Array
from sentistream.voice.features import FLOOR_DB, FRAME_STEP, STEP_DB

RISE_DB = 10.0
"""Speech is at least this much louder than the noise floor."""
MIN_DB = -88.0
"""Nothing below this counts as speech, however low the noise floor; dBFS per band."""
MEMORY = 10.0
"""Seconds over which the noise floor is estimated."""
_QUIET_SHARE = 0.1
_REMEMBERED = round(MEMORY / FRAME_STEP)
_HANGOVER = round(0.12 / FRAME_STEP)
_SPEECH_BANDS = slice(4, 48)  # about 180 Hz to 4.4 kHz


class VoiceActivity:
    """Classifies frames as speech or not.

    The noise floor is the 10th percentile of the last ten seconds' loudness. A hangover of
    0.12 s bridges stop consonants.
    """

    def __init__(self) -> None:
        self._loudness = np.zeros(0, np.float32)
        self._held = 0

    def update(self, frames: UInt8Array) -> NDArray[np.bool_]:
        """Which of the next frames are speech, shape (frames,).

        Args:
            frames: As ``features.extract_features`` gives them, shape (frames, 112).
        """
        if not len(frames):
            return np.zeros(0, bool)
        decibels = frames[:, _SPEECH_BANDS].astype(np.float32) * STEP_DB + FLOOR_DB
        loudness = decibels.mean(axis=1)
        self._loudness = np.concatenate([self._loudness, loudness])[-_REMEMBERED:]
        rank = int(_QUIET_SHARE * (len(self._loudness) - 1))
        quiet = float(np.partition(self._loudness, rank)[rank])
        loud = loudness > max(quiet + RISE_DB, MIN_DB)
        speech = np.zeros(len(loud), bool)
        for index, is_loud in enumerate(loud):
            self._held = _HANGOVER if is_loud else max(0, self._held - 1)
            speech[index] = self._held > 0
        return speech

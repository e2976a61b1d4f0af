"""A rolling buffer of acoustic features over the last seconds of sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.types import SOUND_RATE, FloatArray, Moment, UInt8Array
from sentistream.voice import features
from sentistream.voice.voice_activity import VoiceActivity

SPAN = 3.0
"""Length of the buffer, seconds."""
_FRAMES = round(SPAN / features.FRAME_STEP)
_RECENT = round(0.2 / features.FRAME_STEP)
_AT_ONCE = 8  # frames computed in one batch: one by one, each costs three times as much
_FORGET_AFTER = 1.0  # seconds of missing sound


class FeatureBuffer:
    """Merges the overlapping sound windows of moments and computes each frame once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Empties the buffer."""
        self._frames = np.zeros((0, features.WIDTH), np.uint8)
        self._speech = np.zeros(0, bool)
        self._tail = np.zeros(0, np.float32)
        self._received_until: int | None = None  # sample on the media clock
        self._activity = VoiceActivity()

    @property
    def frames(self) -> UInt8Array:
        """Features of at most the last three seconds, shape (frames, 112)."""
        self._compute_frames()
        return self._frames

    @property
    def speech(self) -> NDArray[np.bool_]:
        """Which of these frames are speech, shape (frames,)."""
        self._compute_frames()
        return self._speech

    @property
    def speech_seconds(self) -> float:
        """Seconds of speech in the buffer."""
        return float(self._speech.sum()) * features.FRAME_STEP

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks now: in most of the last fifth of a second, updated every 80
        ms."""
        recent = self._speech[-_RECENT:]
        return bool(len(recent)) and float(recent.mean()) > 0.5

    def add(self, moment: Moment) -> bool:
        """Adds the new part of the moment's sound; False if it has none."""
        now = round(moment.time * SOUND_RATE)
        known = self._received_until is not None
        missed = now - self._received_until if self._received_until is not None else 0
        if moment.sound is None:
            if known and missed > _FORGET_AFTER * SOUND_RATE:
                self.reset()
            return False
        self._received_until = now
        if not known or missed > SPAN * SOUND_RATE:
            self._append(moment.sound)
        elif missed > len(moment.sound):
            gap = np.zeros(missed - len(moment.sound), np.float32)
            self._append(np.concatenate([gap, moment.sound]))
        elif missed > 0:
            self._append(moment.sound[-missed:])
        return True

    def _append(self, sound: FloatArray) -> None:
        self._tail = np.concatenate([self._tail, sound])
        if features.frame_count(len(self._tail)) >= _AT_ONCE:
            self._compute_frames()

    def _compute_frames(self) -> None:
        """Computes frames from the new samples."""
        new = features.extract_features(self._tail)
        if not len(new):
            return
        self._tail = self._tail[len(new) * features.HOP :]
        self._frames = np.concatenate([self._frames, new])[-_FRAMES:]
        self._speech = np.concatenate([self._speech, self._activity.update(new)])[-_FRAMES:]

"""The last seconds of sound as frames, kept up as moments come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.types import SOUND_RATE, FloatArray, Moment, UInt8Array
from sentistream.voice import features
from sentistream.voice.voice_activity import VoiceActivity

SPAN = 3.0
"""Seconds that are remembered."""
_FRAMES = round(SPAN / features.FRAME_STEP)
_RECENT = round(0.2 / features.FRAME_STEP)
_AT_ONCE = 8  # frames that are made together: one by one each costs three times as much
_FORGET_AFTER = 1.0  # seconds without sound


class Listener:
    """Strings the overlapping sounds of moments together and makes frames of them once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets what was heard."""
        self._frames = np.zeros((0, features.WIDTH), np.uint8)
        self._speech = np.zeros(0, bool)
        self._tail = np.zeros(0, np.float32)
        self._heard_until: int | None = None  # sample on the media clock
        self._activity = VoiceActivity()

    @property
    def frames(self) -> UInt8Array:
        """Of at most the last three seconds, shape (frames, 112)."""
        self._take_in()
        return self._frames

    @property
    def speech(self) -> NDArray[np.bool_]:
        """Which of these frames are speech, shape (frames,)."""
        self._take_in()
        return self._speech

    @property
    def speech_seconds(self) -> float:
        """How much of them is speech."""
        return float(self._speech.sum()) * features.FRAME_STEP

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks now: in most of a fifth of a second, known every 80 ms."""
        recent = self._speech[-_RECENT:]
        return bool(len(recent)) and float(recent.mean()) > 0.5

    def hear(self, moment: Moment) -> bool:
        """Takes in what is new in the moment's sound; False where there is none."""
        now = round(moment.time * SOUND_RATE)
        known = self._heard_until is not None
        missed = now - self._heard_until if self._heard_until is not None else 0
        if moment.sound is None:
            if known and missed > _FORGET_AFTER * SOUND_RATE:
                self.reset()
            return False
        self._heard_until = now
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
            self._take_in()

    def _take_in(self) -> None:
        """Makes frames of what has come since the last."""
        new = features.hear(self._tail)
        if not len(new):
            return
        self._tail = self._tail[len(new) * features.HOP :]
        self._frames = np.concatenate([self._frames, new])[-_FRAMES:]
        self._speech = np.concatenate([self._speech, self._activity.update(new)])[-_FRAMES:]

"""The utterance that the voice network judges: the frames in which somebody speaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.types import FloatArray, UInt8Array
from sentistream.voice import features
from sentistream.voice.voice_activity import VoiceActivity

MIN_SPEECH = 0.3
"""Seconds of speech below which there is no utterance."""

LONGEST = 4.4
"""Longest part of a recording judged in one piece, seconds."""

_MARGIN = round(0.08 / features.FRAME_STEP)
_SHORTEST = round(0.6 / features.FRAME_STEP)


def utterance(frames: UInt8Array, speech: NDArray[np.bool_]) -> UInt8Array | None:
    """The frames from just before the first speech to just after the last.

    Args:
        frames: Shape (frames, 112).
        speech: Which of them are speech, shape (frames,).

    Returns:
        Shape (frames, 112, 1), at least 0.6 s long if there is that much;
            None if there is less than ``MIN_SPEECH`` of speech.
    """
    spoken = np.flatnonzero(speech)
    if len(spoken) * features.FRAME_STEP < MIN_SPEECH:
        return None
    first, last = max(0, int(spoken[0]) - _MARGIN), int(spoken[-1]) + _MARGIN
    last = min(len(frames), max(last, first + _SHORTEST))
    first = max(0, min(first, last - _SHORTEST))
    return frames[first:last, :, np.newaxis]


def utterance_of(sound: FloatArray) -> UInt8Array | None:
    """The utterance in a whole recording (its middle, if it is long); see ``utterance``.

    Args:
        sound: Mono samples at 48 kHz.
    """
    frames = features.extract_features(sound)
    found = utterance(frames, VoiceActivity().update(frames))
    if found is None:
        return None
    surplus = len(found) - round(LONGEST / features.FRAME_STEP)
    return found if surplus <= 0 else found[surplus // 2 : len(found) - (surplus + 1) // 2]

"""The sentiment of an utterance, from its difference from the baseline and from its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import SENTIMENTS, FloatArray, UInt8Array
from sentistream.values import ByValue
from sentistream.voice.features import FRAME_STEP, WIDTH
from sentistream.voice.functionals import functionals
from sentistream.voice.sound_file import read_sound
from sentistream.voice.utterance import LONGEST, utterance_of
from sentistream.voice.voice_baseline import HeardUtterance, VoiceBaseline, network_inputs

SPECTRUM_FRAMES = round(LONGEST / FRAME_STEP)
"""Frames of the spectrum network's input; shorter utterances are zero-padded."""

SPECTRUM_WEIGHT = 0.35
"""Weight of the spectrum network's logarithms, next to those of the statistics network.

Among the best, in steps of a tenth, for speakers of corpora left out of training, new or known;
for speakers of training corpora, more would be better.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance(ByValue):
    """The voice networks' inputs for an utterance.

    Attributes:
        functionals: Its statistics, shape (79,).
        spectrum: Its frames, uint8, shape (``SPECTRUM_FRAMES``, 112), zero-padded at the end.
    """

    functionals: FloatArray
    spectrum: UInt8Array


def describe(frames: UInt8Array) -> Utterance:
    """From frames as ``utterance`` gives them, shape (frames, 112, 1)."""
    return Utterance(functionals(frames), padded(frames))


def describe_recording(path: Path) -> Utterance | None:
    """The utterance in a file; None if it has no speech.

    Raises:
        InputError: It has no sound that can be decoded.
    """
    frames = utterance_of(read_sound(path))
    return None if frames is None else describe(frames)


def padded(frames: UInt8Array) -> UInt8Array:
    """The last ``SPECTRUM_FRAMES`` frames, zero-padded at the end."""
    kept = frames.reshape(len(frames), WIDTH)[-SPECTRUM_FRAMES:]
    spectrum = np.zeros((SPECTRUM_FRAMES, WIDTH), np.uint8)
    spectrum[: len(kept)] = kept
    return spectrum


class VoiceClassifier:
    """Both voice networks of ``lite`` combined.

    Args:
        statistics: The network for the statistics, relative to a baseline; it also says how
            familiar the voice sounds.
        spectrum: The network for the frames; without one, the statistics decide alone.
    """

    def __init__(self, statistics: Runnable, spectrum: Runnable | None) -> None:
        self._statistics, self._spectrum = statistics, spectrum

    @classmethod
    def load(cls, profile: Profile) -> VoiceClassifier:
        """The shipped networks of a profile.

        Raises:
            ModelError: A network is missing or altered.
        """
        spectrum = profile.voice_spectrum_model
        return cls(load_network(profile.voice_model), load_network(spectrum) if spectrum else None)

    def hear(self, utterance: Utterance) -> HeardUtterance:
        """What an utterance is judged by; the spectrum network runs here."""
        logs = np.zeros(len(SENTIMENTS), np.float32)
        if self._spectrum is not None:
            logs = _logs(self._spectrum.run(frames=utterance.spectrum[np.newaxis])[0])
        return HeardUtterance(utterance.functionals, logs)

    def classify(self, heard: HeardUtterance, baselines: list[VoiceBaseline]) -> FloatArray:
        """Probabilities of the sentiments, shape (N, 3).

        Args:
            heard: The utterance.
            baselines: The baselines of the N voices that may have said it.
        """
        found = self._statistics.run(**network_inputs(heard.functionals, baselines))
        answers, familiarity = found[:, : len(SENTIMENTS)], found[:, len(SENTIMENTS) :]
        if self._spectrum is None:
            return _probabilities(familiarity * _logs(answers))
        known = np.array([[baseline.known] for baseline in baselines], np.float32)
        usual = np.stack([baseline.spectrum_logs for baseline in baselines])
        return combine(answers, heard.spectrum_logs, usual, known, familiarity)


def combine(
    statistics: FloatArray,
    spectrum_logs: FloatArray,
    usual_logs: FloatArray,
    known: FloatArray,
    familiarity: FloatArray,
) -> FloatArray:
    """The weighted geometric mean of both networks' probabilities, (N, 3).

    Args:
        statistics: The statistics network's, (N, 3).
        spectrum_logs: Logarithms of the spectrum network's, (3,) or (N, 3).
        usual_logs: Their means for the voice, (N, 3).
        known: How well the voice is known, 0 to 1, (N, 1).
        familiarity: How near the sound is to what the statistics network learned from, 0 to 1,
            (N, 1); the farther, the less certain the answer.
    """
    relative_logs = spectrum_logs - known * usual_logs
    logs = (1 - SPECTRUM_WEIGHT) * _logs(statistics) + SPECTRUM_WEIGHT * relative_logs
    return _probabilities(familiarity * logs)


def _probabilities(logs: NDArray[np.floating]) -> FloatArray:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _logs(probabilities: FloatArray) -> FloatArray:
    return np.asarray(np.log(probabilities + 1e-6), dtype=np.float32)

"""Baseline of a voice: how it usually sounds, kept as long as its track."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from sentistream.types import SENTIMENTS, FloatArray
from sentistream.values import ByValue
from sentistream.voice.functionals import NAMES

MAX = 60
"""Number of utterances after which the oldest begin to fade."""

HALF_KNOWN = 2.0
"""Number of utterances after which a voice counts as half known."""


@dataclass(frozen=True, slots=True, eq=False)
class HeardUtterance(ByValue):
    """What an utterance is judged by, relative to a baseline.

    Attributes:
        functionals: Its statistics, shape (79,).
        spectrum_logs: Logarithms of the spectrum network's probabilities of the sentiments, shape
            (3,); zeros without one.
    """

    functionals: FloatArray
    spectrum_logs: FloatArray


class VoiceBaseline:
    """Running mean and spread of one voice's utterances.

    Nothing else about it is kept: neither sound nor single utterances.

    Attributes:
        utterances: Number of utterances heard, at most ``MAX``.
        mean: Of their functionals, shape (79,).
        spectrum_logs: Mean of the spectrum network's answers, as ``HeardUtterance`` has them.
    """

    def __init__(self) -> None:
        self.utterances: int = 0
        self.mean: FloatArray = np.zeros(len(NAMES), np.float32)
        self.spectrum_logs: FloatArray = np.zeros(len(SENTIMENTS), np.float32)
        self._variance: FloatArray = np.zeros(len(NAMES), np.float32)

    @property
    def known(self) -> float:
        """How well the voice is known, 0 to below 1."""
        return self.utterances / (self.utterances + HALF_KNOWN)

    @property
    def spread(self) -> FloatArray:
        """Standard deviation of each value, shape (values,)."""
        return np.sqrt(self._variance)

    def add(self, heard: HeardUtterance) -> None:
        """One more utterance."""
        self.utterances = min(self.utterances + 1, MAX)
        share = 1 / self.utterances
        logs = self.spectrum_logs + share * (heard.spectrum_logs - self.spectrum_logs)
        self.spectrum_logs = np.asarray(logs, dtype=np.float32)
        change = heard.functionals - self.mean
        self.mean = np.asarray(self.mean + share * change, dtype=np.float32)
        spread = (1 - share) * (self._variance + share * change**2)
        self._variance = np.asarray(spread, dtype=np.float32)


class VoiceBaselines:
    """One baseline for each visible speaker, and one for the whole scene.

    An utterance enters a baseline once, after its seconds have left the window being judged.

    Args:
        span: Seconds judged together.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._of_track: dict[int, VoiceBaseline] = {}
        self._of_scene = VoiceBaseline()
        self._waiting: deque[tuple[float, HeardUtterance, int | None]] = deque()

    def of(self, track: int | None) -> VoiceBaseline:
        """A track's baseline; the scene's if the track has none yet.

        Args:
            track: None for the scene.
        """
        own = self._of_track.get(track) if track is not None else None
        return own or self._of_scene

    def take(self, time: float, heard: HeardUtterance, speaker: int | None) -> None:
        """Adds the utterance of the current window; only one per span is kept.

        Args:
            time: Seconds.
            heard: The utterance.
            speaker: The track that speaks, if one clearly does.
        """
        while self._waiting and time - self._waiting[0][0] >= self._span:
            _, earlier, track = self._waiting.popleft()
            self._of_scene.add(earlier)
            if track is not None:
                self._of_track.setdefault(track, VoiceBaseline()).add(earlier)
        if not self._waiting or time - self._waiting[-1][0] >= self._span:
            self._waiting.append((time, heard, speaker))

    def forget(self, tracks: set[int]) -> None:
        """Keeps only the baselines of these tracks."""
        self._of_track = {
            track: baseline for track, baseline in self._of_track.items() if track in tracks
        }
        self._waiting = deque(
            (time, heard, track if track in tracks else None)
            for time, heard, track in self._waiting
        )


def network_inputs(values: FloatArray, baselines: list[VoiceBaseline]) -> dict[str, FloatArray]:
    """The voice network's inputs for one utterance relative to several baselines.

    Args:
        values: Of the utterance, shape (values,).
        baselines: N of them.
    """
    return {
        "functionals": np.repeat(values[np.newaxis], len(baselines), axis=0),
        "mean": np.stack([baseline.mean for baseline in baselines]),
        "spread": np.stack([baseline.spread for baseline in baselines]),
        "heard": np.array([[baseline.utterances] for baseline in baselines], np.float32),
    }

"""Baseline of a voice: how it usually sounds, kept as long as its track."""

from __future__ import annotations

from collections import deque

import numpy as np

from sentistream.types import FloatArray
from sentistream.voice.functionals import NAMES

MAX = 60
"""Number of utterances after which the oldest begin to fade."""


class VoiceBaseline:
    """Running mean and spread of one voice's ``functionals``.

    Nothing else about it is kept: neither sound nor single utterances.
    """

    def __init__(self) -> None:
        self.utterances: int = 0
        self.mean: FloatArray = np.zeros(len(NAMES), np.float32)
        self._variance: FloatArray = np.zeros(len(NAMES), np.float32)

    @property
    def spread(self) -> FloatArray:
        """Standard deviation of each value, shape (values,)."""
        return np.sqrt(self._variance)

    def add(self, values: FloatArray) -> None:
        """One more utterance, shape (values,)."""
        self.utterances = min(self.utterances + 1, MAX)
        share = 1 / self.utterances
        change = values - self.mean
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
        self._waiting: deque[tuple[float, FloatArray, int | None]] = deque()

    def of(self, track: int | None) -> VoiceBaseline:
        """A track's baseline; the scene's if the track has none yet.

        Args:
            track: None for the scene.
        """
        own = self._of_track.get(track) if track is not None else None
        return own or self._of_scene

    def take(self, time: float, values: FloatArray, speaker: int | None) -> None:
        """Adds the functionals of the current window; only one per span is kept.

        Args:
            time: Seconds.
            values: As ``functionals`` gives them.
            speaker: The track that speaks, if one clearly does.
        """
        while self._waiting and time - self._waiting[0][0] >= self._span:
            _, earlier, track = self._waiting.popleft()
            self._of_scene.add(earlier)
            if track is not None:
                self._of_track.setdefault(track, VoiceBaseline()).add(earlier)
        if not self._waiting or time - self._waiting[-1][0] >= self._span:
            self._waiting.append((time, values, speaker))

    def forget(self, tracks: set[int]) -> None:
        """Keeps only the baselines of these tracks."""
        self._of_track = {
            track: baseline for track, baseline in self._of_track.items() if track in tracks
        }
        self._waiting = deque(
            (time, values, track if track in tracks else None)
            for time, values, track in self._waiting
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

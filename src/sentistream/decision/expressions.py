"""The face network with test-time mirroring at no extra cost.

The average of the answers for a face and its mirror image is right more often than either alone.
While a face is tracked, the network gets the original and the mirrored crop alternately, and the
latest answers for both are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sentistream.accumulation import MIN
from sentistream.runtime.inference import Runnable
from sentistream.types import FloatArray, UInt8Array

EXPRESSION_INTERVAL = 0.06
"""Seconds between runs for one face: an expression lasts longer than two pictures."""


@dataclass(slots=True)
class _FaceEvidence:
    """State of one face: time of the last run, the next view, log-probabilities by view, and
    probabilities of both views together."""

    time: float
    mirrored_next: bool = False
    evidence: dict[bool, FloatArray] = field(default_factory=dict)
    joined: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))


class Expressions:
    """The face network's answers, averaged over picture and mirror image.

    Args:
        network: Takes ``face``, returns the three classes.
    """

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Clears all state."""
        self._evidence: dict[int, _FaceEvidence] = {}

    def is_due(self, track: int, time: float) -> bool:
        """Whether the network should run for a face now."""
        face = self._evidence.get(track)
        return face is None or time - face.time >= EXPRESSION_INTERVAL - 1e-3

    def update(self, tracks: Sequence[int], views: UInt8Array, time: float) -> None:
        """Runs the network on faces, all in one batch, and stores its answers.

        Args:
            tracks: Of each face.
            views: Each face, shape (N, height, width, 1).
            time: Of the picture, seconds.
        """
        views_run, batch = [], []
        for track, view in zip(tracks, views, strict=True):
            face = self._evidence.setdefault(track, _FaceEvidence(time))
            face.time = time
            for mirrored in (face.mirrored_next,) if face.evidence else (False, True):
                views_run.append((track, mirrored))
                batch.append(view[:, ::-1] if mirrored else view)
        answers = self._network.run(face=np.stack(batch))
        evidence = np.log(np.maximum(answers, MIN))
        for (track, mirrored), one in zip(views_run, evidence, strict=True):
            face = self._evidence[track]
            face.evidence[mirrored] = one
            face.mirrored_next = not mirrored
        for track in tracks:
            face = self._evidence[track]
            face.joined = _joined(face.evidence)

    def of(self, tracks: Sequence[int]) -> FloatArray:
        """Probabilities for these faces, shape (N, 3); drops the state of others."""
        self._evidence = {track: self._evidence[track] for track in tracks}
        return np.stack([self._evidence[track].joined for track in tracks])


def _joined(evidence: dict[bool, FloatArray]) -> FloatArray:
    """Both views' log probabilities averaged, as probabilities, shape (3,)."""
    mean = sum(evidence.values(), np.zeros(3)) / 2
    shares = np.exp(mean - mean.max())
    return np.asarray(shares / shares.sum(), dtype=np.float32)

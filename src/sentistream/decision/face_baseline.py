"""A face's usual expression, kept as long as its track.

Some people look sad or cheerful at rest, so the face network's answer is judged partly relative
to its earlier answers for the same face.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from sentistream.accumulation import MIN
from sentistream.types import FloatArray

STRENGTH = 0.5
"""Share of a face's usual evidence that is subtracted: all of it would remove lasting moods."""

KNOWN_AFTER = 10.0
"""Seconds after which a face counts as half known."""

HORIZON = 300.0
"""Seconds that the running mean covers."""

EVERY = 0.24
"""Seconds between stored values."""


class FaceBaseline:
    """Running mean of one face's evidence, the centred logarithms of its distributions.

    Nothing else about the face is kept. What is currently being judged does not count yet.

    Args:
        span: Seconds judged together.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._seconds = 0.0
        self._mean: FloatArray = np.zeros(3, np.float32)
        self._waiting: deque[tuple[float, FloatArray]] = deque()

    def take(self, probabilities: FloatArray, time: float) -> None:
        """Adds a distribution, shape (3,), at ``time``, seconds."""
        while self._waiting and time - self._waiting[0][0] >= self._span:
            _, evidence = self._waiting.popleft()
            self._seconds = min(self._seconds + EVERY, HORIZON)
            self._mean = self._mean + (EVERY / self._seconds) * (evidence - self._mean)
        if not self._waiting or time - self._waiting[-1][0] >= EVERY - 1e-6:
            self._waiting.append((time, _centred(probabilities)))

    def relative(self, probabilities: FloatArray) -> FloatArray:
        """Distributions, shape (..., 3), minus what is usual for this face.

        While the face is little known, the mean is shrunk towards a neutral one (James and Stein
        1961).
        """
        known = self._seconds / (self._seconds + KNOWN_AFTER)
        if not known:
            return probabilities
        evidence = _centred(probabilities) - STRENGTH * known * self._mean
        shares = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=-1, keepdims=True), dtype=np.float32)


def _centred(probabilities: FloatArray) -> FloatArray:
    evidence = np.log(np.maximum(probabilities, MIN))
    return np.asarray(evidence - evidence.mean(axis=-1, keepdims=True), dtype=np.float32)

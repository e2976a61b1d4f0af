"""What faces express: each seen as it is and mirrored, by turns.

A face and its mirror image express the same, and what is said of both together is more often
right. While a face is followed it is shown one way at one look and the other way at the
next, so that the second view costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sentistream.accumulation import LEAST
from sentistream.runtime.inference import Runnable
from sentistream.types import FloatArray, UInt8Array

LOOK_EVERY = 0.06
"""Seconds from one look at an expression to the next: it lasts longer than two pictures."""


@dataclass(slots=True)
class _Seen:
    """Of one face: when it was looked at, which way comes next, evidence of either way."""

    time: float
    mirrored_next: bool = False
    evidence: dict[bool, FloatArray] = field(default_factory=dict)


class Expressions:
    """The face network's answers for picture and mirror image together.

    Args:
        network: Takes ``face``, gives the three classes.
    """

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Forgets all faces."""
        self._seen: dict[int, _Seen] = {}

    def is_due(self, track: int, time: float) -> bool:
        """Whether a face is to be looked at now."""
        seen = self._seen.get(track)
        return seen is None or time - seen.time >= LOOK_EVERY - 1e-3

    def update(self, tracks: Sequence[int], views: UInt8Array, time: float) -> None:
        """Runs the network on faces and takes its answers in.

        Args:
            tracks: Of each face.
            views: Each face, shape (N, height, width, 1).
            time: Of the picture, seconds.
        """
        asked, shown = [], []
        for track, view in zip(tracks, views, strict=True):
            seen = self._seen.setdefault(track, _Seen(time))
            seen.time = time
            for mirrored in (seen.mirrored_next,) if seen.evidence else (False, True):
                asked.append((track, mirrored))
                shown.append(view[:, ::-1] if mirrored else view)
        answers = self._network.run(face=np.stack(shown))
        evidence = np.log(np.maximum(answers, LEAST))
        for (track, mirrored), one in zip(asked, evidence, strict=True):
            seen = self._seen[track]
            seen.evidence[mirrored] = one
            seen.mirrored_next = not mirrored

    def of(self, tracks: Sequence[int]) -> FloatArray:
        """What these faces express, shape (N, 3); others are forgotten."""
        self._seen = {track: self._seen[track] for track in tracks}
        joined = np.array([sum(self._seen[track].evidence.values()) for track in tracks]) / 2
        shares = np.exp(joined - joined.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)

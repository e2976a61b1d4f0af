"""What faces express: each seen as it is and mirrored, by turns.

A face and its mirror image express the same, and what is said of both together is more often
right. While a face is followed it is shown one way at one picture and the other way at the
next, so that the second view costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentistream.accumulation import LEAST
from sentistream.runtime.asking import Ask, Runnable
from sentistream.types import FloatArray, UInt8Array


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
        self._tracks: list[int] = []
        self._owners: list[int] = []
        self._mirrored: list[bool] = []
        self._last: dict[int, dict[bool, FloatArray]] = {}
        self._next: dict[int, bool] = {}

    def ask(self, tracks: Sequence[int], views: UInt8Array) -> Ask:
        """What to ask about faces whose answer ``take`` is to be given.

        Args:
            tracks: Of each face.
            views: Each face, shape (N, height, width, 1).
        """
        self._tracks, self._owners, self._mirrored, shown = list(tracks), [], [], []
        for track, view in zip(tracks, views, strict=True):
            known = track in self._last
            for mirrored in (self._next[track],) if known else (False, True):
                self._owners.append(track)
                self._mirrored.append(mirrored)
                shown.append(view[:, ::-1] if mirrored else view)
        return Ask(self._network, {"face": np.stack(shown)})

    def take(self, answers: FloatArray) -> FloatArray:
        """What each face of the last ``ask`` expresses, shape (N, 3).

        Args:
            answers: The network's.
        """
        evidence = np.log(np.maximum(answers, LEAST))
        last = {track: self._last.get(track, {}) for track in self._tracks}
        for track, mirrored, one in zip(self._owners, self._mirrored, evidence, strict=True):
            last[track] = {**last[track], mirrored: one}
            self._next[track] = not mirrored
        self._last = last
        self._next = {track: self._next[track] for track in self._tracks}
        joined = np.array([np.mean(list(last[track].values()), axis=0) for track in self._tracks])
        shares = np.exp(joined - joined.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)

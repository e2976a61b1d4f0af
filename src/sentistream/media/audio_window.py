"""Builds whole sound windows from the short pieces in consecutive moments."""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np

from sentistream.media.sound import COVERAGE
from sentistream.types import SOUND_RATE, FloatArray, Moment


class AudioWindow:
    """Extends each moment's sound since the previous moment to a whole window.

    Args:
        seconds: The window's length.
    """

    def __init__(self, seconds: float) -> None:
        self._length = round(seconds * SOUND_RATE)
        self._pieces: deque[tuple[int, FloatArray]] = deque()

    def join(self, moment: Moment) -> Moment:
        """The moment with the window that ends at it; None for sound with gaps."""
        stop = round(moment.time * SOUND_RATE)
        if moment.sound is not None:
            self._pieces.append((stop - len(moment.sound), moment.sound))
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= stop - self._length:
            self._pieces.popleft()
        if not self._pieces:
            return moment
        return dataclasses.replace(moment, sound=self._window(stop))

    def _window(self, stop: int) -> FloatArray | None:
        start = stop - self._length
        window = np.zeros(self._length, np.float32)
        covered = 0
        for begin, piece in self._pieces:
            left, right = max(begin, start), min(begin + len(piece), stop)
            if left < right:
                window[left - start : right - start] = piece[left - begin : right - begin]
                covered += right - left
        return window if covered >= COVERAGE * self._length else None

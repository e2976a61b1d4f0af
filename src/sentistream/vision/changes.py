"""Where pictures change: a face that was not there before can only be where something did."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sentistream.types import Box, FloatArray, UInt8Array

_CELLS = 32  # along the longer side
_SAMPLES = 4  # a cell's brightness is the mean of so many squared
_DIFFERENT = 8.0  # levels of brightness
_SAME_SCENE = 0.6  # correlation of two pictures' cells


class SceneChanges:
    """Compares pictures with the one that was searched last, in coarse cells.

    Attributes:
        cells: The newest picture's, brightness 0 to 255.
    """

    def __init__(self) -> None:
        self._searched: FloatArray | None = None
        self._restless = np.zeros((0, 0), bool)
        self._cell = 1
        self.cells: FloatArray = np.zeros((0, 0), np.float32)

    def see(self, luma: UInt8Array) -> None:
        """Takes in a picture, shape (height, width)."""
        rows, columns = luma.shape
        step = max(1, max(rows, columns) // (_CELLS * _SAMPLES))
        self._cell = step * _SAMPLES
        few = luma[::step, ::step].astype(np.float32)
        height, width = max(1, few.shape[0] // _SAMPLES), max(1, few.shape[1] // _SAMPLES)
        few = few[: height * _SAMPLES, : width * _SAMPLES]
        if few.shape != (height * _SAMPLES, width * _SAMPLES):
            self.cells = few  # smaller than a cell
            return
        blocks = few.reshape(height, _SAMPLES, width * _SAMPLES).sum(axis=1)
        self.cells = blocks.reshape(height, width, _SAMPLES).sum(axis=2) / _SAMPLES**2

    def searched(self, *, everywhere: bool) -> None:
        """Remembers the newest picture as searched: everywhere, or only where it had changed.

        What had changed is known to be restless then, and no reason to search again before
        the next search everywhere: somebody who comes crosses places that were quiet.
        """
        before = self._searched
        if everywhere or before is None or before.shape != self.cells.shape:
            self._restless = np.zeros(self.cells.shape, bool)
        else:
            self._restless |= _grown(np.abs(self.cells - before) > _DIFFERENT)
        self._searched = self.cells

    @property
    def is_even(self) -> bool:
        """Whether the picture has one brightness throughout, so that it holds no face."""
        return float(np.ptp(self.cells)) < 1

    @property
    def is_other_scene(self) -> bool:
        """Whether the picture has little in common with the searched one, as after a cut."""
        before, now = self._searched, self.cells
        if before is None or before.shape != now.shape:
            return True
        before, now = before - before.mean(), now - now.mean()
        lengths = float(np.linalg.norm(before) * np.linalg.norm(now))
        return float(np.vdot(before, now)) < _SAME_SCENE * lengths

    def changed(self, known: Iterable[Box], margin: float) -> Box | None:
        """The box about what changed outside known faces and restless places; None for nothing.

        Args:
            known: Frames of the faces that are followed, pixels.
            margin: Added on each side, pixels.
        """
        if self._searched is None or self._searched.shape != self.cells.shape:
            rows, columns = self.cells.shape
            return Box(0, 0, columns * self._cell, rows * self._cell).scaled(1.1)
        different = (np.abs(self.cells - self._searched) > _DIFFERENT) & ~self._restless
        for box in known:
            left, top = (max(0, int(edge // self._cell)) for edge in (box.left, box.top))
            right, bottom = (
                max(0, int(edge // self._cell) + 1) for edge in (box.right, box.bottom)
            )
            different[top:bottom, left:right] = False
        if not different.any():
            return None
        down, across = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
        return Box(
            across[0] * self._cell - margin,
            down[0] * self._cell - margin,
            (across[-1] + 1) * self._cell + margin,
            (down[-1] + 1) * self._cell + margin,
        )


def _grown(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the eight neighbours of each."""
    wide = np.pad(cells, 1)
    rows, columns = cells.shape
    grown = np.zeros_like(cells)
    for down in range(3):
        for across in range(3):
            grown |= wide[down : down + rows, across : across + columns]
    return grown

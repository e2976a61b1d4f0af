"""Changes of the whole picture: cuts, and whether anything moves, on coarse luma."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sentistream.types import Box, FloatArray, UInt8Array

_CELLS = 32  # along the longer side
_SAMPLES = 4  # a cell is the mean of a square of this many sampled pixels per side
_MIN = 15.0  # mean change, levels of brightness, below which nothing is a cut
_TIMES = 3.0  # times the running mean of changes
_DIFFERENT, _MAX = 8.0, 0.5  # this share of the cells must change by these levels
_KEPT = 0.8  # of the running mean, from picture to picture
_MOVES, _NOISE = 2.0, 7.0  # levels by which a cell changes where something moves; times the median


class SceneChangeDetector:
    """Detects cuts, and motion since a chosen picture.

    A cut is a change relative to the running mean of changes: the adaptive content detector of
    PySceneDetect (Castellano), on brightness only.
    """

    def __init__(self) -> None:
        self._cells: FloatArray | None = None
        self._side = 1  # pixels along a cell
        self._reference: FloatArray | None = None
        self._usual = _MIN / _TIMES
        self._differed = False  # whether the previous picture differed as after a cut

    def is_cut(self, luma: UInt8Array) -> bool:
        """Takes the next picture, shape (height, width); whether it starts another scene."""
        before = self._cells
        cells = self._cells = _cells(luma)
        self._side = _step(luma) * _SAMPLES
        if before is None:
            return False
        if before.shape != cells.shape:
            return True
        changes = np.abs(cells - before)
        change = float(changes.mean())
        # somebody who comes close changes part of the picture, a cut most of it
        differs = (
            change > _MIN
            and change > _TIMES * self._usual
            and float((changes > _DIFFERENT).mean()) > _MAX
        )
        self._usual += (1 - _KEPT) * (min(change, _MIN) - self._usual)
        # consecutive pictures that all differ mean a turning camera, not a series of scenes
        cut = differs and not self._differed
        self._differed = differs
        return cut

    def set_reference(self) -> None:
        """Makes the newest picture the one that motion is measured from."""
        self._reference = self._cells

    def has_moved(self, ignored: Sequence[Box] = ()) -> bool:
        """Whether the newest picture differs from the reference outside ``ignored`` (pixels).

        Cells change by the camera's noise, too; what counts is relative to the median change.
        Without a reference, or with one of another shape, everything has moved.
        """
        if self._cells is None or self._reference is None:
            return True
        if self._reference.shape != self._cells.shape:
            return True
        changes = np.abs(self._cells - self._reference)
        moves = changes > max(_MOVES, _NOISE * float(np.median(changes)))
        for box in ignored:
            left, top = (max(0, math.floor(edge / self._side)) for edge in (box.left, box.top))
            right, bottom = (
                max(0, math.ceil(edge / self._side)) for edge in (box.right, box.bottom)
            )
            moves[top:bottom, left:right] = False
        return bool(moves.any())


def _step(luma: UInt8Array) -> int:
    """Pixels from one sample of brightness to the next."""
    longest: int = max(luma.shape)
    return max(1, longest // (_CELLS * _SAMPLES))


def _cells(luma: UInt8Array) -> FloatArray:
    step = _step(luma)
    few = luma[::step, ::step]
    rows, columns = few.shape[0] // _SAMPLES, few.shape[1] // _SAMPLES
    if not (rows and columns):
        return few.astype(np.float32)
    # integer sums, slice by slice: a mean over two axes of the blocks takes far longer
    blocks = few[: rows * _SAMPLES, : columns * _SAMPLES].astype(np.uint16)
    across = sum((blocks[:, at::_SAMPLES] for at in range(1, _SAMPLES)), blocks[:, ::_SAMPLES])
    sums = sum((across[at::_SAMPLES] for at in range(1, _SAMPLES)), across[::_SAMPLES])
    return sums.astype(np.float32) / np.float32(_SAMPLES**2)

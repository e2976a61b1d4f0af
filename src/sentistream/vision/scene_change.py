"""Scene change (cut) detection."""

from __future__ import annotations

import numpy as np

from sentistream.types import FloatArray, UInt8Array

_CELLS = 32  # along the longer side
_SAMPLES = 4  # a cell averages a square of this many pixels per side
_MIN = 15.0  # mean change, levels of brightness, below which nothing is a cut
_TIMES = 3.0  # times the running mean of changes
_DIFFERENT, _MAX = 8.0, 0.5  # this share of the cells must change by these levels
_KEPT = 0.8  # of the running mean, from picture to picture


class CutDetector:
    """Detects cuts by the change of coarse luma relative to its running mean.

    This is the adaptive content detector of PySceneDetect (Castellano), on brightness only.
    """

    def __init__(self) -> None:
        self._cells: FloatArray | None = None
        self._usual = _MIN / _TIMES
        self._moving = False  # whether the previous picture differed as after a cut

    def is_cut(self, luma: UInt8Array) -> bool:
        """Whether this picture, shape (height, width), starts another scene."""
        cells, before = _cells(luma), self._cells
        self._cells = cells
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
        cut = differs and not self._moving
        self._moving = differs
        return cut


def _cells(luma: UInt8Array) -> FloatArray:
    step = max(1, max(luma.shape) // (_CELLS * _SAMPLES))
    few = luma[::step, ::step]
    rows, columns = few.shape[0] // _SAMPLES, few.shape[1] // _SAMPLES
    if not (rows and columns):
        return few.astype(np.float32)
    # integer sums, slice by slice: a mean over two axes of the blocks takes far longer
    blocks = few[: rows * _SAMPLES, : columns * _SAMPLES].astype(np.uint16)
    across = sum((blocks[:, at::_SAMPLES] for at in range(1, _SAMPLES)), blocks[:, ::_SAMPLES])
    sums = sum((across[at::_SAMPLES] for at in range(1, _SAMPLES)), across[::_SAMPLES])
    return sums.astype(np.float32) / np.float32(_SAMPLES**2)

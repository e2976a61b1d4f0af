"""Background subtraction: the still surroundings of a camera, and what differs from them.

Nothing here knows what a person is. The foreground is whatever differs from what has been there
for long, and whatever is not known yet: in doubt, it is covered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.types import Box, Picture, UInt8Array

LONGEST_STEP = 2.0
"""Most seconds counted between two pictures: the rest of a gap was not observed."""

LEARN_AFTER = 30.0
"""Seconds without change after which an unknown cell becomes background."""

RELEARN_AFTER = 1200.0
"""The same for a cell that differs from its background, and where a face was."""

COVER_ALL = 0.5
"""Share of differing known cells above which the whole picture is covered."""

NEW_SCENE = 0.8
"""Share of the known cells that differ when the light was switched or the camera moved."""

NEW_SCENE_AFTER = 3.0
"""Seconds for which they do before everything is learned again."""

COLUMNS = 120
"""Cells in a row; a picture narrower than ``8 * COLUMNS`` pixels has fewer."""

# a cell differs if red, green or blue is off by more than an offset plus a share of its level, or
# than a multiple of its noise, up to a limit
_OFFSET, _LEVEL_SHARE, _NOISE_MULTIPLE, _LIMIT = 4.0, 0.03, 5.0, 12.0
_MAX_NOISE = 3.0  # levels; larger differences are changes
_COVER_MARGIN = 3  # cells around the foreground that are covered too: the edge of a person
_CHANGE_MARGIN = 6  # cells around a change that do not count as still: the rest of a person
_FLICKER = 10.0  # seconds of stillness lost by a second of change in a single cell
_ANCHOR_TIME = 3.0  # time constant with which a new value is adopted, seconds
_LIGHT_TIME = 30.0  # time constant with which slow changes of light are followed, seconds
_EXPOSURE = (
    0.8,
    1.25,
)  # range of the camera's automatic exposure; beyond it, the light has changed
_MIN_KNOWN = 0.2  # share of the picture that has to be known to recognize a new scene
_HEAD = 1.7  # a head with its hair, in sizes of the face from brow to chin
_USABLE = (30.0, 220.0)  # range of levels from which the exposure is estimated

Cells = NDArray[np.float32]
"""Mean colours, shape (rows, columns, 3), 0 to 255."""

CellMask = NDArray[np.bool_]
"""Marked cells, shape (rows, columns)."""


def cell_means(picture: Picture) -> Cells:
    """A picture's mean colours, cell by cell."""
    columns = max(1, min(COLUMNS, picture.width // 8))
    rows = max(1, round(columns * picture.height / picture.width))
    small: UInt8Array = picture.crop(Box(0, 0, picture.width, picture.height), columns, rows)
    return small.astype(np.float32)


class BackgroundModel:
    """Learns one camera's background from its pictures and finds what differs from it.

    A cell becomes background when neither it nor its neighbours have changed for ``LEARN_AFTER``
    seconds; a known cell that differs, or where a face was, only after ``RELEARN_AFTER``. Where
    nothing differs, slow changes of light are followed. It stores a few numbers for each cell.
    """

    def __init__(self) -> None:
        self._reset((0, 0, 3))

    def _reset(self, shape: tuple[int, ...]) -> None:
        self._mean: Cells = np.zeros(shape, np.float32)
        self._known: CellMask = np.zeros(shape[:2], np.bool_)
        self._anchor: Cells = np.zeros(shape, np.float32)
        self._begun: CellMask = np.zeros(shape[:2], np.bool_)
        self._still: NDArray[np.float32] = np.zeros(shape[:2], np.float32)
        self._last = self._anchor
        self._noise: NDArray[np.float32] = np.zeros((*shape[:2], 1), np.float32)
        self._new_scene_for = 0.0

    def update(self, cells: Cells, elapsed: float, faces: Sequence[Box] = ()) -> CellMask:
        """Learns from a picture and finds the foreground, which is to be covered.

        Args:
            cells: The picture's, see ``cell_means``; a new shape resets the model.
            elapsed: Seconds since the picture before; 0 for the same picture again.
            faces: Where faces are or were a moment ago, from brow to chin, in cells.

        Returns:
            The cells that differ from the background or are not known, grown by a margin; all
            cells where ``COVER_ALL`` of the background differs or none is known.
        """
        if cells.shape != self._mean.shape:
            self._reset(cells.shape)
        elapsed = min(max(0.0, elapsed), LONGEST_STEP)
        self._update_noise(cells, elapsed)
        exposure = self._exposure(cells)
        differs = self._known & self._differ(cells, self._mean * exposure)
        self._count_still(cells, elapsed)
        for face in faces:
            self._protect(face, differs)
        self._follow_light(cells, elapsed, exposure, differs)
        differs = self._learn(elapsed, differs)
        if differs.sum() >= COVER_ALL * max(1, self._known.sum()):
            return np.ones_like(differs)
        return dilated(differs | ~self._known, _COVER_MARGIN)

    def _update_noise(self, cells: Cells, elapsed: float) -> None:
        """How much cells differ from picture to picture while nothing happens."""
        if elapsed > 0:
            noise = np.abs(cells - self._last).max(axis=2, keepdims=True)
            self._noise += _share(elapsed, _LIGHT_TIME) * (
                np.minimum(noise, _MAX_NOISE) - self._noise
            )
            self._last = cells

    def _differ(self, cells: Cells, others: Cells) -> CellMask:
        allowed = np.clip(_OFFSET + _LEVEL_SHARE * others, _NOISE_MULTIPLE * self._noise, _LIMIT)
        return np.asarray((np.abs(cells - others) > allowed).any(axis=2))

    def _exposure(self, cells: Cells) -> Cells:
        """Exposure relative to the background, for each colour."""
        some, mean = cells[::2, ::2], self._mean[::2, ::2]
        usable = self._known[::2, ::2] & ((mean > _USABLE[0]) & (mean < _USABLE[1])).all(axis=2)
        if usable.mean() < 0.1:
            return np.ones(3, np.float32)
        ratios = np.median(some[usable] / mean[usable], axis=0)
        return np.asarray(np.clip(ratios, *_EXPOSURE), np.float32)

    def _count_still(self, cells: Cells, elapsed: float) -> None:
        """Counts for how long each cell has been still."""
        changed = self._differ(cells, self._anchor)
        # a new value is adopted within seconds, so that a flicker does not count twice
        share = np.where(changed, _share(elapsed, _ANCHOR_TIME), _share(elapsed, 2 * _LIGHT_TIME))
        share[~self._begun] = 1.0
        self._begun[:] = True
        self._anchor += share[..., None].astype(np.float32) * (cells - self._anchor)
        alone = changed & (_around(changed, 1) < 2)
        self._still += elapsed
        for marks, left in ((alone, self._still - _FLICKER * elapsed), (changed & ~alone, 0.0)):
            near = dilated(marks, _CHANGE_MARGIN)
            lower = np.minimum(self._still, np.maximum(left, 0.0))
            self._still = np.where(near, lower, self._still).astype(np.float32)

    def _protect(self, face: Box, differs: CellMask) -> None:
        """Keeps a face from becoming background, and removes one that has become it."""
        inner, outer = _within(face), _within(face.scaled(_HEAD))
        self._still[outer] = (
            LEARN_AFTER - RELEARN_AFTER
        )  # this much longer until anything is learned
        learned = self._known[inner] & ~differs[inner]
        if learned.size and learned.mean() > 0.5:
            self._known[outer] = False
            differs[outer] = False

    def _follow_light(
        self, cells: Cells, elapsed: float, exposure: Cells, differs: CellMask
    ) -> None:
        """Follows the light: each visible cell separately, covered ones with the exposure."""
        share = _share(elapsed, _LIGHT_TIME)
        hidden = dilated(differs, _COVER_MARGIN)
        target = np.where(hidden[..., None], self._mean * exposure, cells)
        self._mean += share * (target - self._mean)

    def _learn(self, elapsed: float, differs: CellMask) -> CellMask:
        """Learns cells that were still for long enough.

        Returns:
            What differs afterwards.
        """
        known = self._known.mean()
        is_new = known >= _MIN_KNOWN and differs.mean() >= NEW_SCENE * known
        self._new_scene_for = self._new_scene_for + elapsed if is_new else 0.0
        if self._new_scene_for > NEW_SCENE_AFTER:
            self._known[:] = False
            differs = np.zeros_like(differs)
        learned = (~self._known & (self._still >= LEARN_AFTER)) | (
            differs & (self._still >= RELEARN_AFTER)
        )
        self._mean[learned] = self._anchor[learned]
        self._known |= learned
        return differs & ~learned


def dilated(marks: CellMask, by: int) -> CellMask:
    """The marks, dilated by a square that reaches ``by`` cells to each side."""
    return np.asarray(_around(marks, by) > 0)


def _around(marks: CellMask, by: int) -> NDArray[np.int32]:
    """How many marks there are in the square around each cell, at most ``by`` away."""
    sums = marks.astype(np.int32)
    for axis in (0, 1):
        length = marks.shape[axis]
        sums = np.cumsum(sums, axis=axis, dtype=np.int32)
        places = np.arange(length)
        last = np.take(sums, np.minimum(places + by, length - 1), axis=axis)
        before = np.take(sums, np.maximum(places - by - 1, 0), axis=axis)
        inside = (places > by).reshape((-1, 1) if axis == 0 else (1, -1))
        sums = last - np.where(inside, before, 0)
    return sums


def covering_boxes(marks: CellMask) -> list[tuple[int, int, int, int]]:
    """Rectangles that contain all marks: left, top, right, bottom in cells, half open.

    The picture is split at rows and columns without any mark until that is no longer possible.
    """
    found = []
    waiting = [(0, 0, marks.shape[1], marks.shape[0])]
    while waiting:
        left, top, right, bottom = waiting.pop()
        part = marks[top:bottom, left:right]
        across, down = _runs(part, 0), _runs(part, 1)
        pieces = [
            (left + first, top + upper, left + last, top + lower)
            for first, last in across
            for upper, lower in down
        ]
        if pieces == [(left, top, right, bottom)]:
            found += pieces
        else:
            waiting += pieces
    return found


def _runs(marks: CellMask, axis: int) -> list[tuple[int, int]]:
    """Where columns (axis 0) or rows (1) with any mark begin and end, half open."""
    edges = np.flatnonzero(np.diff(marks.any(axis=axis), prepend=False, append=False))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _within(box: Box) -> tuple[slice, slice]:
    """The cells that a box in cells touches."""
    rows = slice(max(0, math.floor(box.top)), max(0, math.ceil(box.bottom)))
    return rows, slice(max(0, math.floor(box.left)), max(0, math.ceil(box.right)))


def _share(elapsed: float, time_constant: float) -> float:
    """The share of a step that an exponential moving average has adopted."""
    return 1.0 - math.exp(-elapsed / time_constant)

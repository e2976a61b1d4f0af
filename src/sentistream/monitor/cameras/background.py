"""What of a camera's picture is its still surroundings, and what differs from them.

Nothing here knows what a person is. Whatever differs from what was long there is told of, and so
is all that is not known yet: who is in doubt is covered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.types import Box, Picture, UInt8Array

GAP = 2.0
"""At most so many seconds count between two pictures: nobody saw what was in the rest."""

FIRST = 30.0
"""Seconds without change after which a place that is not known yet becomes background."""

LATER = 1200.0
"""The same for a place that differs from what it was, and where a face was."""

MOST = 0.5
"""Share of what is known that differs from which the whole picture is covered."""

NEW = 0.8
"""Share of what is known that differs when the light was switched or the camera moved."""

NEW_AFTER = 3.0
"""Seconds for which it does before everything is learned anew."""

COLUMNS = 120
"""Cells in a row; a picture less than ``8 * COLUMNS`` wide has fewer."""

# a cell differs by so many levels of red, green or blue and so much of its own level; where it
# is noisy, by so many times the noise, up to a limit
_LEVELS, _OF_LEVEL, _OF_NOISE, _LIMIT = 4.0, 0.03, 5.0, 12.0
_NOISE = 3.0  # levels; what is more is no noise
_CLOSE = 3  # cells about what differs that are covered too: the rim of a person
_NEAR = 6  # cells about what changed that do not count as still: the rest of a person
_FLICKER = 10.0  # seconds of stillness that a second of a single cell's change takes away
_BELIEVE = 3.0  # seconds in which two thirds of another value are believed
_FOLLOW = 30.0  # seconds in which two thirds of a slow change of light are followed
_EXPOSURE = (0.8, 1.25)  # what the camera's own control may do; beyond, it is another light
_FEW = 0.2  # share of the picture that has to be known to tell that everything is another
_HEAD = 1.7  # a head with its hair, in sizes of the face from brow to chin
_PLAIN = (30.0, 220.0)  # levels from which exposure can be told

Cells = NDArray[np.float32]
"""Mean colours, shape (rows, columns, 3), 0 to 255."""

Marks = NDArray[np.bool_]
"""One for each cell, shape (rows, columns)."""


def cells_of(picture: Picture) -> Cells:
    """A picture's mean colours, cell by cell."""
    columns = max(1, min(COLUMNS, picture.width // 8))
    rows = max(1, round(columns * picture.height / picture.width))
    small: UInt8Array = picture.crop(Box(0, 0, picture.width, picture.height), columns, rows)
    return small.astype(np.float32)


class Background:
    """Learns one camera's background from its pictures and says what differs from it.

    A cell becomes background when neither it nor what is near it changed for ``FIRST`` seconds;
    a cell that is known and differs, or where a face was, only after ``LATER``. Where nothing
    differs, slow changes of light are followed. Its memory is a few numbers a cell.
    """

    def __init__(self) -> None:
        self._begin((0, 0, 3))

    def _begin(self, shape: tuple[int, ...]) -> None:
        self._mean: Cells = np.zeros(shape, np.float32)
        self._known: Marks = np.zeros(shape[:2], np.bool_)
        self._anchor: Cells = np.zeros(shape, np.float32)
        self._begun: Marks = np.zeros(shape[:2], np.bool_)
        self._still: NDArray[np.float32] = np.zeros(shape[:2], np.float32)
        self._last = self._anchor
        self._noise: NDArray[np.float32] = np.zeros((*shape[:2], 1), np.float32)
        self._upset = 0.0

    def see(self, cells: Cells, passed: float, faces: Sequence[Box] = ()) -> Marks:
        """Learns from a picture and says what of it is to be covered.

        Args:
            cells: The picture's, see ``cells_of``; another shape than before begins anew.
            passed: Seconds since the picture before; 0 for the same once more.
            faces: Where faces are or were a moment ago, from brow to chin, in cells.

        Returns:
            What differs from the background or is not known, grown by a margin; everything
            where ``MOST`` of the background differs or none is known.
        """
        if cells.shape != self._mean.shape:
            self._begin(cells.shape)
        passed = min(max(0.0, passed), GAP)
        self._watch_noise(cells, passed)
        exposure = self._exposure(cells)
        differs = self._known & self._differ(cells, self._mean * exposure)
        self._wait(cells, passed)
        for face in faces:
            self._spare(face, differs)
        self._follow(cells, passed, exposure, differs)
        differs = self._learn(passed, differs)
        if differs.sum() >= MOST * max(1, self._known.sum()):
            return np.ones_like(differs)
        return grown(differs | ~self._known, _CLOSE)

    def _watch_noise(self, cells: Cells, passed: float) -> None:
        """How much cells differ from picture to picture though nothing happens."""
        if passed > 0:
            noise = np.abs(cells - self._last).max(axis=2, keepdims=True)
            self._noise += _share(passed, _FOLLOW) * (np.minimum(noise, _NOISE) - self._noise)
            self._last = cells

    def _differ(self, cells: Cells, others: Cells) -> Marks:
        allowed = np.clip(_LEVELS + _OF_LEVEL * others, _OF_NOISE * self._noise, _LIMIT)
        return np.asarray((np.abs(cells - others) > allowed).any(axis=2))

    def _exposure(self, cells: Cells) -> Cells:
        """By how much the camera lets in more light than in the background, for each colour."""
        some, mean = cells[::2, ::2], self._mean[::2, ::2]
        usable = self._known[::2, ::2] & ((mean > _PLAIN[0]) & (mean < _PLAIN[1])).all(axis=2)
        if usable.mean() < 0.1:
            return np.ones(3, np.float32)
        ratios = np.median(some[usable] / mean[usable], axis=0)
        return np.asarray(np.clip(ratios, *_EXPOSURE), np.float32)

    def _wait(self, cells: Cells, passed: float) -> None:
        """Counts for how long each cell has been still."""
        changed = self._differ(cells, self._anchor)
        # a new value is believed in seconds, so that a flicker does not count twice
        share = np.where(changed, _share(passed, _BELIEVE), _share(passed, 2 * _FOLLOW))
        share[~self._begun] = 1.0
        self._begun[:] = True
        self._anchor += share[..., None].astype(np.float32) * (cells - self._anchor)
        alone = changed & (_around(changed, 1) < 2)
        self._still += passed
        for marks, left in ((alone, self._still - _FLICKER * passed), (changed & ~alone, 0.0)):
            near = grown(marks, _NEAR)
            lower = np.minimum(self._still, np.maximum(left, 0.0))
            self._still = np.where(near, lower, self._still).astype(np.float32)

    def _spare(self, face: Box, differs: Marks) -> None:
        """Takes no face for background, and none that was taken for it before."""
        inner, outer = _within(face), _within(face.scaled(_HEAD))
        self._still[outer] = FIRST - LATER  # to be made up for before anything is learned
        taken = self._known[inner] & ~differs[inner]
        if taken.size and taken.mean() > 0.5:
            self._known[outer] = False
            differs[outer] = False

    def _follow(self, cells: Cells, passed: float, exposure: Cells, differs: Marks) -> None:
        """Follows the light: each cell for itself, hidden ones as the picture does in whole."""
        share = _share(passed, _FOLLOW)
        hidden = grown(differs, _CLOSE)
        target = np.where(hidden[..., None], self._mean * exposure, cells)
        self._mean += share * (target - self._mean)

    def _learn(self, passed: float, differs: Marks) -> Marks:
        """Takes in what was still for long enough; what differs afterwards."""
        known = self._known.mean()
        is_new = known >= _FEW and differs.mean() >= NEW * known
        self._upset = self._upset + passed if is_new else 0.0
        if self._upset > NEW_AFTER:
            self._known[:] = False
            differs = np.zeros_like(differs)
        learned = (~self._known & (self._still >= FIRST)) | (differs & (self._still >= LATER))
        self._mean[learned] = self._anchor[learned]
        self._known |= learned
        return differs & ~learned


def grown(marks: Marks, by: int) -> Marks:
    """The marks and all cells at most ``by`` away from one, along rows and columns."""
    return np.asarray(_around(marks, by) > 0)


def _around(marks: Marks, by: int) -> NDArray[np.int32]:
    """How many marks there are in the square about each cell, at most ``by`` away."""
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


def boxes_of(marks: Marks) -> list[tuple[int, int, int, int]]:
    """Rectangles that hold all marks: left, top, right, bottom in cells, half open.

    The picture is cut along rows and columns without any mark, as often as that is possible.
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


def _runs(marks: Marks, axis: int) -> list[tuple[int, int]]:
    """Where columns (axis 0) or rows (1) with any mark begin and end, half open."""
    edges = np.flatnonzero(np.diff(marks.any(axis=axis), prepend=False, append=False))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _within(box: Box) -> tuple[slice, slice]:
    """The cells that a box in cells touches."""
    rows = slice(max(0, math.floor(box.top)), max(0, math.ceil(box.bottom)))
    return rows, slice(max(0, math.floor(box.left)), max(0, math.ceil(box.right)))


def _share(passed: float, follow: float) -> float:
    return 1.0 - math.exp(-passed / follow)

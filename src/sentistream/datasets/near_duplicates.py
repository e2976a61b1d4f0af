"""Near-duplicate images: the same picture in different files."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentistream.types import FloatArray, UInt8Array

SIDE = 32
"""Width and height of the grey thumbnails that are compared."""

MAX_DIFFERING_BITS = 12
"""Differing bits of the 64 of a difference hash; all but one in a hundred true pairs have fewer."""

MIN_CORRELATION = 0.94
"""Correlation of the grey thumbnails. From pairs of FER2013, RAF-DB and CK: above it, nearly all
are one photograph, cropped or re-encoded; below 0.92 many are two similar people."""

_ROWS = 1_024
_PAIRS = 65_536
_COARSE = 8
# true pairs correlate more, not less, when most detail is averaged away
_MIN_COARSE = MIN_CORRELATION - 0.02


def thumbnail(pixels: UInt8Array) -> UInt8Array:
    """A small grey picture for comparison, shape (32, 32).

    Args:
        pixels: Shape (height, width) or (height, width, 3).
    """
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.uint8)


def difference_hash(thumbnails: UInt8Array) -> NDArray[np.bool_]:
    """64 bits each: whether brightness rises from one of 9 x 8 patches to the next on the right.

    Args:
        thumbnails: Shape (N, 32, 32).

    Returns:
        Shape (N, 64).
    """
    patches = np.stack(
        [
            np.asarray(Image.fromarray(one).resize((9, 8), Image.Resampling.BOX))
            for one in thumbnails
        ]
    )
    return np.asarray(patches[:, :, 1:] > patches[:, :, :-1]).reshape(len(thumbnails), 64)


def near_duplicate_pairs(thumbnails: UInt8Array) -> list[tuple[int, int]]:
    """Pairs of images that look the same, the smaller position first.

    33,000 images take about 10 seconds on one core: all hashes are compared with each other, and
    only pairs with similar hashes pixel by pixel, most of them on 8 x 8 averages alone.

    Args:
        thumbnails: As ``thumbnail`` makes them, shape (N, 32, 32).
    """
    if len(thumbnails) < 2:
        return []
    sides = (_COARSE, SIDE // _COARSE)
    coarse = _normal(thumbnails.reshape(-1, *sides, *sides).mean(axis=(2, 4)))
    signs = np.where(difference_hash(thumbnails), np.float32(1), np.float32(-1))
    least = 64 - 2 * MAX_DIFFERING_BITS
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(signs), _ROWS):
        # products of signs: 64 less twice the differing bits
        alike = signs[start : start + _ROWS] @ signs[start:].T >= least
        first, second = np.nonzero(np.triu(alike, k=1))
        first, second = first + start, second + start
        rough = np.einsum("ij,ij->i", coarse[first], coarse[second])
        # uniform pictures correlate with nothing
        likely = (rough >= _MIN_COARSE) | ~coarse[first].any(axis=1)
        pairs += _confirmed(thumbnails, first[likely], second[likely])
    return pairs


def _confirmed(
    thumbnails: UInt8Array, first: NDArray[np.int64], second: NDArray[np.int64]
) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for at in range(0, len(first), _PAIRS):
        left, right = first[at : at + _PAIRS], second[at : at + _PAIRS]
        same = _correlation(thumbnails[left], thumbnails[right]) >= MIN_CORRELATION
        pairs += zip(left[same].tolist(), right[same].tolist(), strict=True)
    return pairs


def _correlation(first: UInt8Array, second: UInt8Array) -> FloatArray:
    """Pearson correlation of each picture with its partner; 1 for two uniform ones."""

    left, right = _normal(first), _normal(second)
    plain = ~left.any(axis=1) & ~right.any(axis=1)
    level = (first.mean(axis=(1, 2)) - second.mean(axis=(1, 2))).round()
    found = np.einsum("ij,ij->i", left, right)
    return np.asarray(np.where(plain, np.where(level == 0, 1.0, 0.0), found), dtype=np.float32)


def _normal(values: NDArray[np.generic]) -> FloatArray:
    """Each flattened, with mean 0 and length 1, or all 0 if it is uniform."""
    rows = values.reshape(len(values), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-6), dtype=np.float32)


def connected_groups(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected components of pairs; each sorted, ordered by their first member."""
    parent: dict[int, int] = {}

    def root(member: int) -> int:
        while parent.setdefault(member, member) != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for first, second in pairs:
        parent[root(second)] = root(first)
    groups: dict[int, list[int]] = {}
    for member in sorted(parent):
        groups.setdefault(root(member), []).append(member)
    return sorted(groups.values())


def near_duplicates(images: Iterable[UInt8Array]) -> list[list[int]]:
    """Positions of images that look the same, by group; unique images are in no group.

    Crops that are mirrored or shifted by more than a few pixels in a hundred are not found.

    Args:
        images: Shape (height, width) or (height, width, 3) each, of any sizes.
    """
    thumbnails = [thumbnail(image) for image in images]
    return connected_groups(near_duplicate_pairs(np.stack(thumbnails))) if thumbnails else []

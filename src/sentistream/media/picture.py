"""Pictures that convert only what is asked of them."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sentistream.types import Box, UInt8Array


class RgbPicture:
    """A picture held as RGB, shape (height, width, 3), uint8.

    Raises:
        ValueError: The array has another shape or type.
    """

    def __init__(self, pixels: UInt8Array) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(
                "A picture is a uint8 array of shape (height, width, 3), "
                f"not {pixels.dtype} of shape {pixels.shape}."
            )
        self._pixels = pixels
        self._luma: UInt8Array | None = None

    @property
    def width(self) -> int:
        return int(self._pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self._pixels.shape[0])

    @property
    def luma(self) -> UInt8Array:
        if self._luma is None:
            self._luma = np.asarray(Image.fromarray(self._pixels).convert("L"))
        return self._luma

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        return resample(self._pixels, box, width, height)

    def rgb(self) -> UInt8Array:
        return self._pixels


def resample(pixels: UInt8Array, box: Box, width: int, height: int) -> UInt8Array:
    """The part of ``pixels`` within ``box``, resampled to ``width`` x ``height``.

    Each output pixel averages what it covers (a triangle filter as wide as the reduction),
    so that shrinking does not alias. Parts of the box outside repeat the picture's edge.

    Args:
        pixels: Shape (rows, columns) or (rows, columns, 3).
        box: In pixels of ``pixels``; may reach outside.
    """
    rows, columns = pixels.shape[:2]
    # the filter reaches one output pixel beyond the box on each side
    reach_x = math.ceil(box.width / width) + 1
    reach_y = math.ceil(box.height / height) + 1
    left, right = math.floor(box.left) - reach_x, math.ceil(box.right) + reach_x
    top, bottom = math.floor(box.top) - reach_y, math.ceil(box.bottom) + reach_y
    if left >= 0 and top >= 0 and right <= columns and bottom <= rows:
        part = pixels[top:bottom, left:right]
    else:
        nearest_rows = np.clip(np.arange(top, bottom), 0, rows - 1)
        nearest_columns = np.clip(np.arange(left, right), 0, columns - 1)
        part = pixels[np.ix_(nearest_rows, nearest_columns)]
    region = (box.left - left, box.top - top, box.right - left, box.bottom - top)
    resized = Image.fromarray(np.ascontiguousarray(part)).resize(
        (width, height), Image.Resampling.BILINEAR, box=region
    )
    return np.asarray(resized)

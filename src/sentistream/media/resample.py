"""Resampling of picture parts without aliasing."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sentistream.types import Box, UInt8Array

REDUCING_GAP = 1.5
"""Shrinking by more than this first averages whole blocks of pixels (PIL's ``reducing_gap``): half
the cost, and the networks' answers stay the same."""


def resample(pixels: UInt8Array, box: Box, width: int, height: int) -> UInt8Array:
    """The part of ``pixels`` within ``box``, resampled to ``width`` x ``height``.

    Each output pixel averages what it covers (a triangle filter as wide as the reduction),
    so that shrinking does not alias. Parts of the box outside repeat the picture's edge.

    Args:
        pixels: Shape (rows, columns) or (rows, columns, 3).
        box: In pixels of ``pixels``; may extend outside.
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
    resized = _image(part).resize(
        (width, height), Image.Resampling.BILINEAR, box=region, reducing_gap=REDUCING_GAP
    )
    return np.asarray(resized)


def as_square(pixels: UInt8Array, size: int) -> UInt8Array:
    """A still image of any shape as a square of ``size`` x ``size`` pixels, never stretched.

    If it is not square, its edges are repeated above and below, or left and right, as for a live
    face that extends beyond the picture.

    Args:
        pixels: Shape (rows, columns) or (rows, columns, 3).
    """
    rows, columns = pixels.shape[:2]
    return resample(pixels, Box(0, 0, columns, rows).squared(), size, size)


def resize(pixels: UInt8Array, width: int, height: int) -> UInt8Array:
    """Resizes all of ``pixels``, shape (rows, columns), without aliasing."""
    image = _image(pixels)
    resized = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)
    return np.asarray(resized)


def _image(pixels: UInt8Array) -> Image.Image:
    """The pixels as a PIL image; copied once if necessary, where ``fromarray`` copies twice."""
    pixels = np.ascontiguousarray(pixels)
    mode = "L" if pixels.ndim == 2 else "RGB"
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)

"""Some pictures of each class on one sheet, to see at a glance what a data set holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sentistream.types import UInt8Array

CELL = 116
"""Width and height of a picture's place, pixels."""
_COLUMNS = 12
_HEADING = 26
_PAPER, _INK = (250, 250, 250), (30, 30, 30)


def contact_sheet(
    pictures: Mapping[str, Sequence[UInt8Array]], counts: Mapping[str, int]
) -> Image.Image:
    """One block of pictures for each class, with its name and how many there are.

    Args:
        pictures: By class, shape (height, width, 3) each.
        counts: How many samples each class has.
    """
    labels = sorted(pictures)
    rows = {label: -(-len(pictures[label]) // _COLUMNS) for label in labels}
    height = sum(_HEADING + rows[label] * CELL for label in labels)
    sheet = Image.new("RGB", (_COLUMNS * CELL, max(height, _HEADING)), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    top = 0
    for label in labels:
        draw.text((6, top + 4), f"{label}: {counts.get(label, 0):,}", _INK, font)
        top += _HEADING
        for number, pixels in enumerate(pictures[label]):
            row, column = divmod(number, _COLUMNS)
            image = _fitted(pixels)
            left = column * CELL + (CELL - image.width) // 2
            sheet.paste(image, (left, top + row * CELL + (CELL - image.height) // 2))
        top += rows[label] * CELL
    return sheet


def _fitted(pixels: UInt8Array) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = (CELL - 4) / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BILINEAR)

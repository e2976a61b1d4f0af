"""A contact sheet: a few pictures of each class of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sentistream.types import UInt8Array

CELL = 116
"""Width and height of a cell, pixels."""
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
    headings = {f"{label}: {counts.get(label, 0):,}": pictures[label] for label in sorted(pictures)}
    return sheet_of(headings)


def sheet_of(
    blocks: Mapping[str, Sequence[UInt8Array]],
    *,
    cell: tuple[int, int] = (CELL, CELL),
    columns: int = _COLUMNS,
) -> Image.Image:
    """Blocks of pictures below their headings.

    Args:
        blocks: By heading, shape (height, width, 3) each.
        cell: Width and height of a cell, pixels.
        columns: Pictures side by side.
    """
    rows = {heading: -(-len(pictures) // columns) for heading, pictures in blocks.items()}
    height = sum(_HEADING + rows[heading] * cell[1] for heading in blocks)
    sheet = Image.new("RGB", (columns * cell[0], max(height, _HEADING)), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    top = 0
    for heading, pictures in blocks.items():
        draw.text((6, top + 4), heading, _INK, font)
        top += _HEADING
        for number, pixels in enumerate(pictures):
            row, column = divmod(number, columns)
            image = _fitted(pixels, (cell[0] - 4, cell[1] - 4))
            left = column * cell[0] + (cell[0] - image.width) // 2
            sheet.paste(image, (left, top + row * cell[1] + (cell[1] - image.height) // 2))
        top += rows[heading] * cell[1]
    return sheet


def _fitted(pixels: UInt8Array, room: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = min(room[0] / image.width, room[1] / image.height)
    if factor == 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BILINEAR)

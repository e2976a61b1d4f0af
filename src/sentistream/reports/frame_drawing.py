"""Draw readings into a picture, as in the paper's Figures 6 and 7."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sentistream.reports.report_wording import COLORS, WORDS, ink, rgb
from sentistream.tables import mouth_state
from sentistream.types import SENTIMENTS, Box, Distribution, Label, Reading, UInt8Array

INK = (255, 255, 255)
BACK = (18, 22, 28)
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(
    pixels: UInt8Array, readings: Sequence[Reading], *, mouth_threshold: float
) -> UInt8Array:
    """A copy of ``pixels`` with each face's box, mouth state, class and probabilities.

    Letters and lines grow with the picture, so that they are legible at any size.

    Args:
        pixels: RGB, shape (height, width, 3), uint8; not changed.
        readings: One moment's.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.

    Returns:
        Same shape and type as ``pixels``.
    """
    image = Image.fromarray(pixels)
    if image.readonly:
        image = image.copy()
    draw = ImageDraw.Draw(image)
    size = max(10, round(min(image.width, image.height) / 32))
    # panels must not overlap faces or each other
    taken = [reading.face.box for reading in readings if reading.face is not None]
    for reading in readings:
        if reading.face is None:
            _panel(draw, ["no face"], (size / 2, size / 2), scaled_font(size), BACK)
        else:
            _face(draw, reading, size, mouth_threshold, taken)
    return np.asarray(image)


def _face(
    draw: ImageDraw.ImageDraw,
    reading: Reading,
    size: int,
    mouth_threshold: float,
    taken: list[Box],
) -> None:
    face = reading.face
    assert face is not None  # noqa: S101 - the caller has looked
    line = max(2, size // 8)
    color = rgb(reading.label)
    box = face.box
    draw.rectangle((box.left, box.top, box.right, box.bottom), outline=color, width=line)
    state = mouth_state(reading.mouth_open, mouth_threshold)
    if state is not None:
        _mouth(draw, reading, state, line)

    title = f"{face.track}: {WORDS[reading.label]}"
    mouth = "mouth ?" if state is None else f"mouth {state} {reading.mouth_open:.2f}"
    font = scaled_font(size)
    bars = reading.smoothed
    width = max(_width(font, title), _width(font, mouth), size * 9) + size
    height = size * (2.9 + (3.6 if bars else 0))
    left, top = _place(draw.im.size, box, width, height, line, taken)
    draw.rectangle((left, top, left + width, top + height), fill=BACK)
    draw.rectangle((left, top, left + width, top + size * 1.45), fill=color)
    draw.text((left + size / 2, top + size * 0.15), title, fill=ink(reading.label), font=font)
    draw.text((left + size / 2, top + size * 1.55), mouth, fill=INK, font=font)
    if bars:
        _bars(draw, bars, (left + size / 2, top + size * 2.9), width - size, size)
    taken.append(Box(left, top, left + width, top + height))


def _mouth(draw: ImageDraw.ImageDraw, reading: Reading, state: str, line: int) -> None:
    face = reading.face
    assert face is not None  # noqa: S101
    lips = face.landmarks[48:60]
    outline = [(float(x), float(y)) for x, y in (*lips, lips[0])]
    color = (255, 214, 64) if state == "open" else INK
    draw.line(outline, fill=color, width=max(1, line - 1), joint="curve")


def _bars(
    draw: ImageDraw.ImageDraw,
    distribution: Distribution,
    corner: tuple[float, float],
    width: float,
    size: int,
) -> None:
    font = scaled_font(round(size * 0.85))
    left, top = corner
    label_width, number_width = size * 4.1, size * 2.0
    room = width - label_width - number_width
    for row, (name, value) in enumerate(zip(SENTIMENTS, distribution.as_tuple(), strict=True)):
        y = top + row * size * 1.15
        draw.text((left, y), name, fill=INK, font=font)
        start = left + label_width
        draw.rectangle((start, y + size * 0.2, start + room, y + size * 0.85), fill=(52, 58, 68))
        if value * room >= 1:
            draw.rectangle(
                (start, y + size * 0.2, start + value * room, y + size * 0.85),
                fill=COLORS[Label(name)],
            )
        draw.text((start + room + size * 0.3, y), f"{value:.2f}", fill=INK, font=font)


def _place(
    picture: tuple[int, int],
    box: Box,
    width: float,
    height: float,
    line: int,
    taken: Sequence[Box],
) -> tuple[float, float]:
    """Top left corner of a panel beside the face: inside the picture, clear of other panels."""
    gap = line * 2
    wanted = (
        (box.right + gap, box.top),
        (box.left - gap - width, box.top),
        (box.left, box.bottom + gap),
        (box.left, box.top - gap - height),
    )
    last = (
        min(max(box.left, 0.0), max(picture[0] - width, 0.0)),
        max(picture[1] - height, 0.0),
    )
    for left, top in wanted:
        inside = 0 <= left <= picture[0] - width and 0 <= top <= picture[1] - height
        place = Box(left, top, left + width, top + height)
        if inside and not any(place.iou(other) for other in taken):
            return left, top
    return last


def _panel(
    draw: ImageDraw.ImageDraw,
    lines: Sequence[str],
    corner: tuple[float, float],
    font: Font,
    color: tuple[int, int, int],
) -> None:
    text = "\n".join(lines)
    left, top, right, bottom = draw.multiline_textbbox(corner, text, font=font)
    edge = (bottom - top) / 3
    draw.rectangle((left - edge, top - edge, right + edge, bottom + edge), fill=color)
    draw.multiline_text(corner, text, fill=INK, font=font)


def _width(font: Font, text: str) -> float:
    left, _, right, _ = font.getbbox(text)
    return right - left


@lru_cache(maxsize=8)
def scaled_font(size: int) -> Font:
    """Pillow's own font, so that every machine draws the same; ``size`` in pixels."""
    return ImageFont.load_default(size)

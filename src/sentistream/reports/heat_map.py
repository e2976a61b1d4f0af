"""An explanation as a picture and in words: which parts of a face speak for the answer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sentistream.explanation import Explanation
from sentistream.reports.frame_drawing import scaled_font
from sentistream.reports.output_files import write_atomically
from sentistream.reports.report_wording import WORDS, percent
from sentistream.types import SENTIMENTS, Branch, Label, UInt8Array

FOR, AGAINST = (230, 97, 0), (93, 58, 155)
"""Orange and violet: no class uses them, and colour-blind people can distinguish them."""

_PAPER, _INK, _SOFT = (255, 255, 255), (18, 22, 28), (90, 98, 110)
_MIN = 0.01  # weaker maps are not scaled up
_EDGE, _SCALE, _SIZE = 20, 100, 17  # pixels: margins, room of the scale, letters


def sentences(explanation: Explanation) -> list[str]:
    """The face's answer, its network's answer for this picture, and the voice's part."""
    reading, word = explanation.reading, WORDS[explanation.label]
    assert reading.smoothed is not None  # noqa: S101 - others are not explained
    answer = f"{word} ({percent(reading.smoothed.confidence)})"
    if reading.label is Label.UNKNOWN:
        answer = f"not clear, rather {answer}"
    shares = zip(SENTIMENTS, explanation.by_face.as_tuple(), strict=True)
    told = ", ".join(f"{WORDS[Label(name)]} {percent(share)}" for name, share in shares)
    return [
        f"Appearance {reading.track} at {reading.time:.2f} s: {answer}.",
        f"The face in this one picture, by itself: {told}.",
        _voice(explanation),
    ]


def _voice(explanation: Explanation) -> str:
    share, branch = explanation.reading.voice_share, explanation.reading.branch
    if share is None:
        together = " Face and voice decided together here." if branch is Branch.FUSED else ""
        return f"How much of the answer came from the voice is not known.{together}"
    if branch is not Branch.FUSED:
        return "The answer rests on the face alone; no voice was heard."
    return f"Of the answer, {percent(share)} came from the voice, the rest from the face."


def table(explanation: Explanation) -> str:
    """By how many percentage points each part of the face speaks for the label, as lines."""
    parts = sorted(explanation.regions.items(), key=lambda part: -part[1])
    return "\n".join(f"  {name:8}{_points(change):>6}" for name, change in parts)


def draw_heat_map(explanation: Explanation) -> UInt8Array:
    """The face, the map over it, its scale, and the answer in words.

    Returns:
        RGB, shape (height, width, 3).
    """
    face = _rgb(explanation.face)
    most = max(_MIN, float(np.abs(explanation.heat).max()))
    heated = _heated(face, explanation.heat / most)
    high, wide = face.shape[:2]
    lines = [*sentences(explanation), _legend(explanation)]
    font = scaled_font(_SIZE)
    width = 2 * wide + 3 * _EDGE + _SCALE
    wrapped = [row for line in lines for row in _wrapped(line, width - 2 * _EDGE)]
    line_height = round(_SIZE * 1.45)
    height = high + 3 * _EDGE + line_height * len(wrapped)
    image = Image.new("RGB", (width, height), _PAPER)
    image.paste(Image.fromarray(face), (_EDGE, _EDGE))
    image.paste(Image.fromarray(heated), (2 * _EDGE + wide, _EDGE))
    draw = ImageDraw.Draw(image)
    _scale(image, draw, (2 * wide + 2 * _EDGE + 14, _EDGE), high, most)
    for row, text in enumerate(wrapped):
        place = (_EDGE, high + 2 * _EDGE + row * line_height)
        draw.text(place, text, fill=_SOFT if row else _INK, font=font)
    return np.asarray(image)


def write_heat_map(path: Path, explanation: Explanation) -> None:
    """Write the picture as PNG.

    Raises:
        OutputError: It cannot be written.
    """
    content = io.BytesIO()
    Image.fromarray(draw_heat_map(explanation)).save(content, "PNG")
    write_atomically(path, content.getvalue())


def _legend(explanation: Explanation) -> str:
    word = WORDS[explanation.label]
    return (
        f"Orange speaks for {word}, violet against it: by so many percentage points the face "
        f"by itself would be less, or more, {word} with that place covered."
    )


def _points(change: float) -> str:
    """A change of a probability as percentage points with a sign."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else "-" if rounded < 0 else ""
    return f"{sign}{abs(rounded)}"


def _rgb(face: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(face).convert("RGB"))


def _colors(heat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colour and opacity of changes of -1 to 1."""
    colors = np.where((heat > 0)[..., np.newaxis], np.array(FOR), np.array(AGAINST))
    return colors, np.abs(heat)[..., np.newaxis]


def _heated(face: UInt8Array, heat: np.ndarray) -> UInt8Array:
    high, wide = face.shape[:2]
    fine = Image.fromarray(heat.astype(np.float32)).resize((wide, high), Image.Resampling.BICUBIC)
    colors, opacity = _colors(np.clip(np.asarray(fine), -1, 1))
    grey = np.asarray(Image.fromarray(face).convert("L"), np.float64)[..., np.newaxis]
    under = 70 + grey * 0.65  # lighter, so that colours show on dark skin and hair too
    mixed = under * (1 - 0.8 * opacity) + colors * 0.8 * opacity
    return np.asarray(np.round(mixed), np.uint8)


def _scale(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    high: int,
    most: float,
) -> None:
    """What the colours mean, in percentage points."""
    left, top = corner
    values = np.linspace(1, -1, high)[:, np.newaxis].repeat(22, axis=1)
    colors, opacity = _colors(values)
    bar = np.round(235 * (1 - opacity) + colors * opacity).astype(np.uint8)
    image.paste(Image.fromarray(bar), (left, top))
    font = scaled_font(_SIZE)
    for share, value in ((0.0, most), (0.5, 0.0), (1.0, -most)):
        y = top + share * (high - _SIZE * 1.2)
        digits = f"{abs(value) * 100:.{0 if most >= 0.1 else 1}f}" if value else "0"
        sign = "+" if value > 0 else "-" if value < 0 else ""
        draw.text((left + 30, y), sign + digits, fill=_INK, font=font)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines no wider than this many pixels."""
    font, lines = scaled_font(_SIZE), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines

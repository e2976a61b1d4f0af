"""Animates the portrait of Eileen Collins (NASA, public domain) in ``portrait.webp``.

Every picture is one backward warp of the head: it maps each pixel of the result to its place in
the portrait. Points are pixels of the 512 x 512 portrait.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentistream.demo import script
from sentistream.types import UInt8Array

Array = NDArray[np.floating]

SCALE = 2
"""The portrait is warped at this enlargement."""
REGION = (138, 0, 312, 212)
"""Left, top, right, bottom of the part that moves: head and neck."""
EYES_PART = (184, 84, 268, 120)
MOUTH_PART = (172, 114, 280, 212)
"""Parts of the region that only the eyes, and only the mouth and jaw, change."""

HEAD = (222.0, 108.0)
HEAD_REACH = (82.0, 100.0)
"""Half axes of the ellipse outside which nothing moves."""

MOUTH_LEFT, MOUTH_RIGHT = 203.0, 244.5
MOUTH = (223.7, 146.0)
COLUMNS = np.array([203.0, 206.5, 210.5, 214.2, 218.3, 221.7, 226, 231, 236.7, 241.7, 244.5])
UPPER = np.array([140.0, 141.4, 142.0, 142.5, 143.0, 143.5, 143.6, 143.1, 142.5, 141.2, 140.8])
"""Where the upper lip ends and the teeth begin, for ``COLUMNS``."""
LOWER = np.array([140.0, 143.2, 146.6, 149.0, 149.6, 149.9, 149.9, 149.5, 147.2, 143.4, 140.8])
"""Where the teeth end and the lower lip begins, for ``COLUMNS``."""
NOSE, JAW, CHIN, NECK = 133.0, 165.0, 178.0, 204.0
JAW_DROP = 9.0
"""How far the jaw falls with the mouth wide open, pixels."""
SMILE_GAP = 0.35
"""Opening (0 to 1) from which the teeth show as far as in the portrait."""

EYES = ((202.5, 98.0, 105.0), (247.0, 100.5, 106.5))
"""Middle, upper lid and lower lid of each eye."""
EYE_REACH = 11.0

DARK = np.array([58.0, 20.0, 22.0], dtype=np.float32)
TONGUE = np.array([150.0, 72.0, 74.0], dtype=np.float32)
SEAM = np.array([112.0, 58.0, 56.0], dtype=np.float32)


def original() -> Image.Image:
    """The portrait as it was taken, 512 x 512 pixels, RGB."""
    with (resources.files(__package__) / "portrait.webp").open("rb") as file:
        return Image.open(file).convert("RGB")


class Portrait:
    """Draws the portrait at a time of the script."""

    def __init__(self) -> None:
        portrait = original()
        size = (portrait.width * SCALE, portrait.height * SCALE)
        self._whole = portrait.resize(size, Image.Resampling.LANCZOS)
        self._pixels = np.asarray(self._whole, dtype=np.float32)
        left, top, right, bottom = REGION
        columns = (np.arange(left * SCALE, right * SCALE, dtype=np.float32) + 0.5) / SCALE
        rows = (np.arange(top * SCALE, bottom * SCALE, dtype=np.float32) + 0.5) / SCALE
        self._x, self._y = np.meshgrid(columns, rows)
        reach = np.hypot((self._x - HEAD[0]) / HEAD_REACH[0], (self._y - HEAD[1]) / HEAD_REACH[1])
        self._weight = 1 - _ramp(reach, 0.6, 1.0)
        """How far each pixel follows the head."""

    def draw(self, time: float, size: tuple[int, int]) -> UInt8Array:
        """What the camera sees at ``time`` seconds, shape (height, width, 3), RGB.

        Args:
            time: Seconds of the script.
            size: Width and height in pixels.
        """
        x, y, width = script.camera(time)
        height = width * size[1] / size[0]
        left = min(max(x - width / 2, 0), 512 - width)
        top = min(max(y - height / 2, 0), 512 - height)
        canvas = self._whole
        if left < REGION[2]:
            canvas = canvas.copy()
            head = Image.fromarray(self._head(time))
            canvas.paste(head, (REGION[0] * SCALE, REGION[1] * SCALE))
        right, bottom = left + width, top + height
        view = (left * SCALE, top * SCALE, right * SCALE, bottom * SCALE)
        return np.asarray(canvas.resize(size, Image.Resampling.BICUBIC, box=view))

    def _head(self, time: float) -> UInt8Array:
        right, down, roll = script.head(time)
        x = self._x - self._weight * (right - roll * (self._y - HEAD[1]))
        y = self._y - self._weight * (down + roll * (self._x - HEAD[0]))
        eyes, below = _part(EYES_PART), _part(MOUTH_PART)
        y[eyes] = _blink(x[eyes], y[eyes], script.blink(time))
        x[below], y[below] = _smile(x[below], y[below], 1 - script.smile(time))
        lips = _mouth(x[below], y[below], script.opening(time))
        y[below] = lips.source
        pixels = _sample(self._pixels, x * SCALE - 0.5, y * SCALE - 0.5)
        pixels[below] = _paint_mouth(pixels[below], x[below], lips)
        return np.asarray(np.clip(pixels + 0.5, 0, 255), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Lips:
    """The state of the mouth at one time; each array has the shape of the part it was made for.

    Attributes:
        source: The row of the portrait each pixel comes from.
        inside: How far it is between the lips, 0 to 1.
        depth: How far it is below the upper lip, in pixels of the portrait.
        gap: The height of the opening in its column, in pixels of the portrait.
    """

    source: Array
    inside: Array
    depth: Array
    gap: Array


def _part(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """Rows and columns of the moving region that show ``box`` of the portrait."""
    left, top, right, bottom = box
    return (
        slice((top - REGION[1]) * SCALE, (bottom - REGION[1]) * SCALE),
        slice((left - REGION[0]) * SCALE, (right - REGION[0]) * SCALE),
    )


def _ramp(values: Array, start: float, end: float) -> Array:
    return np.asarray(script.ramp(values, start, end), dtype=np.float32)


def _blink(x: Array, y: Array, shut: float) -> Array:
    """Pulls the upper lids down."""
    if shut < 0.01:
        return y
    for middle, upper, lower in EYES:
        across = np.clip(np.abs(x - middle) / EYE_REACH, 0, 1)
        fall = shut * (lower - upper - 1) * (1 - across**2)
        stretched = _piecewise(
            y,
            [upper - 6 + 0 * fall, upper + fall, lower + 0.5 + 0 * fall, lower + 3 + 0 * fall],
            [upper - 6 + 0 * fall, upper + 0 * fall, lower + 0 * fall, lower + 3 + 0 * fall],
        )
        near = (np.abs(x - middle) < EYE_REACH) & (np.abs(y - (upper + lower) / 2) < 9)
        y = np.where(near, stretched, y)
    return y


def _smile(x: Array, y: Array, serious: float) -> tuple[Array, Array]:
    """Narrows the mouth and draws its corners down; 0 leaves the smile, 1 takes it away."""
    across, along = (x - MOUTH[0]) / 40, (y - MOUTH[1]) / 26
    weight = serious * (1 - _ramp(np.hypot(across, along), 0.35, 1.0))
    corner = np.clip((x - MOUTH[0]) / 17, -1.4, 1.4) ** 2
    return x + weight * 0.26 * (x - MOUTH[0]), y - weight * (5.6 * corner - 2.0)


def _mouth(x: Array, y: Array, opening: float) -> _Lips:
    """Moves the lips and the jaw; ``opening`` from 0 to 1."""
    upper = _along(x, UPPER)
    lower = _along(x, LOWER)
    across = np.clip(np.abs(x - MOUTH[0]) / 42, 0, 1)
    jaw = 1 - _ramp(across, 0.25, 1.0)
    teeth = min(opening / SMILE_GAP, 1.0)
    drop = JAW_DROP * max(opening - 0.5 * SMILE_GAP, 0.0) / (1 - 0.5 * SMILE_GAP)
    meet = upper + 0.45 * (lower - upper)
    upper_now = meet + (upper - meet) * teeth
    width = np.clip(1 - ((x - MOUTH[0]) / 20.7) ** 2, 0, 1)
    lower_now = meet + (lower - meet) * teeth + drop * np.sqrt(width)
    gap = lower_now - upper_now
    still = np.zeros_like(x)
    above = _piecewise(y, [still + NOSE, upper_now], [still + NOSE, upper])
    below = _piecewise(
        y,
        [lower_now, JAW + drop * jaw, CHIN + 0.9 * drop * jaw, still + NECK],
        [lower, still + JAW, still + CHIN, still + NECK],
    )
    depth = y - upper_now
    tooth = np.minimum(upper + depth, lower - 0.6)
    middle = (upper_now + lower_now) / 2
    source = np.where(y < middle, above, below)
    within = (x > MOUTH_LEFT) & (x < MOUTH_RIGHT) & (gap > 0.25)
    edge = np.clip(np.minimum(depth, lower_now - y) / 0.5 + 0.5, 0, 1)
    inside = np.where(within, edge, 0)
    source = np.where((depth > 0) & (y < lower_now) & within, tooth, source)
    return _Lips(source, inside.astype(np.float32), depth, gap)


def _along(x: Array, values: NDArray[np.float64]) -> Array:
    """``values``, given for ``COLUMNS``, at ``x``."""
    return np.interp(x, COLUMNS, values).astype(np.float32)


def _paint_mouth(pixels: Array, x: Array, lips: _Lips) -> Array:
    """Draws darkness and tongue behind the teeth, and the line where closed lips meet."""
    depth, gap = lips.depth, lips.gap
    shown = _along(x, LOWER - UPPER) - 0.6
    behind = lips.inside * np.clip((depth - shown) / 0.6, 0, 1)
    tongue = np.clip((depth - 0.72 * gap) / 2.0, 0, 1) * np.clip((gap - 7) / 4, 0, 1)
    cavity = DARK + (TONGUE - DARK) * tongue[..., None]
    pixels = pixels + (cavity - pixels) * behind[..., None]
    closed = np.clip(1 - gap / 1.5, 0, 1) * ((x > MOUTH_LEFT) & (x < MOUTH_RIGHT))
    seam = 0.75 * closed * np.exp(-(((depth - gap / 2) / 0.55) ** 2))
    return np.asarray(pixels + (SEAM - pixels) * seam[..., None], dtype=np.float32)


def _piecewise(y: Array, knots: list[Array], sources: list[Array]) -> Array:
    """Maps ``y`` so that ``knots`` fall on ``sources``: linear in between, unchanged outside."""
    mapped = y.copy()
    for low, high, start, end in zip(knots, knots[1:], sources, sources[1:], strict=False):
        share = (y - low) / np.maximum(high - low, 1e-3)
        between = (share >= 0) & (share <= 1)
        mapped = np.where(between, start + share * (end - start), mapped)
    return mapped


def _sample(pixels: Array, x: Array, y: Array) -> Array:
    """``pixels`` at fractional places, bilinear, shape of ``x`` with 3 channels."""
    height, width = pixels.shape[:2]
    x, y = np.clip(x, 0, width - 1.01), np.clip(y, 0, height - 1.01)
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = (x - column)[..., None], (y - row)[..., None]
    flat = pixels.reshape(-1, 3)
    index = row * width + column

    def line(index: NDArray[np.int32]) -> Array:
        start = flat.take(index, axis=0)
        return start + (flat.take(index + 1, axis=0) - start) * right

    upper = line(index)
    return upper + (line(index + width) - upper) * down

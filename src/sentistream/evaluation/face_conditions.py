"""What makes faces hard to find, done on purpose to pictures and their marked faces."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from sentistream.evaluation import disturbances
from sentistream.evaluation.face_references import MarkedFace
from sentistream.types import Box, UInt8Array

Marked: TypeAlias = tuple[UInt8Array, tuple[MarkedFace, ...]]
"""A picture, RGB, and its faces."""


@dataclass(frozen=True, slots=True)
class FaceCondition:
    """A row of the table.

    Attributes:
        kind: The disturbance, such as ``roll``.
        level: How strong, in words.
        make: The disturbed picture and faces; None where the picture does not allow it. At
            least one face has to be counted. What is random comes from the generator.
    """

    kind: str
    level: str
    make: Callable[[UInt8Array, tuple[MarkedFace, ...], np.random.Generator], Marked | None]


def turned(pixels: UInt8Array, faces: tuple[MarkedFace, ...], degrees: float) -> Marked:
    """Turned counter-clockwise about the middle, in a square that holds it at any angle.

    The square is the same at every angle, so that those differ by nothing else. A face fills
    the ellipse in its box; its new box is the one about the turned ellipse.
    """
    rows, columns = pixels.shape[:2]
    side = math.ceil(math.hypot(rows, columns))
    top, left = (side - rows) // 2, (side - columns) // 2
    canvas = np.empty((side, side, 3), np.uint8)
    canvas[:] = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    canvas[top : top + rows, left : left + columns] = pixels
    middle = (left + columns / 2, top + rows / 2)
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)

    def turn(face: MarkedFace) -> MarkedFace:
        x, y = face.box.center
        x, y = x - columns / 2, y - rows / 2
        x, y = middle[0] + x * cosine + y * sine, middle[1] - x * sine + y * cosine
        a, b = face.box.width / 2, face.box.height / 2
        half_width, half_height = math.hypot(a * cosine, b * sine), math.hypot(a * sine, b * cosine)
        return replace(
            face, box=Box(x - half_width, y - half_height, x + half_width, y + half_height)
        )

    return disturbances.roll(canvas, degrees, middle), tuple(turn(face) for face in faces)


def shrunk(pixels: UInt8Array, faces: tuple[MarkedFace, ...], size: float) -> Marked | None:
    """The scene farther away, so that the largest face is ``size`` pixels; it alone counts.

    None where it is smaller already.
    """
    largest = _largest(faces)
    factor = size / largest.size
    if factor > 1:
        return None
    rows, columns = pixels.shape[:2]
    height, width = max(1, round(rows * factor)), max(1, round(columns * factor))
    top, left = (rows - height) // 2, (columns - width) // 2
    x, y = width / columns, height / rows

    def move(face: MarkedFace) -> MarkedFace:
        box = face.box
        return replace(
            face,
            box=Box(
                left + box.left * x, top + box.top * y, left + box.right * x, top + box.bottom * y
            ),
            counted=face is largest,
        )

    return disturbances.move_away(pixels, factor), tuple(move(face) for face in faces)


def _largest(faces: tuple[MarkedFace, ...]) -> MarkedFace:
    return max((face for face in faces if face.counted), key=lambda face: face.size)


def _roll(degrees: float) -> FaceCondition:
    return FaceCondition(
        "roll", f"{degrees:g} degrees", lambda pixels, faces, _: turned(pixels, faces, degrees)
    )


def _light(parts: int) -> FaceCondition:
    return FaceCondition(
        "low-light",
        f"1/{parts} of the light",
        lambda pixels, faces, generator: (disturbances.dim(pixels, 1 / parts, generator), faces),
    )


def _distance(size: float) -> FaceCondition:
    return FaceCondition(
        "distance", f"face {size:g} px", lambda pixels, faces, _: shrunk(pixels, faces, size)
    )


def _mask(
    pixels: UInt8Array, faces: tuple[MarkedFace, ...], _: np.random.Generator
) -> Marked | None:
    for face in faces:
        pixels = disturbances.cover_lower_half(pixels, face.box)
    return pixels, faces


def _motion(share: float) -> FaceCondition:
    return FaceCondition(
        "motion-blur",
        f"{share:.0%} of the largest face",
        lambda pixels, faces, _: (
            disturbances.smear(pixels, max(2, round(share * _largest(faces).size))),
            faces,
        ),
    )


def _jpeg(quality: int) -> FaceCondition:
    return FaceCondition(
        "jpeg",
        f"quality {quality}",
        lambda pixels, faces, _: (disturbances.compress(pixels, quality), faces),
    )


FACE_CONDITIONS = (
    *(_roll(degrees) for degrees in (0, 15, 30, 45, 60, 90, 180)),
    *(_light(parts) for parts in (4, 16, 32)),
    *(_distance(size) for size in (40, 24, 16, 12)),
    FaceCondition("mask", "lower half of every face", _mask),
    *(_motion(share) for share in (0.1, 0.2)),
    *(_jpeg(quality) for quality in (20, 5)),
)
"""The rows after the undisturbed one."""

FACE_KINDS = tuple(dict.fromkeys(condition.kind for condition in FACE_CONDITIONS))
"""The disturbances there are."""

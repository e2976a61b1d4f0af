"""The rows of the robustness tables: corruption kind and level, for clips and for pictures."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from sentistream.evaluation import corruptions
from sentistream.evaluation.clip_trace import ClipTrace
from sentistream.evaluation.corruptions import PictureCorruption, SoundCorruption
from sentistream.evaluation.face_annotations import AnnotatedFace
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.values import ByValue
from sentistream.vision.face_geometry import turned_face_box

SEED = 8


@dataclass(frozen=True, slots=True, eq=False)
class ClipContext(ByValue):
    """What is known about a clip before it is corrupted.

    Attributes:
        watched: The clean run.
        other_voice: Sound of another clip; None if there is none.
        other_level: Its root mean square.
    """

    trace: ClipTrace
    other_voice: FloatArray | None = None
    other_level: float = 0.0


@dataclass(frozen=True, slots=True)
class ClipCondition:
    """A row of the table.

    Attributes:
        kind: The corruption, such as ``roll``.
        level: How strong, in words.
        picture, sound: Create the corruption for a clip; None if the clip does not allow
            it (no face to cover, no sound to add to, a face that is already smaller).
    """

    kind: str
    level: str
    picture: Callable[[ClipContext], PictureCorruption | None] | None = None
    sound: Callable[[ClipContext], SoundCorruption | None] | None = None


def condition_name(row: Mapping[str, Any]) -> str:
    """Kind and level of a row, for tables and plots."""
    return f"{row['kind']}, {row['level']}" if row["level"] else str(row["kind"])


def _clip_roll(degrees: float) -> Callable[[ClipContext], PictureCorruption | None]:
    def of(scene: ClipContext) -> PictureCorruption | None:
        def turn(pixels: UInt8Array, time: float) -> UInt8Array:
            points = scene.trace.landmarks_at(time)
            middle = np.array(pixels.shape[1::-1]) / 2 if points is None else points.mean(axis=0)
            return corruptions.roll(pixels, degrees, (float(middle[0]), float(middle[1])))

        return turn

    return of


def _cover(
    with_what: corruptions.Occluder, share: float
) -> Callable[[ClipContext], PictureCorruption | None]:
    def of(scene: ClipContext) -> PictureCorruption | None:
        if scene.trace.face_width is None:
            return None

        def cover(pixels: UInt8Array, time: float) -> UInt8Array:
            points = scene.trace.landmarks_at(time)
            return pixels if points is None else with_what(pixels, points, share)

        return cover

    return of


def _dim(light: float) -> Callable[[ClipContext], PictureCorruption | None]:
    def of(_: ClipContext) -> PictureCorruption | None:
        def darken(pixels: UInt8Array, time: float) -> UInt8Array:
            generator = np.random.default_rng((SEED, abs(round(time * 1e6))))
            return corruptions.low_light(pixels, light, generator)

        return darken

    return of


def _blur(share: float) -> Callable[[ClipContext], PictureCorruption | None]:
    def of(scene: ClipContext) -> PictureCorruption | None:
        width = scene.trace.face_width
        if width is None:
            return None
        return lambda pixels, _: corruptions.blur(pixels, share * width)

    return of


def _clip_distance(face_width: float) -> Callable[[ClipContext], PictureCorruption | None]:
    def of(scene: ClipContext) -> PictureCorruption | None:
        width = scene.trace.face_width
        if width is None or width <= face_width:
            return None
        return lambda pixels, _: corruptions.shrink_scene(pixels, face_width / width)

    return of


@functools.cache
def _pink_noise() -> FloatArray:
    return corruptions.pink_noise(np.random.default_rng(SEED))


def _noise(ratio_db: float) -> Callable[[ClipContext], SoundCorruption | None]:
    def of(scene: ClipContext) -> SoundCorruption | None:
        return _added(_pink_noise(), 0.1, ratio_db, scene.trace.level)

    return of


def _second_voice(ratio_db: float) -> Callable[[ClipContext], SoundCorruption | None]:
    def of(scene: ClipContext) -> SoundCorruption | None:
        if scene.other_voice is None or not scene.other_level > 0:
            return None
        return _added(scene.other_voice, scene.other_level, ratio_db, scene.trace.level)

    return of


def _added(
    track: FloatArray, track_level: float, ratio_db: float, level: float
) -> SoundCorruption | None:
    if not level > 0:
        return None

    def add(sound: FloatArray, start: int) -> FloatArray:
        other = corruptions.loop_samples(track, start, len(sound))
        return corruptions.mix_at_snr(sound, other, ratio_db, level, track_level)

    return add


_HAND, _OBJECT = corruptions.occlude_with_hand, corruptions.occlude_with_object

CLIP_CONDITIONS = (
    *(
        ClipCondition("roll", f"{angle} degrees", picture=_clip_roll(angle))
        for angle in (15, 30, 45)
    ),
    ClipCondition("hand", "over a quarter of the mouth", picture=_cover(_HAND, 0.25)),
    ClipCondition("hand", "over half of the mouth", picture=_cover(_HAND, 0.5)),
    ClipCondition("object", "over half of the mouth", picture=_cover(_OBJECT, 0.5)),
    ClipCondition("low-light", "a quarter of the light", picture=_dim(1 / 4)),
    ClipCondition("low-light", "a sixteenth of the light", picture=_dim(1 / 16)),
    ClipCondition("blur", "2 % of the face's width", picture=_blur(0.02)),
    ClipCondition("blur", "4 % of the face's width", picture=_blur(0.04)),
    *(
        ClipCondition("distance", f"face {size} px", picture=_clip_distance(size))
        for size in (100, 60, 40)
    ),
    *(ClipCondition("noise", f"{ratio} dB", sound=_noise(ratio)) for ratio in (20, 10, 0)),
    *(
        ClipCondition("second-voice", f"{ratio} dB", sound=_second_voice(ratio))
        for ratio in (10, 0)
    ),
)
"""The rows after the clean one; levels of sound are signal-to-noise ratios."""

CLIP_CORRUPTIONS = tuple(dict.fromkeys(condition.kind for condition in CLIP_CONDITIONS))
"""All kinds of corruption."""


AnnotatedPixels: TypeAlias = tuple[UInt8Array, tuple[AnnotatedFace, ...]]
"""A picture, RGB, and its faces."""


@dataclass(frozen=True, slots=True)
class PictureCondition:
    """A row of the table.

    Attributes:
        kind: The corruption, such as ``roll``.
        level: How strong, in words.
        make: The corrupted picture and faces; None if the picture does not allow it. At
            least one face must count. Randomness comes from the generator.
    """

    kind: str
    level: str
    make: Callable[
        [UInt8Array, tuple[AnnotatedFace, ...], np.random.Generator], AnnotatedPixels | None
    ]


def rotate_annotated(
    pixels: UInt8Array, faces: tuple[AnnotatedFace, ...], degrees: float
) -> AnnotatedPixels:
    """Rotated counter-clockwise around the centre, in a square that contains it at any angle.

    The square is the same at every angle, so that nothing else differs. A face fills the ellipse
    in its box; its new box is the bounding box of the rotated ellipse.
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

    def turn(face: AnnotatedFace) -> AnnotatedFace:
        x, y = face.box.center
        x, y = x - columns / 2, y - rows / 2
        x, y = middle[0] + x * cosine + y * sine, middle[1] - x * sine + y * cosine
        return replace(face, box=turned_face_box(x, y, face.box.width, face.box.height, angle))

    return corruptions.roll(canvas, degrees, middle), tuple(turn(face) for face in faces)


def shrink_annotated(
    pixels: UInt8Array, faces: tuple[AnnotatedFace, ...], size: float
) -> AnnotatedPixels | None:
    """The scene farther away, so that the largest face is ``size`` pixels; only that face counts.

    None if it is already smaller.
    """
    largest = _largest(faces)
    factor = size / largest.size
    if factor > 1:
        return None
    rows, columns = pixels.shape[:2]
    height, width = max(1, round(rows * factor)), max(1, round(columns * factor))
    top, left = (rows - height) // 2, (columns - width) // 2
    x, y = width / columns, height / rows

    def move(face: AnnotatedFace) -> AnnotatedFace:
        box = face.box
        return replace(
            face,
            box=Box(
                left + box.left * x, top + box.top * y, left + box.right * x, top + box.bottom * y
            ),
            counted=face is largest,
        )

    return corruptions.shrink_scene(pixels, factor), tuple(move(face) for face in faces)


def _largest(faces: tuple[AnnotatedFace, ...]) -> AnnotatedFace:
    return max((face for face in faces if face.counted), key=lambda face: face.size)


def _roll(degrees: float) -> PictureCondition:
    return PictureCondition(
        "roll",
        f"{degrees:g} degrees",
        lambda pixels, faces, _: rotate_annotated(pixels, faces, degrees),
    )


def _light(parts: int) -> PictureCondition:
    return PictureCondition(
        "low-light",
        f"1/{parts} of the light",
        lambda pixels, faces, generator: (
            corruptions.low_light(pixels, 1 / parts, generator),
            faces,
        ),
    )


def _distance(size: float) -> PictureCondition:
    return PictureCondition(
        "distance",
        f"face {size:g} px",
        lambda pixels, faces, _: shrink_annotated(pixels, faces, size),
    )


def _mask(
    pixels: UInt8Array, faces: tuple[AnnotatedFace, ...], _: np.random.Generator
) -> AnnotatedPixels | None:
    for face in faces:
        pixels = corruptions.add_face_mask(pixels, face.box)
    return pixels, faces


def _motion(share: float) -> PictureCondition:
    return PictureCondition(
        "motion-blur",
        f"{share:.0%} of the largest face",
        lambda pixels, faces, _: (
            corruptions.motion_blur(pixels, max(2, round(share * _largest(faces).size))),
            faces,
        ),
    )


def _jpeg(quality: int) -> PictureCondition:
    return PictureCondition(
        "jpeg",
        f"quality {quality}",
        lambda pixels, faces, _: (corruptions.compress(pixels, quality), faces),
    )


PICTURE_CONDITIONS = (
    *(_roll(degrees) for degrees in (0, 15, 30, 45, 60, 90, 180)),
    *(_light(parts) for parts in (4, 16, 32)),
    *(_distance(size) for size in (40, 24, 16, 12)),
    PictureCondition("mask", "lower half of every face", _mask),
    *(_motion(share) for share in (0.1, 0.2)),
    *(_jpeg(quality) for quality in (20, 5)),
)
"""The rows after the clean one."""

PICTURE_CORRUPTIONS = tuple(dict.fromkeys(condition.kind for condition in PICTURE_CONDITIONS))
"""All kinds of corruption."""

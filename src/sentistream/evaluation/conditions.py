"""The conditions of the robustness table: which disturbance, how strong, and on what clip."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentistream.evaluation import disturbances
from sentistream.evaluation.disturbed import PictureDisturbance, SoundDisturbance
from sentistream.evaluation.watching import Watched
from sentistream.types import FloatArray, UInt8Array
from sentistream.values import ByValue

SEED = 8


@dataclass(frozen=True, slots=True, eq=False)
class Scene(ByValue):
    """What is known of a clip before it is disturbed.

    Attributes:
        watched: The undisturbed run.
        other_voice: Sound of another clip; None where there is none.
        other_level: Its root mean square.
    """

    watched: Watched
    other_voice: FloatArray | None = None
    other_level: float = 0.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of the table.

    Attributes:
        kind: The disturbance, such as ``roll``.
        level: How strong, in words.
        picture, sound: Make the disturbance for a clip; None where the clip does not allow
            it (no face to cover, no sound to add to, a face smaller already).
    """

    kind: str
    level: str
    picture: Callable[[Scene], PictureDisturbance | None] | None = None
    sound: Callable[[Scene], SoundDisturbance | None] | None = None


def _roll(degrees: float) -> Callable[[Scene], PictureDisturbance | None]:
    def of(scene: Scene) -> PictureDisturbance | None:
        def turn(pixels: UInt8Array, time: float) -> UInt8Array:
            points = scene.watched.landmarks_at(time)
            middle = np.array(pixels.shape[1::-1]) / 2 if points is None else points.mean(axis=0)
            return disturbances.roll(pixels, degrees, (float(middle[0]), float(middle[1])))

        return turn

    return of


def _cover(
    with_what: disturbances.Cover, share: float
) -> Callable[[Scene], PictureDisturbance | None]:
    def of(scene: Scene) -> PictureDisturbance | None:
        if scene.watched.face_width is None:
            return None

        def cover(pixels: UInt8Array, time: float) -> UInt8Array:
            points = scene.watched.landmarks_at(time)
            return pixels if points is None else with_what(pixels, points, share)

        return cover

    return of


def _dim(light: float) -> Callable[[Scene], PictureDisturbance | None]:
    def of(_: Scene) -> PictureDisturbance | None:
        def darken(pixels: UInt8Array, time: float) -> UInt8Array:
            generator = np.random.default_rng((SEED, abs(round(time * 1e6))))
            return disturbances.dim(pixels, light, generator)

        return darken

    return of


def _blur(share: float) -> Callable[[Scene], PictureDisturbance | None]:
    def of(scene: Scene) -> PictureDisturbance | None:
        width = scene.watched.face_width
        if width is None:
            return None
        return lambda pixels, _: disturbances.blur(pixels, share * width)

    return of


def _distance(face_width: float) -> Callable[[Scene], PictureDisturbance | None]:
    def of(scene: Scene) -> PictureDisturbance | None:
        width = scene.watched.face_width
        if width is None or width <= face_width:
            return None
        return lambda pixels, _: disturbances.move_away(pixels, face_width / width)

    return of


@functools.cache
def _pink_noise() -> FloatArray:
    return disturbances.pink_noise(np.random.default_rng(SEED))


def _noise(ratio_db: float) -> Callable[[Scene], SoundDisturbance | None]:
    def of(scene: Scene) -> SoundDisturbance | None:
        return _added(_pink_noise(), 0.1, ratio_db, scene.watched.level)

    return of


def _second_voice(ratio_db: float) -> Callable[[Scene], SoundDisturbance | None]:
    def of(scene: Scene) -> SoundDisturbance | None:
        if scene.other_voice is None or not scene.other_level > 0:
            return None
        return _added(scene.other_voice, scene.other_level, ratio_db, scene.watched.level)

    return of


def _added(
    track: FloatArray, track_level: float, ratio_db: float, level: float
) -> SoundDisturbance | None:
    if not level > 0:
        return None

    def add(sound: FloatArray, start: int) -> FloatArray:
        other = disturbances.looped(track, start, len(sound))
        return disturbances.add_sound(sound, other, ratio_db, level, track_level)

    return add


_HAND, _OBJECT = disturbances.cover_with_hand, disturbances.cover_with_object

CONDITIONS = (
    *(Condition("roll", f"{angle} degrees", picture=_roll(angle)) for angle in (15, 30, 45)),
    Condition("hand", "over a quarter of the mouth", picture=_cover(_HAND, 0.25)),
    Condition("hand", "over half of the mouth", picture=_cover(_HAND, 0.5)),
    Condition("object", "over half of the mouth", picture=_cover(_OBJECT, 0.5)),
    Condition("low-light", "a quarter of the light", picture=_dim(1 / 4)),
    Condition("low-light", "a sixteenth of the light", picture=_dim(1 / 16)),
    Condition("blur", "2 % of the face's width", picture=_blur(0.02)),
    Condition("blur", "4 % of the face's width", picture=_blur(0.04)),
    *(Condition("distance", f"face {size} px", picture=_distance(size)) for size in (100, 60, 40)),
    *(Condition("noise", f"{ratio} dB", sound=_noise(ratio)) for ratio in (20, 10, 0)),
    *(Condition("second-voice", f"{ratio} dB", sound=_second_voice(ratio)) for ratio in (10, 0)),
)
"""The rows after the undisturbed one; levels of sound are signal-to-noise ratios."""

KINDS = tuple(dict.fromkeys(condition.kind for condition in CONDITIONS))
"""The disturbances there are."""

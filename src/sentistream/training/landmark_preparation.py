"""Faces with points to learn from: dlib's 68 points as the teacher's answers.

Each face's points are the median of several answers from boxes placed a little otherwise,
which takes most of the teacher's jitter off.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.images import LabelledImage
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square, resample
from sentistream.training.chunks import Arrays
from sentistream.training.landmarks import STORED_COVER, STORED_SIZE
from sentistream.training.leakage import content_key
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import detector_square, is_face_like
from sentistream.vision.hog_detector import HogDetector
from sentistream.vision.landmarker import COVER, VIEW_SIZE, normalized_points

_ANSWERS = 4
_ENLARGED = 300  # pixels to which a still image is brought, with half as much again around it
_AROUND = 1.5
_EXPECTED = 0.6  # width of the face in a still image


@functools.cache
def _teacher() -> tuple[HogDetector, LandmarkPredictor]:
    return HogDetector(), LandmarkPredictor()


def taught_points(luma: UInt8Array, box: Box, random: np.random.Generator) -> FloatArray | None:
    """The teacher's points of the face in a detector's box; None where they are no face's."""
    predictor = _teacher()[1]
    points = predictor.predict(luma, box)
    if not is_face_like(points):
        return None
    place = detector_square(points).box
    answers = []
    for _ in range(_ANSWERS):
        other = place.scaled(random.uniform(0.94, 1.06))
        x, y = random.uniform(-0.03, 0.03, 2) * place.width
        moved = Box(other.left + x, other.top + y, other.right + x, other.bottom + y)
        answers.append(predictor.predict(luma, moved))
    points = np.median(answers, axis=0).astype(np.float32)
    return points if is_face_like(points) else None


def stored_face(
    luma: UInt8Array, points: FloatArray, random: np.random.Generator, *, whole: bool
) -> tuple[UInt8Array, FloatArray]:
    """A face as it is kept, and its label of 137 values.

    Args:
        whole: With its surroundings, to be placed at random; otherwise as the network sees it,
            placed a little beside, with points from the view's centre.
    """
    place = detector_square(points).box
    if whole:
        window, size, centre = place.scaled(STORED_COVER), STORED_SIZE, 0.0
    else:
        other = place.scaled(random.uniform(0.9, 1.1) * COVER)
        x, y = random.uniform(-0.08, 0.08, 2) * place.width
        window = Box(other.left + x, other.top + y, other.right + x, other.bottom + y)
        size, centre = VIEW_SIZE, 0.5
    shares = normalized_points(points, window).ravel() - np.float32(centre)
    label = np.concatenate([np.ones(1, np.float32), shares])
    return resample(luma, window, size, size)[..., np.newaxis], label


def taught_images(asked: Sequence[tuple[LabelledImage, bool]]) -> Arrays:
    """Faces of still images that the teacher finds; see ``stored_face`` for the flag.

    What lies around an image is filled with the one before it, so that no edge gives the
    face away.
    """
    detector = _teacher()[0]
    rows, before = [], np.full((1, 1, 3), 128, np.uint8)
    for image, whole in asked:
        pixels = image.pixels
        random = np.random.default_rng(zlib.crc32(pixels.tobytes()))
        luma = _on_a_background(pixels, before)
        before = pixels
        found = detector.detect(luma, face_width=_EXPECTED * _ENLARGED / _AROUND)
        points = taught_points(luma, found[0].box, random) if found else None
        if points is None:
            continue
        face, label = stored_face(luma, points, random, whole=whole)
        person = f"{image.source}-{image.person}" if image.person else ""
        rows.append((face, label, person, image.source, content_key(pixels)))
    size = STORED_SIZE if any(whole for _, whole in asked) else VIEW_SIZE
    return taught_columns(rows, size)


def _on_a_background(pixels: UInt8Array, other: UInt8Array) -> UInt8Array:
    """The image's brightness in the middle of another's, shape (300, 300)."""
    whole = Box(0, 0, other.shape[1], other.shape[0])
    luma = RgbPicture(RgbPicture(other).crop(whole, _ENLARGED, _ENLARGED)).luma.copy()
    size = round(_ENLARGED / _AROUND)
    start = (_ENLARGED - size) // 2
    middle = slice(start, start + size)
    luma[middle, middle] = RgbPicture(as_square(pixels, size)).luma
    return luma


def taught_columns(
    rows: list[tuple[UInt8Array, FloatArray, str, str, str]], size: int
) -> dict[str, NDArray[np.generic]]:
    """Rows of face, label, person, source and content as columns."""
    if not rows:
        none = {field: np.zeros(0, np.str_) for field in ("person", "source", "clip")}
        empty = {"face": np.zeros((0, size, size, 1), np.uint8), "label": np.zeros((0, 137), "f4")}
        return {**none, **empty}
    columns = zip(*rows, strict=True)
    fields = ("face", "label", "person", "source", "clip")
    return {name: np.array(values) for name, values in zip(fields, columns, strict=True)}

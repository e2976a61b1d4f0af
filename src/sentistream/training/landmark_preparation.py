"""Faces with points to learn from, frontal and turned aside.

A face mesh finds where its points lie; frontal faces learn the 68 points of dlib in its place,
the median of several answers from boxes placed a little otherwise, which takes most of their
jitter off. Views of frontal faces as if turned aside come beside.
"""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.images import LabelledImage
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square, resample
from sentistream.training.chunks import Arrays
from sentistream.training.landmarks import STORED_COVER, STORED_SIZE, VIEWED_AS
from sentistream.training.leakage import content_key
from sentistream.training.mesh_teacher import Mesh, taught_mesh
from sentistream.training.turned_faces import turned_view
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.crops import centroid_size
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import detector_square, is_face_like, square_of_points
from sentistream.vision.landmarker import COVER, VIEW_SIZE, normalized_points

_ANSWERS = 4
_ENLARGED = 300  # pixels to which a still image is brought, with half as much again around it
_AROUND = 1.5
_FRONTAL, _TURNED = 15.0, 35.0  # yaw to which points are dlib's, and from which the mesh's
_MOST_ROLLED = math.radians(25)  # to which dlib knows faces
_APART = 0.1  # mean distance of both teachers, in centroid sizes, beyond which one has slipped
_MESH_SIDE = 1.5  # of what the mesh network sees at first, in detector's squares
_VIEWED_BELOW = 20.0  # yaw of faces of which views are made
_VIEW_YAW, _VIEW_PITCH = (15.0, 72.0), 20.0


@functools.cache
def _teacher() -> LandmarkPredictor:
    return LandmarkPredictor()


def taught_faces(
    luma: UInt8Array,
    square: Alignment,
    random: np.random.Generator,
    *,
    whole: bool,
    viewed: bool = False,
) -> Iterator[tuple[UInt8Array, FloatArray, bool]]:
    """A face as it is kept, its label, and whether it is a view; nothing where it is uncertain.

    Args:
        luma: Brightness, shape (height, width).
        square: The detector's, about the face.
        random: Draws the boxes of dlib's answers and the view.
        whole: As ``stored_face`` takes it.
        viewed: Whether a view of it comes after it, where it is frontal enough.
    """
    at_first = Alignment(square.x, square.y, square.side * _MESH_SIDE, square.roll)
    mesh = taught_mesh(luma, at_first)
    if mesh is None or not mesh.is_sure:
        return
    points = _taught_points(luma, mesh, random)
    if points is None:
        return
    yield (*stored_face(luma, points, random, whole=whole), False)
    if not viewed or abs(mesh.yaw) > _VIEWED_BELOW:
        return
    depth = random.uniform(0.75, 1.05)
    view = turned_view(
        luma,
        mesh.vertices * (1, 1, depth),
        np.column_stack([points, mesh.points[:, 2] * depth]),
        yaw=random.uniform(*_VIEW_YAW) * random.choice([-1, 1]) - mesh.yaw,
        pitch=random.uniform(-_VIEW_PITCH, _VIEW_PITCH),
        size=STORED_SIZE,
        cover=STORED_COVER,
    )
    if view is not None:
        yield (*stored_face(*view, random, whole=whole), True)


def _taught_points(luma: UInt8Array, mesh: Mesh, random: np.random.Generator) -> FloatArray | None:
    """dlib's points of a frontal face, the mesh's of a turned one, in between some of both."""
    points = mesh.points[:, :2].astype(np.float32)
    share = (abs(mesh.yaw) - _FRONTAL) / (_TURNED - _FRONTAL)
    if share >= 1:
        return points
    place = detector_square(points)
    if abs(place.roll) > _MOST_ROLLED:
        return None
    answers = []
    for _ in range(_ANSWERS):
        other = place.box.scaled(random.uniform(0.94, 1.06))
        x, y = random.uniform(-0.03, 0.03, 2) * place.side
        moved = Box(other.left + x, other.top + y, other.right + x, other.bottom + y)
        answers.append(_teacher().predict(luma, moved))
    median = np.median(answers, axis=0).astype(np.float32)
    apart = np.linalg.norm(median - points, axis=1).mean()
    if not is_face_like(median) or apart > _APART * centroid_size(points):
        return None
    return np.asarray(median + max(share, 0.0) * (points - median), np.float32)


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


def taught_images(asked: Sequence[tuple[LabelledImage, bool, bool]]) -> Arrays:
    """Faces of still images; see ``taught_faces`` for the flags ``whole`` and ``viewed``.

    What lies around an image is filled with the one before it, so that no edge gives the
    face away.
    """
    rows, before = [], np.full((1, 1, 3), 128, np.uint8)
    expected = Alignment(_ENLARGED / 2, _ENLARGED / 2, _ENLARGED / _AROUND * 0.9, 0.0)
    for image, whole, viewed in asked:
        pixels = image.pixels
        random = np.random.default_rng(zlib.crc32(pixels.tobytes()))
        luma = _on_a_background(pixels, before)
        before = pixels
        person = f"{image.source}-{image.person}" if image.person else ""
        key = content_key(pixels)
        for face, label, turned in taught_faces(luma, expected, random, whole=whole, viewed=viewed):
            rows.append((face, label, person, VIEWED_AS if turned else image.source, key))
    size = STORED_SIZE if any(whole for _, whole, _ in asked) else VIEW_SIZE
    return taught_columns(rows, size)


def taught_scenes(
    asked: Sequence[tuple[UInt8Array, FloatArray, str, str, str, bool]],
) -> Arrays:
    """Faces of the detector's scenes.

    Args:
        asked: A scene's brightness, a face's five points, person, source, key and ``whole``.
    """
    rows = []
    for luma, five, person, source, key, whole in asked:
        random = np.random.default_rng(zlib.crc32(five.tobytes()))
        try:
            square = square_of_points(five)
        except ValueError:
            continue
        for face, label, turned in taught_faces(luma, square, random, whole=whole, viewed=True):
            rows.append((face, label, person, VIEWED_AS if turned else source, key))
    size = STORED_SIZE if any(one[-1] for one in asked) else VIEW_SIZE
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

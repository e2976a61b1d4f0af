"""Examples for the landmark network: faces with 68 points, frontal and turned aside.

Frontal faces have the points of dlib, the median of its answers for several shifted boxes, which
removes most of their jitter; turned faces those of a face mesh (``teachers``). Some frontal faces
are also rendered as if turned (``face_rotation``).
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.recordings import Recording
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square, resample
from sentistream.training.clip_examples import (
    java_sed_clips,
    lite_clip_examples,
    person_and_source,
    single_face_moments,
)
from sentistream.training.detector_examples import (
    FACES,
    FIELDS,
    detector_scenes,
    scene_files,
    scenes_of_split,
)
from sentistream.training.examples import (
    FLOAT_LABELS,
    Arrays,
    Examples,
    content_key,
    examples_from,
    join,
    person_of,
    rows_as_arrays,
)
from sentistream.training.face_rotation import rotated_face
from sentistream.training.preparation import Preparation
from sentistream.training.splits import Splits
from sentistream.training.teachers import Mesh, fit_mesh
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.crops import centroid_size
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import detector_square, is_face_like, square_of_points
from sentistream.vision.head_pose import head_pose
from sentistream.vision.landmarker import COVER, VIEW_SIZE, normalized_points

STORED_COVER = 2.0
"""Side of a stored training face, in sides of the detector's square."""
STORED_SIZE = 112
"""Its width and height, pixels."""

RENDERED = "views"
"""The source of faces rendered as if turned."""

_CHUNK = 256
_IMAGE_STEP = 6  # every sixth image is used
_MOMENT_STEP = 4  # every fourth of the moments of clips is used
_SCENE_FACE = 36  # least size of a face in a scene, pixels
_SCENE_TURNED, _FRONTAL_STEP = 20, 6  # yaw in degrees below which only every sixth face is used

_BOXES = 4  # shifted boxes for dlib's median
_CANVAS = 300  # width and height in which an image is placed, pixels
_CANVAS_COVER = 1.5  # side of that, in sides of the image
_FRONTAL, _TURNED = 15.0, 35.0  # yaw up to which points are dlib's, and above which the mesh's
_LARGEST_ROLL = math.radians(25)  # for dlib
_TEACHERS_APART = 0.1  # largest mean distance of both teachers' points, in centroid sizes
_MESH_SIDE = 1.5  # of the mesh network's first input, in sides of the detector's square
_RENDERED_BELOW = 20.0  # yaw of faces that are also rendered as if turned
_RENDERED_YAW, _RENDERED_PITCH = (15.0, 72.0), 20.0


def landmark_faces(preparation: Preparation) -> Splits:
    """Faces of image sets, of Java-SED clips and of the detector's scenes, with their points."""
    return Splits(
        _faces_of_split(preparation, held_out=False), _faces_of_split(preparation, held_out=True)
    )


def _faces_of_split(preparation: Preparation, *, held_out: bool) -> Examples:
    split = "validation" if held_out else "train"

    def make(work: Path) -> Examples:
        images = itertools.islice(preparation.images("faces", split), 0, None, _IMAGE_STEP)
        items = ((image, not held_out, place % 2 == 0) for place, image in enumerate(images))
        chunks = preparation.pool(work, "landmarks").map(_label_images, items, _CHUNK)
        return examples_from("face", (arrays for _, arrays in chunks), FLOAT_LABELS)

    files = preparation.image_files("faces")
    parts = [preparation.examples(f"lite-points-{split}", files, make)]
    parts.append(
        lite_clip_examples(
            preparation,
            "lite-clip-points",
            java_sed_clips(preparation, held_out=held_out),
            _label_clips,
            held_out=held_out,
            labels=FLOAT_LABELS,
        )
    )
    if (preparation.data / "face_boxes.parquet").exists():
        parts.append(_faces_of_scenes(preparation, held_out=held_out))
    return join(parts)


def _faces_of_scenes(preparation: Preparation, *, held_out: bool) -> Examples:
    """All turned faces of the detector's scenes, and some of the others."""
    if held_out:
        scenes = scenes_of_split(preparation, held_out=True)
    else:
        scenes = detector_scenes(preparation).train

    def make(work: Path) -> Examples:
        items = _scene_faces(scenes, whole=not held_out)
        chunks = preparation.pool(work, "landmarks").map(_label_scene_faces, items, _CHUNK)
        none = _face_arrays([], [not held_out])
        return examples_from("face", [none, *(arrays for _, arrays in chunks)], FLOAT_LABELS)

    files = scene_files(preparation.data)
    return preparation.examples(f"lite-scene-points-{held_out}", files, make)


def _scene_faces(
    scenes: Examples, *, whole: bool
) -> Iterator[tuple[UInt8Array, FloatArray, str, str, str, bool]]:
    """As ``_label_scene_faces`` takes them."""
    frontal = 0
    labels = scenes.labels.reshape(len(scenes), FACES, FIELDS).astype(np.float32)
    for number, faces in enumerate(labels):
        size = np.sqrt(np.maximum(np.prod(faces[:, 3:5] - faces[:, 1:3], axis=1), 0))
        for face in faces[(faces[:, 0] > 0) & (faces[:, 15] > 0) & (size >= _SCENE_FACE)]:
            five = face[5:15].reshape(5, 2)
            if abs(head_pose(five).yaw) < _SCENE_TURNED:
                frontal += 1
                if frontal % _FRONTAL_STEP != 1:
                    continue
            luma = scenes.inputs["picture"][number, :, :, 0]
            person, source = str(scenes.people[number]), str(scenes.sources[number])
            yield luma, five, person, source, str(scenes.clips[number]), whole


@functools.cache
def _dlib() -> LandmarkPredictor:
    return LandmarkPredictor()


def label_face(
    luma: UInt8Array,
    square: Alignment,
    random: np.random.Generator,
    *,
    whole: bool,
    rendered: bool = False,
) -> Iterator[tuple[UInt8Array, FloatArray, bool]]:
    """Yields a face, its label, and whether it is rendered; nothing where teachers disagree.

    Args:
        luma: Brightness, shape (height, width).
        square: The detector's, around the face.
        random: Draws dlib's boxes and the rendered rotation.
        whole: As ``stored_face`` takes it.
        rendered: Whether to also render the face as if turned, if it is frontal enough.
    """
    mesh = fit_mesh(luma, Alignment(square.x, square.y, square.side * _MESH_SIDE, square.roll))
    if mesh is None or not mesh.is_sure:
        return
    points = _teacher_points(luma, mesh, random)
    if points is None:
        return
    yield (*stored_face(luma, points, random, whole=whole), False)
    if not rendered or abs(mesh.yaw) > _RENDERED_BELOW:
        return
    depth = random.uniform(0.75, 1.05)
    view = rotated_face(
        luma,
        mesh.vertices * (1, 1, depth),
        np.column_stack([points, mesh.points[:, 2] * depth]),
        yaw=random.uniform(*_RENDERED_YAW) * random.choice([-1, 1]) - mesh.yaw,
        pitch=random.uniform(-_RENDERED_PITCH, _RENDERED_PITCH),
        size=STORED_SIZE,
        cover=STORED_COVER,
    )
    if view is not None:
        yield (*stored_face(*view, random, whole=whole), True)


def _teacher_points(luma: UInt8Array, mesh: Mesh, random: np.random.Generator) -> FloatArray | None:
    """dlib's points of a frontal face, the mesh's of a turned one, a mixture in between."""
    points = mesh.points[:, :2].astype(np.float32)
    share = (abs(mesh.yaw) - _FRONTAL) / (_TURNED - _FRONTAL)
    if share >= 1:
        return points
    place = detector_square(points)
    if abs(place.roll) > _LARGEST_ROLL:
        return None
    answers = []
    for _ in range(_BOXES):
        other = place.box.scaled(random.uniform(0.94, 1.06))
        x, y = random.uniform(-0.03, 0.03, 2) * place.side
        moved = Box(other.left + x, other.top + y, other.right + x, other.bottom + y)
        answers.append(_dlib().predict(luma, moved))
    median = np.median(answers, axis=0).astype(np.float32)
    apart = np.linalg.norm(median - points, axis=1).mean()
    if not is_face_like(median) or apart > _TEACHERS_APART * centroid_size(points):
        return None
    return np.asarray(median + max(share, 0.0) * (points - median), np.float32)


def stored_face(
    luma: UInt8Array, points: FloatArray, random: np.random.Generator, *, whole: bool
) -> tuple[UInt8Array, FloatArray]:
    """A face as it is stored, and its label of 137 values.

    Args:
        luma: Brightness, shape (height, width).
        points: The 68 points, shape (68, 2), pixels.
        random: Draws how far the view is off.
        whole: Whether with a margin, for augmentation; else as the network sees it, a little
            off, with points from the view's centre.
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


def _label_images(items: Sequence[tuple[LabelledImage, bool, bool]]) -> Arrays:
    """Faces of images, each with the flags ``whole`` and ``rendered`` of ``label_face``.

    Around an image is the image before it, so that no edge gives the face away.
    """
    rows, before = [], np.full((1, 1, 3), 128, np.uint8)
    expected = Alignment(_CANVAS / 2, _CANVAS / 2, _CANVAS / _CANVAS_COVER * 0.9, 0.0)
    for image, whole, rendered in items:
        pixels = image.pixels
        random = np.random.default_rng(zlib.crc32(pixels.tobytes()))
        luma = _on_canvas(pixels, before)
        before = pixels
        person, key = person_of(image), content_key(pixels)
        labelled = label_face(luma, expected, random, whole=whole, rendered=rendered)
        for face, label, turned in labelled:
            rows.append((face, label, person, RENDERED if turned else image.source, key))
    return _face_arrays(rows, [whole for _, whole, _ in items])


def _label_clips(items: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    for clip, whole in items:
        random = np.random.default_rng(zlib.crc32(clip.path.name.encode()))
        person, source = person_and_source(clip)
        for place, (luma, points, key) in enumerate(single_face_moments(clip)):
            if place % _MOMENT_STEP or not is_face_like(points):
                continue
            square, rendered = detector_square(points), place % (2 * _MOMENT_STEP) == 0
            labelled = label_face(luma, square, random, whole=whole, rendered=rendered)
            for face, label, turned in labelled:
                rows.append((face, label, person, RENDERED if turned else source, key))
    return _face_arrays(rows, [whole for _, whole in items])


def _label_scene_faces(
    items: Sequence[tuple[UInt8Array, FloatArray, str, str, str, bool]],
) -> Arrays:
    """Faces of scenes: brightness, five points, person, source, key and ``whole``."""
    rows = []
    for luma, five, person, source, key, whole in items:
        random = np.random.default_rng(zlib.crc32(five.tobytes()))
        try:
            square = square_of_points(five)
        except ValueError:
            continue
        labelled = label_face(luma, square, random, whole=whole, rendered=True)
        for face, label, turned in labelled:
            rows.append((face, label, person, RENDERED if turned else source, key))
    return _face_arrays(rows, [item[-1] for item in items])


def _face_arrays(rows: Sequence[tuple[Any, ...]], whole: Sequence[bool]) -> Arrays:
    size = STORED_SIZE if any(whole) else VIEW_SIZE
    arrays = rows_as_arrays("face", rows, (size, size, 1))
    return arrays if rows else arrays | {"label": np.zeros((0, 137), np.float32)}


def _on_canvas(pixels: UInt8Array, other: UInt8Array) -> UInt8Array:
    """The image's brightness in the middle of another's, shape (300, 300)."""
    whole = Box(0, 0, other.shape[1], other.shape[0])
    luma = RgbPicture(RgbPicture(other).crop(whole, _CANVAS, _CANVAS)).luma.copy()
    size = round(_CANVAS / _CANVAS_COVER)
    start = (_CANVAS - size) // 2
    middle = slice(start, start + size)
    luma[middle, middle] = RgbPicture(as_square(pixels, size)).luma
    return luma

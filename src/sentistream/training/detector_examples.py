"""Examples for the face detector: square scenes with the boxes and points of their faces.

Boxes come from people where a set has them, else from CenterFace (``teachers``); points come from
CenterFace. Faces that exist only as tight crops are pasted into pictures without faces.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentistream.datasets.images import read_images
from sentistream.errors import DataError, InputError, skip_failures
from sentistream.media import open_source
from sentistream.media.image_file import read_image
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import resample
from sentistream.profiles import LITE
from sentistream.training.clip_examples import everyday_clips
from sentistream.training.examples import Examples, content_key
from sentistream.training.preparation import OnProblem, Preparation
from sentistream.training.splits import Splits
from sentistream.training.teachers import centerface_faces
from sentistream.types import Box, FloatArray, UInt8Array

SCENE_SIZE = 256
"""Width and height of a stored scene, pixels."""

FACES = 24
"""Largest number of faces in a scene; of more, the smallest are ignored."""

FIELDS = 16
"""Values of a face: what it is (1 a face, -1 to be ignored, 0 nothing), its box, five points,
and whether the points are known."""

_FACE_SCORE, _IGNORED_SCORE = 0.5, 0.2  # of CenterFace, for faces and for ones to be ignored
_SAME_FACE = 0.35  # intersection over union of two boxes of one face
_CROWD_ENLARGED = 2  # WIDER's pictures come shrunk: CenterFace sees them twice as large
_FRAME_STEP = 8  # every eighth moment of a clip is used
_ALIGNED = 1_500  # aligned faces pasted, besides those of FairFace
_COMPOSED = 3_000  # pictures with pasted faces
_ROW = "row"  # number of a row in its file, from 1


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """A picture with its faces.

    Attributes:
        luma: Brightness, shape (height, width).
        faces: Shape (N, FIELDS), pixels.
        source: The set it comes from.
        person: Who is seen; empty where unknown.
        held_out: Whether it is held out.
    """

    luma: UInt8Array
    faces: FloatArray
    source: str
    person: str
    held_out: bool


def detector_scenes(preparation: Preparation) -> Splits:
    """Scenes of pictures and of frames of everyday clips; no scene is in both splits."""
    held_out = scenes_of_split(preparation, held_out=True)
    train = scenes_of_split(preparation, held_out=False)
    known = {content_key(scene) for scene in held_out.inputs["picture"]}
    new = [content_key(scene) not in known for scene in train.inputs["picture"]]
    return Splits(train.take(np.array(new)), held_out)


def scenes_of_split(preparation: Preparation, *, held_out: bool) -> Examples:
    """The scenes of one split, from the cache or new."""
    boxes, faces = preparation.data / "face_boxes.parquet", preparation.data / "faces.parquet"
    clips = preparation.data / "everyday" / "clips"
    report = preparation.on_problem

    def counted(pictures: Iterable[AnnotatedPicture]) -> Iterator[AnnotatedPicture]:
        for picture in pictures:
            preparation.on_progress("scenes")
            yield picture

    def make(_: Path) -> Examples:
        pictures = itertools.chain(
            boxed_pictures(boxes, held_out=held_out, on_problem=report),
            composed_pictures(boxes, faces, held_out=held_out, seed=3, on_problem=report),
            clip_pictures(clips, held_out=held_out, on_problem=report) if clips.exists() else (),
        )
        return scene_examples(counted(pictures), seed=5)

    return preparation.examples(f"lite-scenes-{held_out}", scene_files(preparation.data), make)


def scene_files(data: Path) -> list[Path]:
    """The files that scenes are made of."""
    clips = data / "everyday" / "clips"
    return [data / "face_boxes.parquet", data / "faces.parquet", *sorted(clips.glob("*.mp4"))]


def scene_examples(pictures: Iterable[AnnotatedPicture], *, seed: int) -> Examples:
    """Scenes cut from pictures, in order.

    Raises:
        DataError: There are no pictures.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number, picture in enumerate(pictures):
        for window in _windows(picture, random):
            scene, faces = scene_of(picture.luma, picture.faces, window)
            key = f"{picture.source}-{number}-{zlib.crc32(picture.luma.tobytes()):08x}"
            rows.append((scene, faces.ravel(), picture.person, picture.source, key))
    if not rows:
        raise DataError("There are no pictures with boxes to train the detector on.")
    scenes, labels, people, sources, clips = zip(*rows, strict=True)
    return Examples(
        inputs={"picture": np.stack(scenes)},
        labels=np.stack(labels),
        people=np.array(people),
        sources=np.array(sources),
        clips=np.array(clips),
    )


def scene_of(luma: UInt8Array, faces: FloatArray, window: Box) -> tuple[UInt8Array, FloatArray]:
    """The part of a picture within a square window, (256, 256, 1), and its faces, (24, 16)."""
    scene = resample(luma, window, SCENE_SIZE, SCENE_SIZE)[..., np.newaxis]
    scale = SCENE_SIZE / window.width
    moved = faces.copy()
    moved[:, 1:15:2] = (faces[:, 1:15:2] - window.left) * scale
    moved[:, 2:15:2] = (faces[:, 2:15:2] - window.top) * scale
    low, high = np.clip(moved[:, 1:3], 0, SCENE_SIZE), np.clip(moved[:, 3:5], 0, SCENE_SIZE)
    area = np.prod(moved[:, 3:5] - moved[:, 1:3], axis=1)
    seen = np.prod(high - low, axis=1) / np.maximum(area, 1e-6)
    moved[(seen < 0.5) | (area < 9), 0] = -1  # cut off, or too small to be one
    moved = moved[seen > 0.05]
    order = np.argsort(-np.prod(moved[:, 3:5] - moved[:, 1:3], axis=1), kind="stable")
    kept = np.zeros((FACES, FIELDS), np.float32)
    kept[: len(order[:FACES])] = moved[order[:FACES]]
    return scene, kept


def _windows(picture: AnnotatedPicture, random: np.random.Generator) -> Iterator[Box]:
    """Square windows of a picture: all of it, and parts around its faces."""
    rows, columns = picture.luma.shape
    longest = max(rows, columns)
    if longest < 2 * SCENE_SIZE or picture.held_out or random.random() < 0.4:
        yield _square((columns - longest) / 2, (rows - longest) / 2, longest)
    if longest > 1.3 * SCENE_SIZE:  # a part at full resolution
        yield _square(*_corner(columns - SCENE_SIZE, rows - SCENE_SIZE, random), SCENE_SIZE)
    faces = picture.faces[picture.faces[:, 0] > 0]
    if not len(faces):
        if picture.source == "backgrounds" and min(rows, columns) > 64:
            for _ in range(1 if picture.held_out else 5):
                side = random.uniform(0.3, 0.9) * min(rows, columns)
                yield _square(*_corner(columns - side, rows - side, random), side)
        return
    count = 1 if picture.source in ("everyday", "composed") else min(8, 2 + len(faces) // 2)
    if picture.held_out:
        count = 1
    for _ in range(count):
        face = faces[random.integers(len(faces))]
        width = math.sqrt(max(16.0, np.prod(face[3:5] - face[1:3])))
        side = min(longest, width * math.exp(random.uniform(math.log(1.8), math.log(10))))
        side = max(side, 40.0)
        slack = np.maximum(side - (face[3:5] - face[1:3]), 0)
        left, top = face[1:3] - random.uniform(0, 1, 2) * slack
        yield _square(left, top, side)


def _corner(free_x: float, free_y: float, random: np.random.Generator) -> tuple[float, float]:
    return float(random.uniform(0, max(free_x, 0))), float(random.uniform(0, max(free_y, 0)))


def _square(left: float, top: float, side: float) -> Box:
    return Box(left, top, left + side, top + side)


def annotate_faces(
    pixels: UInt8Array, boxes: Iterable[list[float]] = (), *, enlarged: int = 1, pad: int = 0
) -> FloatArray:
    """Faces of a picture, (N, FIELDS): people's boxes, CenterFace's points and its other faces.

    Args:
        pixels: RGB, shape (height, width, 3).
        boxes: Drawn by people, pixels.
        enlarged: How many times larger CenterFace sees the picture.
        pad: Grey pixels put around it first, for faces that fill it.
    """
    shown = np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), constant_values=127)
    rows, columns = shown.shape[:2]
    if enlarged > 1:
        whole = Box(0, 0, columns, rows)
        shown = resample(shown, whole, columns * enlarged, rows * enlarged)
    found = centerface_faces(shown, _IGNORED_SCORE)
    found[:, 1:] = found[:, 1:] / enlarged - pad
    faces = np.zeros((len(found), FIELDS), np.float32)
    faces[:, 0] = np.where(found[:, 0] >= _FACE_SCORE, 1, -1)
    faces[:, 1:15] = found[:, 1:15]
    faces[:, 15] = 1
    further = []
    for box in boxes:
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            continue
        drawn = Box(*box)
        overlaps = [_iou(row, drawn) for row in faces]
        if overlaps and max(overlaps) >= _SAME_FACE:
            # found by both: CenterFace's box of a masked face is too high
            face = faces[int(np.argmax(overlaps))]
            face[0], face[1:5] = 1, box
            continue
        row = np.zeros(FIELDS, np.float32)
        row[0], row[1:5] = 1, box
        further.append(row)
    return np.concatenate([faces, np.array(further, np.float32).reshape(-1, FIELDS)])


def _iou(row: FloatArray, box: Box) -> float:
    left, top, right, bottom = (float(edge) for edge in row[1:5])
    return Box(left, top, max(right, left + 1e-3), max(bottom, top + 1e-3)).iou(box)


def boxed_pictures(
    path: Path, *, held_out: bool, on_problem: OnProblem | None = None
) -> Iterator[AnnotatedPicture]:
    """Pictures of a Parquet file with boxes, without tight faces and frames of clips.

    Args:
        path: The file.
        held_out: Whether from the held-out split.
        on_problem: Called for each picture that cannot be read and is left out; None to raise.
    """
    for row in _box_rows(path, held_out=held_out):
        source = str(row["source"])
        if source.startswith(("FairFace", "clip frame")):
            continue
        pixels = _pixels(row, on_problem)
        if pixels is None:
            continue
        rows, columns = pixels.shape[:2]
        if str(row["box_kind"]).startswith("none"):
            none = np.zeros((0, FIELDS), np.float32)
            yield AnnotatedPicture(RgbPicture(pixels).luma, none, "backgrounds", "", held_out)
            continue
        crowd = source.startswith("WIDER")
        # boxes in these shrunk copies of WIDER lie half a face too high: use CenterFace's
        drawn: list[list[float]] = [] if crowd else list(row["boxes"])  # type: ignore[call-overload]
        faces = annotate_faces(pixels, drawn, enlarged=_CROWD_ENLARGED if crowd else 1)
        name = "wider" if crowd else "masks" if "MaskON" in source else "few-faces"
        if max(rows, columns) > 640:
            scale = 640 / max(rows, columns)
            size = (round(columns * scale), round(rows * scale))
            pixels = resample(pixels, Box(0, 0, columns, rows), *size)
            faces[:, 1:15] *= scale
        yield AnnotatedPicture(RgbPicture(pixels).luma, faces, name, "", held_out)


def composed_pictures(
    boxes: Path,
    faces: Path,
    *,
    held_out: bool,
    seed: int,
    on_problem: OnProblem | None = None,
) -> Iterator[AnnotatedPicture]:
    """Tight faces of FairFace and aligned ones of RAF-DB, pasted into pictures without faces."""
    random = np.random.default_rng(seed)
    cut, backgrounds = [], []
    for row in _box_rows(boxes, held_out=held_out):
        if str(row["source"]).startswith("FairFace"):
            pixels = _pixels(row, on_problem)
            if pixels is None:
                continue
            found = annotate_faces(pixels, pad=max(pixels.shape) // 2)
            if (found[:, 0] > 0).sum() == 1:
                cut.append((RgbPicture(pixels).luma, found[found[:, 0] > 0][0], "fairface"))
        elif str(row["box_kind"]).startswith("none"):
            pixels = _pixels(row, on_problem)
            if pixels is not None:
                backgrounds.append(RgbPicture(pixels).luma)
    split = "validation" if held_out else "train"
    if not held_out:
        images = read_images(faces, on_problem)
        known = (one for one in images if (one.split, one.source) == (split, "rafdb"))
        for image in itertools.islice(known, 0, _ALIGNED * 4, 4):
            found = annotate_faces(image.pixels, pad=max(image.pixels.shape) // 2)
            if (found[:, 0] > 0).sum() == 1:
                cut.append((RgbPicture(image.pixels).luma, found[found[:, 0] > 0][0], "rafdb"))
    if not (cut and backgrounds):
        return
    for _ in range(_COMPOSED // 20 if held_out else _COMPOSED):
        background = backgrounds[random.integers(len(backgrounds))]
        rows, columns = background.shape
        side = random.uniform(0.5, 1) * min(rows, columns)
        window = _square(*_corner(columns - side, rows - side, random), side)
        canvas = resample(background, window, SCENE_SIZE, SCENE_SIZE).copy()
        placed: list[FloatArray] = []
        for _ in range(int(random.integers(1, 6))):
            face, where, _ = cut[random.integers(len(cut))]
            pasted = _paste(canvas, face, where, placed, random)
            if pasted is not None:
                placed.append(pasted)
        yield AnnotatedPicture(
            canvas, np.array(placed, np.float32).reshape(-1, FIELDS), "composed", "", held_out
        )


def _paste(
    canvas: UInt8Array,
    face: UInt8Array,
    where: FloatArray,
    placed: list[FloatArray],
    random: np.random.Generator,
) -> FloatArray | None:
    """Pastes a face into a picture, in place; None where another is in the way."""
    size = math.exp(random.uniform(math.log(9), math.log(130)))
    scale = size / math.sqrt(np.prod(where[3:5] - where[1:3]))
    height, width = (max(4, round(length * scale)) for length in face.shape)
    left, top = random.integers(-width // 4, SCENE_SIZE - width * 3 // 4, 2)
    row = where.copy()
    row[1:15:2] = where[1:15:2] * (width / face.shape[1]) + left
    row[2:15:2] = where[2:15:2] * (height / face.shape[0]) + top
    box = Box(*(float(edge) for edge in row[1:5]))
    if any(_iou(other, box) > 0.05 for other in placed):
        return None
    small = resample(face, Box(0, 0, face.shape[1], face.shape[0]), width, height)
    down, across = np.mgrid[0:height, 0:width]
    if random.random() < 0.6:  # an ellipse that fades, or the crop as it is
        far = np.hypot((across + 0.5) / width * 2 - 1, (down + 0.5) / height * 2 - 1)
        mask = np.clip((1.15 - far) * 5, 0, 1)
    else:
        edge = np.minimum.reduce([across, down, width - 1 - across, height - 1 - down])
        mask = np.clip((edge + 1) / max(1.0, width * random.uniform(0.01, 0.1)), 0, 1)
    low_x, low_y = max(0, left), max(0, top)
    high_x, high_y = min(SCENE_SIZE, left + width), min(SCENE_SIZE, top + height)
    own = np.s_[low_y - top : high_y - top, low_x - left : high_x - left]
    part = canvas[low_y:high_y, low_x:high_x].astype(np.float32)
    lit = small[own].astype(np.float32) * random.uniform(0.7, 1.2)
    blended = part + mask[own] * (lit - part)
    canvas[low_y:high_y, low_x:high_x] = np.clip(blended, 0, 255).astype(np.uint8)
    return row


def clip_pictures(
    folder: Path, *, held_out: bool, on_problem: OnProblem | None = None
) -> Iterator[AnnotatedPicture]:
    """Frames of everyday clips.

    Args:
        folder: With the clips and ``manifest.csv``.
        held_out: Whether of held-out people, or of others.
        on_problem: Called for each clip that cannot be read and is left out; None to raise.
    """
    every = _FRAME_STEP * (6 if held_out else 1)
    for path, person, _ in everyday_clips(folder, held_out=held_out):
        with (
            skip_failures(path, on_problem),
            open_source(path, tick=LITE.tick, sound_window=LITE.sound_window) as source,
        ):
            for moment in itertools.islice(source, 0, None, every):
                pixels = moment.picture.rgb()
                faces = annotate_faces(pixels)
                yield AnnotatedPicture(moment.picture.luma, faces, "everyday", person, held_out)


def _box_rows(path: Path, *, held_out: bool) -> Iterator[dict[str, object]]:
    import pyarrow.parquet

    split = "validation" if held_out else "train"
    with pyarrow.parquet.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches(batch_size=128):
            for row in batch.to_pylist():
                number += 1
                if row["split"] == split:
                    yield {**row, _ROW: number}


def _pixels(row: dict[str, object], on_problem: OnProblem | None) -> UInt8Array | None:
    """A row's picture; None if it cannot be read, which is reported."""
    name, content = f"Picture {row[_ROW]} of the file with boxes", row["image"]
    with skip_failures(name, on_problem):
        if not isinstance(content, bytes):
            raise InputError(f"{name} is not stored as bytes.")
        return read_image(content, name)
    return None

"""Examples of faces for the face networks of both profiles.

``paper`` uses wide RGB windows of one sentiment each, ``lite`` aligned faces on brightness only:
with emotions for ``face-stills``, with soft labels for ``face``. Votes of ten people on FER2013
(Barsoum et al. 2016) say how clear a face is, and our own annotations what people of all ages look
like at rest; in clips of somebody who talks, each frame has the label of the whole clip, as mouth
shapes change while the mood does not.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.datasets.images import LabelledImage, read_images
from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording
from sentistream.errors import DataError, skip_failures
from sentistream.evaluation.paper_tables import face_alone
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import resample
from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.parquet import load_pyarrow
from sentistream.profiles import LITE
from sentistream.training.augmentation import STORED_FACE_MARGIN, STORED_FACE_SIZE
from sentistream.training.clip_examples import (
    everyday_clips,
    java_sed_clips,
    lite_clip_examples,
    person_and_source,
    single_face_moments,
)
from sentistream.training.examples import (
    CLASS_LABELS,
    FLOAT_LABELS,
    Arrays,
    Examples,
    content_key,
    emotions_by_sentiment,
    examples_from,
    join,
    person_of,
    rows_as_arrays,
)
from sentistream.training.expression_annotations import (
    ANNOTATIONS,
    EVERYDAY,
    annotated_images,
    expression_shares,
    has_annotated_images,
)
from sentistream.training.preparation import OnProblem, Preparation
from sentistream.training.splits import Splits
from sentistream.training.worker_pool import WorkerPool
from sentistream.types import SENTIMENTS, Box, FloatArray, UInt8Array
from sentistream.vision.alignment import VIEW_SIZE, align, view
from sentistream.vision.crops import FACE_SIZE
from sentistream.vision.hog_detector import HogDetector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import DlibLandmarker

_CHUNK = 256
_MOMENT_STEP = 6  # every sixth moment of an everyday clip is used
_COLUMNS = {"happy": "happiness", "neutral": "neutral", "sad": "sadness", "angry": "anger"}
_OTHERS = ("surprise", "disgust", "fear", "contempt", "unknown", "NF")
_MIN_SHARE = 0.6
"""Share of votes for one of the four emotions below which a face is left out."""
_ANNOTATED_REPEATS = 6  # there are few
_OFFICIAL = 0.1  # weight of a set's own label beside the crowd's votes


def paper_face_images(preparation: Preparation) -> Splits:
    """Windows of face images for the paper's network."""

    def examples(split: str) -> Examples:
        return preparation.examples(
            f"faces-{split}",
            preparation.image_files("faces"),
            lambda work: paper_face_examples(
                preparation.images("faces", split),
                backgrounds=split == "train",
                seed=1,
                pool=preparation.pool(work, "faces"),
            ),
        )

    return preparation.image_splits(examples)


def paper_face_examples(
    images: Iterable[LabelledImage],
    *,
    backgrounds: bool,
    seed: int,
    pool: WorkerPool | None = None,
) -> Examples:
    """The paper's face windows of images, (N, 96, 96, 3), with their sentiment.

    Args:
        images: Of one split.
        backgrounds: Whether to fill what lies outside an image at random (for training); else
            its edge repeats, as for a live face at the picture's edge.
        seed: For the backgrounds.
        pool: Worker processes; they do not change the result.

    Raises:
        DataError: None of the images shows a face.
    """
    pool = pool or WorkerPool()
    generator = np.random.default_rng(seed)
    windows, labels, people, sources, clips = [], [], [], [], []
    other: UInt8Array | None = None
    # cropping takes the time and is done in chunks; backgrounds are drawn in order
    for chunk, cut in pool.map(_paper_windows, images, _CHUNK):
        found = zip(chunk, cut["window"], cut["inside"], cut["found"], strict=True)
        for image, window, inside, usable in found:
            if not usable:
                continue
            if backgrounds and other is not None:
                window = fill_background(window, inside, other, generator)
            other = image.pixels
            windows.append(window)
            labels.append(class_number(image.label))
            people.append(person_of(image))
            sources.append(image.source)
            clips.append(content_key(image.pixels))
    if not windows:
        raise DataError("None of the images shows a face.")
    return Examples(
        inputs={"face": np.stack(windows)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
        clips=np.array(clips),
    )


def fill_background(
    window: UInt8Array,
    inside: NDArray[np.bool_],
    other: UInt8Array,
    generator: np.random.Generator,
) -> UInt8Array:
    """Fills what lies outside the image at random, so that no network learns the filling.

    A third of the windows keep repeated edges, a third get one colour, a third an enlarged patch
    of the ``other`` image.
    """
    kind = generator.integers(3)
    if kind == 0:
        return window
    if kind == 1:
        background = np.broadcast_to(generator.integers(0, 256, 3, dtype=np.uint8), window.shape)
    else:
        rows, columns = other.shape[:2]
        size = min(rows, columns) * float(generator.uniform(0.2, 0.6))
        left, top = (float(generator.uniform(0, extent - size)) for extent in (columns, rows))
        background = resample(other, Box(left, top, left + size, top + size), FACE_SIZE, FACE_SIZE)
    return np.where(inside[..., None], window, background)


def lite_face_images(preparation: Preparation) -> Splits:
    """Aligned faces of image sets with one of the four emotions."""

    def examples(split: str) -> Examples:
        def make(work: Path) -> Examples:
            items = (
                (image, split == "train", FACE_EMOTIONS.index(image.emotion))
                for image in preparation.images("faces", split)
                if image.emotion in FACE_EMOTIONS
            )
            return _aligned_examples(preparation.pool(work, "faces"), items, CLASS_LABELS)

        return preparation.examples(f"lite-faces-{split}", preparation.image_files("faces"), make)

    return preparation.image_splits(examples)


def soft_labelled_faces(preparation: Preparation) -> Splits:
    """Aligned faces of images and of clips, with shares of the four emotions as labels."""
    images = preparation.image_splits(lambda split: _voted_images(preparation, split))
    clips = Splits(
        _java_sed_faces(preparation, held_out=False), _java_sed_faces(preparation, held_out=True)
    )
    train = [images.train, _one_hot(clips.train)]
    held_out = [images.held_out, _one_hot(clips.held_out)]
    if (preparation.data / "everyday").exists():
        train.append(_everyday_examples(preparation))
    boxes = preparation.data / "face_boxes.parquet"
    for examples, repeats, held in ((train, _ANNOTATED_REPEATS, False), (held_out, 1, True)):
        if boxes.exists() and has_annotated_images(boxes, held_out=held):
            examples += [_annotated_images(preparation, boxes, held_out=held)] * repeats
    return Splits(join(train), join(held_out))


def _voted_images(preparation: Preparation, split: str) -> Examples:
    """Faces of image sets; in training with a crowd's votes, and with further images."""
    votes = preparation.data / "ferplus_votes.parquet"
    extra = preparation.data / "faces_ferplus_extra.parquet"
    files = [path for path in (votes, extra) if path.exists() and split == "train"]

    def make(work: Path) -> Examples:
        known = read_votes(votes) if votes in files else {}
        images = preparation.images("faces", split)
        if extra in files:
            known |= read_votes(extra)
            images = itertools.chain(images, read_images(extra, preparation.on_problem))
        labelled = ((image, soft_label(image, known)) for image in images)
        items = ((image, split == "train", soft) for image, soft in labelled if soft is not None)
        return _aligned_examples(preparation.pool(work, "faces"), items, FLOAT_LABELS)

    all_files = preparation.image_files("faces") + files
    return preparation.examples(f"lite-voted-{split}", all_files, make, official=_OFFICIAL)


def _annotated_images(preparation: Preparation, boxes: Path, *, held_out: bool) -> Examples:
    """Faces of FairFace with the shares of our own annotations."""

    def make(work: Path) -> Examples:
        found = annotated_images(boxes, held_out=held_out, on_problem=preparation.on_problem)
        items = ((image, not held_out, shares) for image, shares in found)
        return _aligned_examples(preparation.pool(work, "faces"), items, FLOAT_LABELS)

    return preparation.examples(f"lite-annotated-faces-{held_out}", [boxes, ANNOTATIONS], make)


def _java_sed_faces(preparation: Preparation, *, held_out: bool) -> Examples:
    clips = [
        clip
        for clip in java_sed_clips(preparation, held_out=held_out)
        if clip.emotion in FACE_EMOTIONS
    ]
    return lite_clip_examples(
        preparation,
        "lite-clip-faces",
        clips,
        _label_clips,
        held_out=held_out,
        labels=CLASS_LABELS,
    )


def _everyday_examples(preparation: Preparation) -> Examples:
    folder = preparation.data / "everyday" / "clips"

    def make(_: Path) -> Examples:
        rows = []
        faces = _everyday_faces(folder, preparation.on_problem)
        for luma, landmarks, shares, person, clip in faces:
            preparation.on_progress("everyday faces")
            try:
                face = _stored_face(luma, landmarks, whole=True)
            except ValueError:  # degenerate landmarks
                continue
            rows.append((face, shares, person, "everyday", clip))
        arrays = rows_as_arrays("face", rows, (STORED_FACE_SIZE, STORED_FACE_SIZE, 1))
        return examples_from("face", [arrays], FLOAT_LABELS)

    return preparation.examples(
        "lite-everyday-faces", [*sorted(folder.glob("*.mp4")), ANNOTATIONS], make
    )


Votes = dict[str, FloatArray]
"""Shares of the four emotions, by image name; empty if the crowd sees none of them."""


def read_votes(path: Path) -> Votes:
    """Reads votes from a Parquet file with the column ``name`` and one column for each answer.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    load_pyarrow("Reading Parquet files")
    import pyarrow.parquet

    names = pyarrow.parquet.read_schema(path).names
    wanted = [name for name in names if name != "image"]
    votes: Votes = {}
    for row in pyarrow.parquet.read_table(path, columns=wanted).to_pylist():
        four = np.array([row[_COLUMNS[name]] for name in FACE_EMOTIONS], np.float32)
        others = sum(row[name] for name in _OTHERS)
        share = float(four.sum()) / max(1.0, float(four.sum() + others))
        usable = share >= _MIN_SHARE and not row.get("leave_out")
        votes[row["name"]] = four / four.sum() if usable else np.zeros(0, np.float32)
    return votes


def soft_label(image: LabelledImage, votes: Votes) -> FloatArray | None:
    """Shares of the four emotions, shape (4,); None if the image is left out."""
    own = np.zeros(len(FACE_EMOTIONS), np.float32)
    if image.emotion in FACE_EMOTIONS:
        own[FACE_EMOTIONS.index(image.emotion)] = 1
    voted = votes.get(image.name)
    if voted is None:
        return own if own.any() else None
    if not len(voted):
        return None
    mixed = (1 - _OFFICIAL) * voted + _OFFICIAL * own if own.any() else voted
    return np.asarray(mixed / mixed.sum(), dtype=np.float32)


def _everyday_faces(
    folder: Path, on_problem: OnProblem
) -> Iterator[tuple[UInt8Array, Any, FloatArray, str, str]]:
    """Faces of everyday clips: brightness, landmarks, soft label, person and clip.

    The label is the clip's, our annotation, or the mean of both; without either, it is what the
    shipped networks say of the whole track, so that single mouth shapes do not matter.
    """
    analyzer = Analyzer(face_alone(LITE))
    for path, person, label in everyday_clips(folder, held_out=False):
        analyzer.reset(renumber=True)
        with skip_failures(path, on_problem):
            yield from _clip_faces(path, label, person, analyzer)


def _clip_faces(
    path: Path, label: str, person: str, analyzer: Analyzer
) -> Iterator[tuple[UInt8Array, Any, FloatArray, str, str]]:
    seen: dict[int, list[tuple[UInt8Array, Any]]] = {}
    answers: dict[int, list[Sequence[float]]] = {}
    with open_source(path, tick=LITE.tick, sound_window=LITE.sound_window) as source:
        for moment in itertools.islice(source, 0, None, _MOMENT_STEP):
            for reading in analyzer.process(moment):
                if reading.face is None or reading.momentary is None or reading.flags:
                    continue
                track = reading.face.track
                seen.setdefault(track, []).append((moment.picture.luma, reading.face.landmarks))
                answers.setdefault(track, []).append(reading.momentary.as_tuple())
    annotated = expression_shares(EVERYDAY, path.name)
    for track, faces in seen.items():
        soft = _label_of(label, np.mean(answers[track], axis=0))
        if annotated is not None:
            both = (soft + annotated) / 2 if label in SENTIMENTS else annotated
            soft = np.asarray(both, dtype=np.float32)
        for luma, landmarks in faces:
            yield luma, landmarks, soft, person, f"{path.stem}-{track}"


def _label_of(label: str, mean: Any) -> FloatArray:
    """Shares of the four emotions: the clip's label, else the mean answer moved to neutral."""
    three = np.array(mean, np.float32) * 0.7
    three[SENTIMENTS.index("neutral")] += 0.3
    if label in SENTIMENTS:
        three = np.array([float(name == label) for name in SENTIMENTS], np.float32)
    shares = np.zeros(len(FACE_EMOTIONS), np.float32)
    for value, places in zip(three, emotions_by_sentiment(FACE_EMOTIONS), strict=True):
        shares[list(places)] = value / len(places)
    return shares


def _one_hot(examples: Examples) -> Examples:
    """Examples with classes as soft labels."""
    return replace(examples, labels=np.eye(len(FACE_EMOTIONS), dtype=np.float32)[examples.labels])


def _aligned_examples(
    pool: WorkerPool, items: Iterable[tuple[LabelledImage, bool, Any]], labels: np.dtype[Any]
) -> Examples:
    chunks = pool.map(_aligned_faces, items, _CHUNK)
    return examples_from("face", (arrays for _, arrays in chunks), labels)


def _aligned_faces(items: Sequence[tuple[LabelledImage, bool, Any]]) -> Arrays:
    """Faces of images, each with whether it is for training, and its label."""
    rows = []
    for image, whole, label in items:
        try:
            points = _face_cropper().landmarks(image.pixels)
            face = _stored_face(RgbPicture(image.pixels).luma, points, whole=whole)
        except ValueError:  # degenerate landmarks
            continue
        rows.append((face, label, person_of(image), image.source, content_key(image.pixels)))
    return _face_arrays(rows, [whole for _, whole, _ in items])


def _label_clips(items: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    for clip, whole in items:
        label = FACE_EMOTIONS.index(clip.emotion)
        for luma, points, key in single_face_moments(clip):
            face = _stored_face(luma, points, whole=whole)
            rows.append((face, label, *person_and_source(clip), key))
    return _face_arrays(rows, [whole for _, whole in items])


def _face_arrays(rows: Sequence[tuple[Any, ...]], whole: Sequence[bool]) -> Arrays:
    size = STORED_FACE_SIZE if any(whole) else VIEW_SIZE
    return rows_as_arrays("face", rows, (size, size, 1))


def _stored_face(luma: UInt8Array, landmarks: Any, *, whole: bool) -> UInt8Array:
    """An aligned face: with a margin for augmentation, or as the network sees it."""
    where = align(landmarks)
    if whole:
        return view(luma, where, STORED_FACE_SIZE, STORED_FACE_MARGIN)[..., np.newaxis]
    return view(luma, where, VIEW_SIZE)[..., np.newaxis]


@functools.cache
def _face_cropper() -> FaceCropper:
    return FaceCropper(HogDetector(), DlibLandmarker())


def _paper_windows(images: Sequence[LabelledImage]) -> Arrays:
    windows = np.zeros((len(images), FACE_SIZE, FACE_SIZE, 3), np.uint8)
    inside = np.zeros(windows.shape[:3], np.bool_)
    found = np.ones(len(images), np.bool_)
    for number, image in enumerate(images):
        try:
            windows[number], inside[number] = _face_cropper().cut(image.pixels)
        except ValueError:  # landmarks that span nothing
            found[number] = False
    return {"window": windows, "inside": inside, "found": found}

"""From raw data to examples for the ``lite`` networks: aligned faces, mouths, utterances."""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.decision.lite import MOUTH_SIZE
from sentistream.errors import DataError
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture, as_square, resample
from sentistream.networks.lite import FACE_EMOTIONS, VOICE_EMOTIONS
from sentistream.profiles import LITE
from sentistream.training.chunks import Arrays, Workshop
from sentistream.training.clips import CLOSED_GAP, EVERY, OPEN_GAP
from sentistream.training.detector_scenes import (
    AnnotatedPicture,
    boxed_pictures,
    clip_pictures,
    composed_pictures,
    detector_examples,
)
from sentistream.training.examples import Examples, join
from sentistream.training.landmark_preparation import (
    stored_face,
    taught_columns,
    taught_images,
    taught_points,
)
from sentistream.training.landmarks import STORED_SIZE
from sentistream.training.leakage import content_key
from sentistream.training.lite_augment import STORED_FACE, SURROUNDINGS
from sentistream.training.parts import Sides
from sentistream.training.preparation import Preparation, of_side
from sentistream.types import UInt8Array
from sentistream.vision.alignment import VIEW_SIZE, align, view
from sentistream.vision.crops import mouth_window
from sentistream.vision.hog import HogDetector
from sentistream.vision.landmarker import TreeLandmarker
from sentistream.vision.landmarks import LandmarkPredictor
from sentistream.vision.points import VIEW_SIZE as POINTS_VIEW
from sentistream.vision.shape import lip_gap
from sentistream.vision.stills import WindowCutter
from sentistream.voice.hearing import FRAME_STEP, WIDTH
from sentistream.voice.recorded import read_sound
from sentistream.voice.utterance import LONGEST, utterance_of

_CLASS, _VALUES = np.dtype(np.int64), np.dtype(np.float32)
_IMAGES_CHUNK, _CLIPS_CHUNK, _VOICES_CHUNK = 256, 4, 16

SPEEDS = (1.0, 0.9, 1.1, 0.83, 1.2)
"""How fast each recording is played to learn from: pitch and tempo of other voices."""


class LitePreparation(Preparation):
    """As ``Preparation``, for the ``lite`` networks; labels are emotions."""

    def scenes(self) -> Sides:
        """Pictures and frames of everyday clips with the boxes and points of their faces."""
        held_out, train = self._scenes(held_out=True), self._scenes(held_out=False)
        measured = {content_key(scene) for scene in held_out.inputs["picture"]}
        new = [content_key(scene) not in measured for scene in train.inputs["picture"]]
        return Sides(train.take(np.array(new)), held_out)

    def face_stills(self) -> Sides:
        """Aligned faces of image sets."""
        return Sides(self._faces("train"), self._faces("validation"))

    def faces_and_clips(self) -> Sides:
        """The same and those of real clips."""
        clips = Sides(self._clip_faces(held_out=False), self._clip_faces(held_out=True))
        stills = self.face_stills()
        return Sides(join([stills.train, clips.train]), join([stills.held_out, clips.held_out]))

    def lite_mouths(self) -> Sides:
        """Mouths of image sets and of real clips."""
        clips = Sides(self._clip_mouths(held_out=False), self._clip_mouths(held_out=True))
        images = Sides(self._mouths("train"), self._mouths("validation"))
        return Sides(join([images.train, clips.train]), join([images.held_out, clips.held_out]))

    def landmarked_faces(self) -> Sides:
        """Faces of image sets and of real clips with the teacher's points."""
        return Sides(self._taught(held_out=False), self._taught(held_out=True))

    def utterances(self) -> Sides:
        """What RAVDESS and Java-SED speakers say, at several speeds to learn from."""
        return Sides(self._utterances(held_out=False), self._utterances(held_out=True))

    def _scenes(self, *, held_out: bool) -> Examples:
        boxes, faces = self._data / "face_boxes.parquet", self._data / "faces.parquet"
        clips = self._data / "everyday" / "clips"

        def make(_: Path) -> Examples:
            def noticed(pictures: Iterable[AnnotatedPicture]) -> Iterator[AnnotatedPicture]:
                for picture in pictures:
                    self._on_progress("scenes")
                    yield picture

            pictures = itertools.chain(
                boxed_pictures(boxes, held_out=held_out),
                composed_pictures(boxes, faces, held_out=held_out, seed=3),
                clip_pictures(clips, held_out=held_out) if clips.exists() else (),
            )
            return detector_examples(noticed(pictures), seed=5)

        files = [boxes, faces, *sorted(clips.glob("*.mp4"))]
        return self._examples(f"lite-scenes-{held_out}", files, make)

    def _faces(self, split: str) -> Examples:
        def make(work: Path) -> Examples:
            images = self._images("faces", split)
            whole = split == "train"
            return _prepare_faces(images, whole, self._workshop(work, "faces"))

        return self._examples(f"lite-faces-{split}", self._image_files("faces"), make)

    def _mouths(self, split: str) -> Examples:
        return self._examples(
            f"lite-mouths-{split}",
            self._image_files("mouths"),
            lambda _: _prepare_mouths(self._images("mouths", split)),
        )

    def _clip_faces(self, *, held_out: bool) -> Examples:
        known = [one for one in self._clips_of(held_out=held_out) if one.emotion in FACE_EMOTIONS]
        return self._moments("lite-clip-faces", known, _faces_of_clips, held_out)

    def _taught(self, *, held_out: bool) -> Examples:
        def make(work: Path) -> Examples:
            images = ((one, not held_out) for one in self._images("faces", split))
            taught = self._workshop(work, "landmarks").map(taught_images, images, _IMAGES_CHUNK)
            return _examples_of((arrays for _, arrays in taught), _VALUES)

        split = "validation" if held_out else "train"
        stills = self._examples(f"lite-landmarks-{split}", self._image_files("faces"), make)
        clips = self._moments(
            "lite-clip-landmarks", self._clips_of(held_out=held_out), _taught_clips, held_out
        )
        return join([stills, clips])

    def _clip_mouths(self, *, held_out: bool) -> Examples:
        clips = self._clips_of(held_out=held_out)
        return self._moments("lite-clip-mouths", clips, _mouths_of_clips, held_out)

    def _clips_of(self, *, held_out: bool) -> list[Recording]:
        return of_side(java_sed(self._data / "javased"), held_out=held_out)

    def _moments(self, name: str, clips: list[Recording], read: Any, held_out: bool) -> Examples:
        def make(work: Path) -> Examples:
            workshop = self._workshop(work, "clips")
            asked = [(clip, not held_out) for clip in clips]
            kind = _VALUES if read is _taught_clips else _CLASS
            return _examples_of((a for _, a in workshop.map(read, asked, _CLIPS_CHUNK)), kind)

        files = [clip.path for clip in clips]
        return self._examples(f"{name}-{held_out}", files, make, every=EVERY)

    def _utterances(self, *, held_out: bool) -> Examples:
        recordings = of_side(
            ravdess(self._data / "ravdess_speech")
            + java_sed(self._data / "javased", (".mp4", ".flac")),
            held_out=held_out,
        )
        speeds = SPEEDS[:1] if held_out else SPEEDS
        known = [
            (recording, speeds) for recording in recordings if recording.emotion in VOICE_EMOTIONS
        ]

        def make(work: Path) -> Examples:
            workshop = self._workshop(work, "voices")
            return _examples_of(a for _, a in workshop.map(_hear, known, _VOICES_CHUNK))

        files = [recording.path for recording, _ in known]
        return self._examples(f"lite-voices-{held_out}", files, make, speeds=speeds)


def _examples_of(chunks: Iterable[Arrays], labels: np.dtype[Any] = _CLASS) -> Examples:
    """Chunks that hold one input and the fields of ``Examples`` as one."""
    parts = [
        Examples(
            inputs={name: arrays[name] for name in ("face", "mouth", "voice") if name in arrays},
            labels=arrays["label"].astype(labels),
            people=arrays["person"],
            sources=arrays["source"],
            clips=arrays["clip"],
        )
        for arrays in chunks
    ]
    if not parts:
        raise DataError(
            "Nothing in the data shows one of the emotions that the lite networks tell apart.",
            "Image sets need a column emotion; docs/training.md says what the folder holds.",
        )
    return join(parts)


@functools.cache
def _cutter() -> WindowCutter:
    return WindowCutter(HogDetector(), TreeLandmarker())


@functools.cache
def _finders() -> tuple[HogDetector, LandmarkPredictor]:
    return HogDetector(), LandmarkPredictor()


def _prepare_faces(
    images: Iterator[LabelledImage], surroundings: bool, workshop: Workshop
) -> Examples:
    known = ((image, surroundings) for image in images if image.emotion in FACE_EMOTIONS)
    return _examples_of(arrays for _, arrays in workshop.map(_cut_faces, known, _IMAGES_CHUNK))


def _cut_faces(asked: Sequence[tuple[LabelledImage, bool]]) -> Arrays:
    rows = []
    for image, surroundings in asked:
        try:
            where = align(_cutter().landmarks(image.pixels))
        except ValueError:  # landmarks that span nothing
            continue
        face = _stored(RgbPicture(image.pixels).luma, where, surroundings)
        person = f"{image.source}-{image.person}" if image.person else ""
        label = FACE_EMOTIONS.index(image.emotion)
        rows.append((face, label, person, image.source, content_key(image.pixels)))
    size = STORED_FACE if any(surroundings for _, surroundings in asked) else VIEW_SIZE
    return _columns("face", rows, (size, size, 1))


def _stored(luma: UInt8Array, where: Any, surroundings: bool) -> UInt8Array:
    if surroundings:
        return view(luma, where, STORED_FACE, SURROUNDINGS)[..., np.newaxis]
    return view(luma, where, VIEW_SIZE)[..., np.newaxis]


def _prepare_mouths(images: Iterable[LabelledImage]) -> Examples:
    rows = []
    for image in images:
        mouth = as_square(RgbPicture(image.pixels).luma, MOUTH_SIZE)[..., np.newaxis]
        person = f"{image.source}-{image.person}" if image.person else ""
        key = content_key(image.pixels)
        rows.append((mouth, int(image.label == "open"), person, image.source, key))
    return _examples_of([_columns("mouth", rows, (MOUTH_SIZE, MOUTH_SIZE, 1))])


def _faces_of_clips(asked: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    for clip, surroundings in asked:
        label = FACE_EMOTIONS.index(clip.emotion)
        for luma, points, key in _moments_of(clip):
            rows.append((_stored(luma, align(points), surroundings), label, *_whose(clip), key))
    size = STORED_FACE if any(surroundings for _, surroundings in asked) else VIEW_SIZE
    return _columns("face", rows, (size, size, 1))


def _taught_clips(asked: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    detector = _finders()[0]
    for clip, whole in asked:
        random = np.random.default_rng(zlib.crc32(clip.path.name.encode()))
        for luma, _, key in _moments_of(clip):
            points = taught_points(luma, detector.detect(luma)[0].box, random)
            if points is not None:
                face, label = stored_face(luma, points, random, whole=whole)
                rows.append((face, label, *_whose(clip), key))
    size = STORED_SIZE if any(whole for _, whole in asked) else POINTS_VIEW
    return taught_columns(rows, size)


def _mouths_of_clips(asked: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    for clip, _ in asked:
        for luma, points, key in _moments_of(clip):
            gap = lip_gap(points)
            if CLOSED_GAP <= gap <= OPEN_GAP:
                continue
            mouth = resample(luma, mouth_window(points), MOUTH_SIZE, MOUTH_SIZE)
            label = int(gap > OPEN_GAP)
            rows.append((mouth[..., np.newaxis], label, *_whose(clip), key))
    return _columns("mouth", rows, (MOUTH_SIZE, MOUTH_SIZE, 1))


def _moments_of(clip: Recording) -> Iterator[tuple[UInt8Array, Any, str]]:
    """Brightness, landmarks and the clip's key at moments with exactly one face."""
    detector, predictor = _finders()
    with clip.path.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    with open_source(clip.path, tick=LITE.tick, sound_window=LITE.sound_window) as source:
        for moment in itertools.islice(source, 0, None, EVERY):
            luma = moment.picture.luma
            found = detector.detect(luma)
            if len(found) == 1:
                yield luma, predictor.predict(luma, found[0].box), key


def _hear(asked: Sequence[tuple[Recording, Sequence[float]]]) -> Arrays:
    """Utterances in arrays of one length; behind its end each is 0."""
    rows = []
    longest = round(LONGEST / FRAME_STEP)
    for recording, speeds in asked:
        sound = read_sound(recording.path)
        key, label = content_key(sound), VOICE_EMOTIONS.index(recording.emotion)
        for speed in speeds:
            count = round(len(sound) / speed)
            places = np.arange(count) * speed
            played = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
            heard = utterance_of(played)
            if heard is None:
                continue
            stored = np.zeros((longest, WIDTH, 1), np.uint8)
            stored[: len(heard)] = heard[:longest]
            rows.append((stored, label, *_whose(recording), key))
    return _columns("voice", rows, (longest, WIDTH, 1))


def _whose(recording: Recording) -> tuple[str, str]:
    return recording.person, recording.person.rsplit("-", 1)[0]


def _columns(name: str, rows: list[tuple[Any, ...]], shape: tuple[int, ...]) -> Arrays:
    fields = (name, "label", "person", "source", "clip")
    if not rows:
        none: Arrays = {field: np.zeros(0, np.str_) for field in fields}
        return none | {name: np.zeros((0, *shape), np.uint8), "label": np.zeros(0, np.int64)}
    values = [np.array(column) for column in zip(*rows, strict=True)]
    return dict(zip(fields, values, strict=True))

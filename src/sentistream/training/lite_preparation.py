"""From raw data to examples for the ``lite`` networks: aligned faces, mouths, utterances."""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.datasets.images import LabelledImage, read_images
from sentistream.datasets.recordings import Recording, corpora, java_sed, ravdess
from sentistream.decision.lite import MOUTH_SIZE
from sentistream.errors import DataError
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square, resample
from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.profiles import LITE
from sentistream.training.chunks import Arrays, Workshop
from sentistream.training.clips import CLOSED_GAP, EVERY, OPEN_GAP
from sentistream.training.detector_scenes import (
    FACES,
    FIELDS,
    AnnotatedPicture,
    boxed_pictures,
    clip_pictures,
    composed_pictures,
    detector_examples,
)
from sentistream.training.examples import Examples, join, save_arrays
from sentistream.training.landmark_preparation import (
    taught_columns,
    taught_faces,
    taught_images,
    taught_scenes,
)
from sentistream.training.landmarks import STORED_SIZE, VIEWED_AS
from sentistream.training.leakage import content_key
from sentistream.training.lite_augment import STORED_FACE, SURROUNDINGS
from sentistream.training.lite_voices import (
    heard_recordings,
    is_learned_from,
    voices_with_history,
)
from sentistream.training.parts import Sides
from sentistream.training.preparation import Preparation, of_side
from sentistream.training.voice_augmentation import CONDITIONS
from sentistream.training.voted_faces import everyday_faces, read_votes, soft_label
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import VIEW_SIZE, align, view
from sentistream.vision.crops import mouth_window
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import detector_square, is_face_like, lip_gap
from sentistream.vision.head_pose import head_pose
from sentistream.vision.hog_detector import HogDetector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import VIEW_SIZE as POINTS_VIEW
from sentistream.vision.landmarker import DlibLandmarker

_CLASS, _VALUES = np.dtype(np.int64), np.dtype(np.float32)
_IMAGES_CHUNK, _CLIPS_CHUNK, _VOICES_CHUNK = 256, 4, 16
_STILLS_EVERY = 6  # images from one whose points are learned to the next
_CLIPS_EVERY = 4  # moments of clips likewise
_SCENE_FACE = 36  # least pixels of a scene's face whose points are learned
_SCENE_TURNED, _FRONTAL_EVERY = 20, 6  # degrees of yaw below which only one face in so many is


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

    def voted_faces(self) -> Sides:
        """Faces of images and of clips with soft labels, more of them than ``face_stills``."""
        stills = Sides(self._voted("train"), self._voted("validation"))
        clips = Sides(self._clip_faces(held_out=False), self._clip_faces(held_out=True))
        train = [stills.train, _as_shares(clips.train)]
        if (self._data / "everyday").exists():
            train.append(self._everyday_faces())
        return Sides(join(train), join([stills.held_out, _as_shares(clips.held_out)]))

    def _voted(self, split: str) -> Examples:
        votes, extra = (
            self._data / "ferplus_votes.parquet",
            self._data / "faces_ferplus_extra.parquet",
        )
        files = [path for path in (votes, extra) if path.exists() and split == "train"]

        def make(work: Path) -> Examples:
            known = read_votes(votes) if votes in files else {}
            images = self._images("faces", split)
            if extra in files:
                known |= read_votes(extra)
                images = itertools.chain(images, read_images(extra, self._note))
            voted = ((one, soft_label(one, known)) for one in images)
            asked = ((one, split == "train", soft) for one, soft in voted if soft is not None)
            workshop = self._workshop(work, "faces")
            return _examples_of(
                (arrays for _, arrays in workshop.map(_cut_faces, asked, _IMAGES_CHUNK)), _VALUES
            )

        return self._examples(f"lite-voted-{split}", self._image_files("faces") + files, make)

    def _everyday_faces(self) -> Examples:
        folder = self._data / "everyday" / "clips"

        def make(_: Path) -> Examples:
            rows = []
            faces = everyday_faces(folder, held_out=False, on_problem=self._note)
            for luma, landmarks, shares, person, clip in faces:
                self._on_progress("everyday faces")
                try:
                    face = _stored(luma, align(landmarks), surroundings=True)
                except ValueError:  # landmarks that span nothing
                    continue
                rows.append((face, shares, person, "everyday", clip))
            columns = _columns("face", rows, (STORED_FACE, STORED_FACE, 1))
            return _examples_of([columns], _VALUES)

        return self._examples("lite-everyday-faces", sorted(folder.glob("*.mp4")), make)

    def lite_mouths(self) -> Sides:
        """Mouths of image sets and of real clips."""
        clips = Sides(self._clip_mouths(held_out=False), self._clip_mouths(held_out=True))
        images = Sides(self._mouths("train"), self._mouths("validation"))
        return Sides(join([images.train, clips.train]), join([images.held_out, clips.held_out]))

    def landmarked_faces(self) -> Sides:
        """Faces of image sets, of real clips and of the detector's scenes with their points."""
        return Sides(self._taught(held_out=False), self._taught(held_out=True))

    def utterances(self) -> Sides:
        """What speakers of all corpora say, beside what they said before."""
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
                boxed_pictures(boxes, held_out=held_out, on_problem=self._note),
                composed_pictures(boxes, faces, held_out=held_out, seed=3, on_problem=self._note),
                clip_pictures(clips, held_out=held_out, on_problem=self._note)
                if clips.exists()
                else (),
            )
            return detector_examples(noticed(pictures), seed=5)

        return self._examples(f"lite-scenes-{held_out}", self._scene_files(), make)

    def _scene_files(self) -> list[Path]:
        clips = self._data / "everyday" / "clips"
        named = [self._data / "face_boxes.parquet", self._data / "faces.parquet"]
        return [*named, *sorted(clips.glob("*.mp4"))]

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
            some = itertools.islice(self._images("faces", split), 0, None, _STILLS_EVERY)
            images = ((one, not held_out, place % 2 == 0) for place, one in enumerate(some))
            taught = self._workshop(work, "landmarks").map(taught_images, images, _IMAGES_CHUNK)
            return _examples_of((arrays for _, arrays in taught), _VALUES)

        split = "validation" if held_out else "train"
        stills = self._examples(f"lite-points-{split}", self._image_files("faces"), make)
        clips = self._moments(
            "lite-clip-points", self._clips_of(held_out=held_out), _taught_clips, held_out
        )
        parts = [stills, clips]
        if (self._data / "face_boxes.parquet").exists():
            parts.append(self._taught_scenes(held_out=held_out))
        return join(parts)

    def _taught_scenes(self, *, held_out: bool) -> Examples:
        """Faces of the detector's scenes: all that are turned aside, some of the others."""
        scenes = self._scenes(held_out=True) if held_out else self.scenes().train

        def make(work: Path) -> Examples:
            faces = _faces_of_scenes(scenes, whole=not held_out)
            taught = self._workshop(work, "landmarks").map(taught_scenes, faces, _IMAGES_CHUNK)
            none = taught_columns([], POINTS_VIEW if held_out else STORED_SIZE)
            return _examples_of([none, *(arrays for _, arrays in taught)], _VALUES)

        return self._examples(f"lite-scene-points-{held_out}", self._scene_files(), make)

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

    def voice_recordings(self) -> list[Recording]:
        """All that the voice network learns from or is measured on."""
        recordings = ravdess(self._data / "ravdess_speech")
        recordings += java_sed(self._data / "javased", (".mp4", ".flac"))
        if (self._data / "voices").exists():
            recordings += corpora(self._data / "voices")
        return [recording for recording in recordings if is_learned_from(recording)]

    def heard(
        self, recordings: Sequence[Recording], name: str, conditions: Sequence[str]
    ) -> Arrays:
        """Functionals of recordings in each condition, made once."""
        material = self._data / "voices"
        with_noises = material if (material / "noises_and_rooms.csv").exists() else None
        asked = [(one, condition, with_noises) for condition in conditions for one in recordings]

        def make(work: Path) -> Arrays:
            workshop = self._workshop(work, "voices")
            chunks = [a for _, a in workshop.map(heard_recordings, asked, _VOICES_CHUNK)]
            chunks = [chunk for chunk in chunks if len(chunk["label"])]
            if not chunks:
                raise DataError("There is no recording with a voice.")
            return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}

        files = [recording.path for recording in recordings]
        key = self._signature(files, conditions=tuple(conditions))
        return self._cached(name, key, make, _save, _load)

    def all_utterances(self) -> Examples:
        """Everybody's, as recorded, to be measured on: voices first heard and with a history."""
        train, held_out = self._heard(held_out=False), self._heard(held_out=True)
        plain = train["condition"] == CONDITIONS[0]
        both = {name: np.concatenate([train[name][plain], held_out[name]]) for name in train}
        return voices_with_history(both, held_out=True, seed=7)

    def _utterances(self, *, held_out: bool) -> Examples:
        return voices_with_history(self._heard(held_out=held_out), held_out=held_out, seed=7)

    def _heard(self, *, held_out: bool) -> Arrays:
        chosen = of_side(self.voice_recordings(), held_out=held_out)
        conditions = CONDITIONS[:1] if held_out else CONDITIONS
        return self.heard(chosen, f"lite-voices-{held_out}", conditions)


def _save(heard: Arrays, path: Path) -> None:
    save_arrays(path, heard)


def _load(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _examples_of(chunks: Iterable[Arrays], labels: np.dtype[Any] = _CLASS) -> Examples:
    """Chunks that hold one input and the fields of ``Examples`` as one."""
    parts = [
        Examples(
            inputs={name: arrays[name] for name in ("face", "mouth") if name in arrays},
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
def _cutter() -> FaceCropper:
    return FaceCropper(HogDetector(), DlibLandmarker())


@functools.cache
def _finders() -> tuple[HogDetector, LandmarkPredictor]:
    return HogDetector(), LandmarkPredictor()


def _prepare_faces(
    images: Iterator[LabelledImage], surroundings: bool, workshop: Workshop
) -> Examples:
    known = (
        (image, surroundings, FACE_EMOTIONS.index(image.emotion))
        for image in images
        if image.emotion in FACE_EMOTIONS
    )
    return _examples_of(arrays for _, arrays in workshop.map(_cut_faces, known, _IMAGES_CHUNK))


def _cut_faces(asked: Sequence[tuple[LabelledImage, bool, Any]]) -> Arrays:
    """Faces of images, each with or without surroundings and with its label."""
    rows = []
    for image, surroundings, label in asked:
        try:
            where = align(_cutter().landmarks(image.pixels))
        except ValueError:  # landmarks that span nothing
            continue
        face = _stored(RgbPicture(image.pixels).luma, where, surroundings)
        person = f"{image.source}-{image.person}" if image.person else ""
        rows.append((face, label, person, image.source, content_key(image.pixels)))
    size = STORED_FACE if any(surroundings for _, surroundings, _ in asked) else VIEW_SIZE
    return _columns("face", rows, (size, size, 1))


def _as_shares(examples: Examples) -> Examples:
    """With soft labels that are all one emotion's."""
    return replace(examples, labels=np.eye(len(FACE_EMOTIONS), dtype=np.float32)[examples.labels])


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
    for clip, whole in asked:
        random = np.random.default_rng(zlib.crc32(clip.path.name.encode()))
        person, source = _whose(clip)
        for place, (luma, points, key) in enumerate(_moments_of(clip)):
            if place % _CLIPS_EVERY or not is_face_like(points):
                continue
            square, viewed = detector_square(points), place % (2 * _CLIPS_EVERY) == 0
            for face, label, turned in taught_faces(
                luma, square, random, whole=whole, viewed=viewed
            ):
                rows.append((face, label, person, VIEWED_AS if turned else source, key))
    size = STORED_SIZE if any(whole for _, whole in asked) else POINTS_VIEW
    return taught_columns(rows, size)


def _faces_of_scenes(
    scenes: Examples, *, whole: bool
) -> Iterator[tuple[UInt8Array, FloatArray, str, str, str, bool]]:
    """As ``taught_scenes`` takes them."""
    frontal = 0
    labels = scenes.labels.reshape(len(scenes), FACES, FIELDS).astype(np.float32)
    for number, faces in enumerate(labels):
        size = np.sqrt(np.maximum(np.prod(faces[:, 3:5] - faces[:, 1:3], axis=1), 0))
        for face in faces[(faces[:, 0] > 0) & (faces[:, 15] > 0) & (size >= _SCENE_FACE)]:
            five = face[5:15].reshape(5, 2)
            if abs(head_pose(five).yaw) < _SCENE_TURNED:
                frontal += 1
                if frontal % _FRONTAL_EVERY != 1:
                    continue
            luma = scenes.inputs["picture"][number, :, :, 0]
            person, source = str(scenes.people[number]), str(scenes.sources[number])
            yield luma, five, person, source, str(scenes.clips[number]), whole


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


def _whose(recording: Recording) -> tuple[str, str]:
    return recording.person, recording.person.rsplit("-", 1)[0]


def _columns(name: str, rows: list[tuple[Any, ...]], shape: tuple[int, ...]) -> Arrays:
    fields = (name, "label", "person", "source", "clip")
    if not rows:
        none: Arrays = {field: np.zeros(0, np.str_) for field in fields}
        return none | {name: np.zeros((0, *shape), np.uint8), "label": np.zeros(0, np.int64)}
    values = [np.array(column) for column in zip(*rows, strict=True)]
    return dict(zip(fields, values, strict=True))

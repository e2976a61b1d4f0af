"""Finds mouths in clips and images, and proposes whether they are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentistream.datasets.dataset import SUFFIXES, Dataset, FileDataset, Sample, media_files
from sentistream.datasets.formats import open_dataset
from sentistream.errors import DataError, InputError
from sentistream.media import open_source
from sentistream.media.image_file import read_image
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.types import FloatArray, Picture, UInt8Array
from sentistream.values import ByValue
from sentistream.vision.crops import MOUTH_SIZE, mouth_window
from sentistream.vision.face_detector import make_detector
from sentistream.vision.face_geometry import lip_gap
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import make_landmarker, predict_single

OPEN_GAP, CLOSED_GAP = 0.08, 0.03
"""Lip gap over eye distance above which ``open`` is proposed, and below which ``closed``."""

VIEW_SIZE = 224
"""Width and height of the picture that people judge, pixels."""

_VIEW_SCALE = 1.8
_SOUND_WINDOW = 0.03
_FACE_IMAGE = 256  # pixels; only images up to this size may show just a face


@dataclass(frozen=True, slots=True, eq=False)
class MouthCandidate(ByValue):
    """A mouth to be labelled.

    Attributes:
        name: Of its sample, with the time in a clip; unique.
        person: Empty where unknown.
        gap: Distance of the inner lips over that of the eyes.
        crop: The network's input, shape (28, 28, 3).
        view: More of the face, for people, shape (224, 224, 3).
    """

    name: str
    person: str
    gap: float
    crop: UInt8Array
    view: UInt8Array

    @property
    def proposal(self) -> str:
        """``open`` or ``closed``; empty in between."""
        return "open" if self.gap > OPEN_GAP else "closed" if self.gap < CLOSED_GAP else ""


def open_media(path: Path, cache: Path | None = None) -> Dataset:
    """Opens the clips and images at a path: a data set, a file, or all files of a folder.

    Raises:
        DataError: There are none.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        files, root = [path], path.parent
    else:
        try:
            return open_dataset(path, cache=cache)
        except DataError:
            if not path.is_dir() or not (files := media_files(path)):
                raise
        root = path
    samples = tuple(
        Sample(
            name=file.relative_to(root).as_posix(), medium=SUFFIXES[file.suffix.lower()], path=file
        )
        for file in files
    )
    return FileDataset("files", path.name, root, samples)


def find_mouths(
    dataset: Dataset,
    every: float,
    on_sample: Callable[[str], None] = lambda _: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> Iterator[MouthCandidate]:
    """The mouths of all images, and of clips where exactly one face is seen.

    Args:
        dataset: Clips and images.
        every: Seconds between the moments of a clip that are used.
        on_sample: Called with the name of each sample before it is read.
        on_problem: Called with a sentence for each sample that cannot be read.
    """
    finder = _Finder()
    for sample, content in dataset.images():
        on_sample(sample.name)
        try:
            pixels = read_image(content, sample.name)
        except InputError as error:
            on_problem(error.problem)
            continue
        points = finder.of_image(pixels)
        if points is not None:
            yield from _candidate(sample.name, sample.person, RgbPicture(pixels), points)
    for sample in dataset.samples:
        if sample.medium != "video":
            continue
        on_sample(sample.name)
        try:
            with open_source(sample.path, tick=every, sound_window=_SOUND_WINDOW) as source:
                for moment in source:
                    points = finder.of_frame(moment.picture.luma)
                    if points is not None:
                        name = f"{sample.name}@{moment.time:.2f}"
                        yield from _candidate(name, sample.person, moment.picture, points)
        except InputError as error:
            on_problem(error.problem)


class _Finder:
    """Landmarks of the one face in a picture."""

    def __init__(self) -> None:
        self._detector = make_detector(LITE)
        self._landmarker = make_landmarker(LITE.landmark_model)
        self._cutter = FaceCropper(self._detector, self._landmarker)

    def of_frame(self, luma: UInt8Array) -> FloatArray | None:
        found = self._detector.detect(luma, threshold=self._detector.initiation.likely)
        if len(found) != 1:
            return None
        return predict_single(self._landmarker, luma, self._detector.alignments(found[0])[0]).points

    def of_image(self, pixels: UInt8Array) -> FloatArray | None:
        if max(pixels.shape[:2]) <= _FACE_IMAGE:  # little more than a face
            return self._cutter.landmarks(pixels)
        return self.of_frame(RgbPicture(pixels).luma)


def _candidate(
    name: str, person: str, picture: Picture, points: FloatArray
) -> Iterator[MouthCandidate]:
    try:
        window = mouth_window(points)
    except ValueError:  # degenerate landmarks
        return
    yield MouthCandidate(
        name,
        person,
        lip_gap(points),
        picture.crop(window, MOUTH_SIZE, MOUTH_SIZE),
        picture.crop(window.scaled(_VIEW_SCALE), VIEW_SIZE, VIEW_SIZE),
    )

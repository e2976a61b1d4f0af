"""From a folder of raw data to examples for the paper's networks, each kind made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.images import LabelledImage, read_images, read_listed_images
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.datasets.manifest import read_manifest
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.errors import DataError
from sentistream.training.cache import cached, signature
from sentistream.training.chunks import Workshop
from sentistream.training.clips import EVERY, ClipMoments, load_moments, read_moments
from sentistream.training.examples import (
    Examples,
    balanced,
    join,
    load_examples,
    pair_by_label,
)
from sentistream.training.faces import prepare_faces
from sentistream.training.leakage import Twins, find_twins
from sentistream.training.mouths import prepare_mouths
from sentistream.training.parts import Sides
from sentistream.training.voices import prepare_voices
from sentistream.types import SENTIMENTS, UInt8Array

WINDOWS_PER_TAKE = 20
"""How many windows of 30 ms each recording of voice gives."""

VOICES_PER_CLASS = 1_600
"""A third of the paper's 4,800 spectrograms (Table 6)."""

REAL_PAIRS_PER_CLASS = 400
"""Of the fused network's examples, those whose face and voice are one person's."""


_T = TypeVar("_T")
_CLASSES = {"faces": SENTIMENTS, "mouths": MOUTH_STATES}


class Preparation:
    """Makes examples from raw data, each kind once, and keeps them.

    What is kept belongs to the data's files (names, sizes, times of change) and to the version
    of the code; where either changes it is made anew. A run killed in the middle loses no more
    than the pieces being worked on.

    Args:
        data: The folder with the data sets.
        folder: Where prepared examples are kept.
        on_progress: Called with a word on what is being prepared, often.
        jobs: Processes to work in.
        on_problem: Told, once, of each file or image that cannot be read and is left out: while
            it is tried, and again whenever what was made without it is used.
    """

    def __init__(
        self,
        data: Path,
        folder: Path,
        on_progress: Callable[[str], None] = lambda _: None,
        *,
        jobs: int = 1,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._data = data
        self._folder = folder
        self._on_progress = on_progress
        self._jobs = jobs
        self._on_problem = on_problem
        self._told: set[str] = set()
        self._noted: list[list[str]] = []

    def faces(self) -> Sides:
        """Windows of face images, and of the faces in real clips."""
        clips = self._clips(ClipMoments.faces)
        images = self.face_images()
        return Sides(
            join([images.train, clips.train]),
            join([images.held_out, clips.held_out]),
        )

    def mouths(self) -> Sides:
        """Mouth crops, and the mouths in real clips."""
        clips = self._clips(ClipMoments.mouths)
        images = self.mouth_images()
        return Sides(
            join([images.train, clips.train]),
            join([images.held_out, clips.held_out]),
        )

    def voices(self) -> Sides:
        """Voiced windows of RAVDESS speech, classes balanced."""
        sides = self.voice_windows()
        return Sides(
            balanced(sides.train, VOICES_PER_CLASS, seed=1),
            balanced(sides.held_out, VOICES_PER_CLASS // 4, seed=2),
        )

    def pairs(self) -> Sides:
        """Faces with voices: of the same class from image sets and RAVDESS, and real pairs."""
        voices, images = self.voice_windows(), self.face_images()
        clips = self._clips(ClipMoments.pairs)
        train = pair_by_label(
            images.train, voices.train, VOICES_PER_CLASS - REAL_PAIRS_PER_CLASS, 3
        )
        held_out = pair_by_label(images.held_out, voices.held_out, VOICES_PER_CLASS // 4, 4)
        return Sides(
            join([train, balanced(clips.train, REAL_PAIRS_PER_CLASS, seed=5)]),
            join([held_out, clips.held_out]),
        )

    def face_images(self) -> Sides:
        """Windows of face images alone."""

        def side(split: str) -> Examples:
            def make(work: Path) -> Examples:
                return prepare_faces(
                    self._images("faces", split),
                    backgrounds=split == "train",
                    seed=1,
                    workshop=self._workshop(work, "faces"),
                )

            return self._examples(f"faces-{split}", self._image_files("faces"), make)

        return Sides(side("train"), side("validation"))

    def mouth_images(self) -> Sides:
        """Mouth crops of image sets alone."""

        def side(split: str) -> Examples:
            return self._examples(
                f"mouths-{split}",
                self._image_files("mouths"),
                lambda _: prepare_mouths(self._images("mouths", split)),
            )

        return Sides(side("train"), side("validation"))

    def voice_windows(self) -> Sides:
        """Voiced windows of RAVDESS speech, as many of each recording."""
        recordings = ravdess(self._data / "ravdess_speech")

        def side(name: str, seed: int, *, held_out: bool) -> Examples:
            chosen = of_side(recordings, held_out=held_out)
            return self._examples(
                f"voices-{name}",
                [recording.path for recording in chosen],
                lambda work: prepare_voices(
                    chosen, WINDOWS_PER_TAKE, seed, workshop=self._workshop(work, "voices")
                ),
                windows=WINDOWS_PER_TAKE,
                seed=seed,
            )

        return Sides(side("train", 1, held_out=False), side("held-out", 2, held_out=True))

    def clip_moments(self, *, held_out: bool) -> ClipMoments:
        """What is seen and heard at the moments of Java-SED's clips."""
        chosen = of_side(java_sed(self._data / "javased"), held_out=held_out)
        return self._cached(
            f"clips-{'held-out' if held_out else 'train'}",
            self._signature([recording.path for recording in chosen], every=EVERY),
            lambda work: read_moments(chosen, workshop=self._workshop(work, "clips")),
            ClipMoments.save,
            load_moments,
        )

    def twins(self, name: str) -> Twins:
        """Images of ``faces`` or ``mouths`` that look the same, and which training gives up."""

        def make(_: Path) -> Twins:
            def images() -> Iterator[tuple[UInt8Array, str]]:
                for image in self._all_images(name):
                    self._on_progress(f"twins among {name}")
                    yield image.pixels, image.split

            return find_twins(images())

        key = self._signature(self._image_files(name))
        return self._cached(f"twins-{name}", key, make, Twins.save, Twins.load)

    def _clips(self, select: Callable[[ClipMoments], Examples]) -> Sides:
        return Sides(
            select(self.clip_moments(held_out=False)), select(self.clip_moments(held_out=True))
        )

    def _images(self, name: str, split: str) -> Iterator[LabelledImage]:
        """Of one part of an image set; of training without twins of the other parts."""
        dropped = set(self.twins(name).dropped.tolist()) if split == "train" else set()
        empty = True
        for position, image in enumerate(self._all_images(name)):
            if image.split == split and position not in dropped:
                empty = False
                yield image
        if empty:
            raise DataError(
                f"The image set {self._data / name} has no images of the part {split!r}.",
                "Its column split says train or validation.",
            )

    def _all_images(self, name: str) -> Iterator[LabelledImage]:
        """Of the Parquet set, and of the manifest beside it, where they are."""
        parquet, manifest = (self._data / f"{name}.{suffix}" for suffix in ("parquet", "csv"))
        if parquet.exists():
            yield from read_images(parquet, self._note)
        if manifest.exists():
            yield from read_listed_images(manifest, _CLASSES[name], self._note)

    def _image_files(self, name: str) -> list[Path]:
        parquet, manifest = (self._data / f"{name}.{suffix}" for suffix in ("parquet", "csv"))
        files = [parquet] if parquet.exists() or not manifest.exists() else []
        if manifest.exists():
            items, _ = read_manifest(manifest, _CLASSES[name])
            files += [manifest, *(item.path for item in items if item.path.exists())]
        return files

    def _examples(
        self, name: str, files: list[Path], make: Callable[[Path], Examples], **settings: object
    ) -> Examples:
        key = self._signature(files, **settings)
        return self._cached(name, key, make, Examples.save, load_examples)

    def _cached(
        self,
        name: str,
        key: str,
        make: Callable[[Path], _T],
        save: Callable[[_T, Path], None],
        load: Callable[[Path], _T],
    ) -> _T:
        """As ``cached``; what could not be read for it is kept beside it, and told."""
        record = self._folder / f"{name}-{key}.unread"

        def noting(work: Path) -> _T:
            self._noted.append([])
            try:
                made = make(work)
            finally:
                problems = list(dict.fromkeys(self._noted.pop()))
            record.unlink(missing_ok=True)
            if problems:
                self._folder.mkdir(parents=True, exist_ok=True)
                record.write_text(json.dumps(problems), encoding="utf-8")
            return made

        found = cached(self._folder, name, key, noting, save, load)
        if record.exists():
            for problem in json.loads(record.read_text(encoding="utf-8")):
                self._note(problem)
        return found

    def _note(self, problem: str) -> None:
        """Something cannot be read, and is left out."""
        if self._noted:
            self._noted[-1].append(problem)
        if problem not in self._told:
            self._told.add(problem)
            self._on_problem(problem)

    def _signature(self, files: list[Path], **settings: object) -> str:
        for path in files:
            if not path.exists():
                raise DataError(
                    f"There is no {path}.", "docs/training.md says what the data folder holds."
                )
        return signature(files, self._data, **settings)

    def _workshop(self, folder: Path, what: str) -> Workshop:
        return Workshop(folder, self._jobs, lambda: self._on_progress(what), self._note)


def of_side(recordings: list[Recording], *, held_out: bool) -> list[Recording]:
    """Those of people who are held out, or of the others."""
    return [entry for entry in recordings if (entry.person in HELD_OUT_PEOPLE) == held_out]

"""Reading the data folder and caching what is prepared from it.

The functions that make examples of each kind are in ``face_examples``, ``voice_examples``,
``clip_examples`` and so on; they take a ``Preparation``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from sentistream.datasets.images import LabelledImage, read_images, read_listed_images
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.datasets.manifest import read_manifest
from sentistream.errors import DataError
from sentistream.training.examples import Examples, load_examples
from sentistream.training.splits import NearDuplicates, Splits, find_near_duplicates
from sentistream.training.worker_pool import WorkerPool
from sentistream.types import SENTIMENTS, UInt8Array
from sentistream.vision.dlib_landmarks import landmark_file

PREPARATION_VERSION = 4
"""Raised whenever the same data would be prepared differently."""

OnProgress = Callable[[str], None]
"""Called often with a word on what is being prepared."""

OnProblem = Callable[[str], None]
"""Called with a sentence for each file or image that cannot be read and is left out."""

_KEY_LENGTH = 16
_CLASSES = {"faces": SENTIMENTS, "mouths": MOUTH_STATES}
_T = TypeVar("_T")


class Preparation:
    """Reads raw data, and keeps what is made of it.

    A cached file belongs to the names, sizes and modification times of its data and to
    ``PREPARATION_VERSION``; when one of them changes, it is made again. A killed run loses only
    the chunks in progress.

    Args:
        data: The folder with the data sets.
        folder: For cached examples.
        on_progress: Called often with a word on what is being prepared.
        jobs: Number of worker processes.
        on_problem: Called once for each file or image that cannot be read and is left out: when
            it is tried, and again when examples made without it are loaded.
    """

    def __init__(
        self,
        data: Path,
        folder: Path,
        on_progress: OnProgress = lambda _: None,
        *,
        jobs: int = 1,
        on_problem: OnProblem = lambda _: None,
    ) -> None:
        self.data = data
        self.on_progress = on_progress
        self._folder = folder
        self._jobs = jobs
        self._on_problem = on_problem
        self._reported: set[str] = set()
        self._problems: list[list[str]] = []

    def on_problem(self, problem: str) -> None:
        """Reports something that cannot be read and is left out."""
        if self._problems:
            self._problems[-1].append(problem)
        if problem not in self._reported:
            self._reported.add(problem)
            self._on_problem(problem)

    def images(self, name: str, split: str) -> Iterator[LabelledImage]:
        """Images of ``faces`` or ``mouths``; no training image looks like one outside training.

        Raises:
            DataError: The image set has no images in this split.
        """
        dropped = set(self.near_duplicates(name).dropped.tolist()) if split == "train" else set()
        empty = True
        for position, image in enumerate(self._all_images(name)):
            if image.split == split and position not in dropped:
                empty = False
                yield image
        if empty:
            raise DataError(
                f"The image set {self.data / name} has no images in the split {split!r}.",
                "Its column split says train or validation.",
            )

    def image_splits(self, make: Callable[[str], Examples]) -> Splits:
        """The examples that ``make`` gives for the splits of an image set."""
        return Splits(make("train"), make("validation"))

    def image_files(self, name: str) -> list[Path]:
        """The files of the image set ``faces`` or ``mouths``."""
        parquet, manifest = (self.data / f"{name}.{suffix}" for suffix in ("parquet", "csv"))
        files = [parquet] if parquet.exists() or not manifest.exists() else []
        if manifest.exists():
            items, _ = read_manifest(manifest, _CLASSES[name])
            files += [manifest, *(item.path for item in items if item.path.exists())]
        return files

    def near_duplicates(self, name: str) -> NearDuplicates:
        """Images of ``faces`` or ``mouths`` that look the same."""

        def make(_: Path) -> NearDuplicates:
            def images() -> Iterator[tuple[UInt8Array, str]]:
                for image in self._all_images(name):
                    self.on_progress(f"near-duplicates among {name}")
                    yield image.pixels, image.split

            return find_near_duplicates(images())

        files = self.image_files(name)
        return self.cached(f"twins-{name}", files, make, NearDuplicates.save, NearDuplicates.load)

    def examples(
        self,
        name: str,
        files: Iterable[Path],
        make: Callable[[Path], Examples],
        **settings: object,
    ) -> Examples:
        """Examples from the cache, or made and cached; see ``cached``."""
        return self.cached(name, files, make, Examples.save, load_examples, **settings)

    def cached(
        self,
        name: str,
        files: Iterable[Path],
        make: Callable[[Path], _T],
        save: Callable[[_T, Path], None],
        load: Callable[[Path], _T],
        **settings: object,
    ) -> _T:
        """A value from the cache, or made and cached; earlier versions of it are removed.

        Args:
            name: The value's name in the cache.
            files: The data it is made of.
            make: Takes a folder for finished chunks, which survives a kill and is removed at
                the end.
            save, load: Write the value to a file and read it.
            settings: Whatever else decides about the value.

        Raises:
            DataError: A file is missing.
        """
        key = self._key(list(files), **settings)
        path, record = (self._folder / f"{name}-{key}.{kind}" for kind in ("npz", "unread"))
        if not path.exists():
            work = self._folder / f"{name}-{key}.work"
            save(self._make_and_record(make, work, record), path)
            self._remove_earlier(name, path)
        value = load(path)
        if record.exists():
            for problem in json.loads(record.read_text(encoding="utf-8")):
                self.on_problem(problem)
        return value

    def pool(self, folder: Path, what: str) -> WorkerPool:
        """Worker processes.

        Args:
            folder: For finished chunks.
            what: Is being prepared, for ``on_progress``.
        """
        return WorkerPool(folder, self._jobs, lambda: self.on_progress(what), self.on_problem)

    def _all_images(self, name: str) -> Iterator[LabelledImage]:
        """Images of the Parquet file, and of the manifest beside it, if they exist."""
        parquet, manifest = (self.data / f"{name}.{suffix}" for suffix in ("parquet", "csv"))
        if parquet.exists():
            yield from read_images(parquet, self.on_problem)
        if manifest.exists():
            yield from read_listed_images(manifest, _CLASSES[name], self.on_problem)

    def _make_and_record(self, make: Callable[[Path], _T], work: Path, record: Path) -> _T:
        """Makes a value, and writes down what could not be read for it."""
        self._problems.append([])
        try:
            made = make(work)
        finally:
            problems = list(dict.fromkeys(self._problems.pop()))
        record.unlink(missing_ok=True)
        if problems:
            self._folder.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(problems), encoding="utf-8")
        return made

    def _remove_earlier(self, name: str, path: Path) -> None:
        for other in self._folder.glob(f"{name}-{'?' * _KEY_LENGTH}.*"):
            if other.suffix == ".work":
                shutil.rmtree(other, ignore_errors=True)
            elif other.stem != path.stem and other.suffix in (".npz", ".unread"):
                other.unlink(missing_ok=True)

    def _key(self, files: list[Path], **settings: object) -> str:
        """A key that changes with the data, the settings, and the code that prepares."""
        for path in files:
            if not path.exists():
                raise DataError(
                    f"There is no {path}.", "docs/training.md says what the data folder holds."
                )
        landmarks = landmark_file()
        facts = {
            "version": PREPARATION_VERSION,
            "landmarks": [landmarks.name, landmarks.stat().st_size],
            "settings": {key: repr(value) for key, value in settings.items()},
            "files": sorted(
                (os.path.relpath(path, self.data), state.st_size, state.st_mtime_ns)
                for path in files
                for state in [path.stat()]
            ),
        }
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]

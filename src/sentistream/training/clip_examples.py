"""Moments of real clips, found by the code that runs live."""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.csv_lists import read_csv_list
from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording, java_sed
from sentistream.errors import DataError
from sentistream.media import open_source
from sentistream.profiles import LITE, PAPER
from sentistream.training.examples import (
    Arrays,
    Examples,
    examples_from,
    file_key,
    load_arrays,
    save_arrays,
)
from sentistream.training.preparation import Preparation
from sentistream.training.splits import Splits, select_split
from sentistream.training.worker_pool import WorkerPool
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.crops import FACE_SIZE, MOUTH_SIZE, face_window, mouth_window
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import lip_gap
from sentistream.vision.hog_detector import HogDetector
from sentistream.voice import spectrogram

MOMENT_STEP = 4
"""Every fourth moment is used; those between look nearly the same."""

OPEN_GAP, CLOSED_GAP = 0.15, 0.06
"""Lip gap over eye distance above which a mouth counts as open, and below which as closed.

By looking at Java-SED's mouths: in between, landmarks of faces this small do not decide.
"""

VOICED_RMS = 10 ** (-50 / 20)
"""Sound below this (-50 dB of full scale) counts as nobody speaking."""

_CHUNK = 4


@dataclass(frozen=True, slots=True)
class ClipMoments:
    """Inputs of the paper's networks at moments of clips.

    Attributes:
        face, mouth: Windows, shape (N, 96, 96, 3) and (N, 28, 28, 3).
        spectrogram: Columns with sound, shape (N, 400, 2, 3); meaningless where not voiced.
        voiced: Whether somebody can be heard, shape (N,).
        lip_gap: Distance of the inner lips over that of the eyes, shape (N,).
        label: The clip's class number, -1 where its emotion is none of the three sentiments.
        people: The person, shape (N,).
        clip: A key of the clip's content, shape (N,).
    """

    face: UInt8Array
    mouth: UInt8Array
    spectrogram: UInt8Array
    voiced: NDArray[np.bool_]
    lip_gap: FloatArray
    label: NDArray[np.int64]
    people: NDArray[np.str_]
    clip: NDArray[np.str_]

    def faces(self) -> Examples:
        """Face windows with their clip's sentiment."""
        return self._examples(("face",), self.label >= 0, self.label)

    def pairs(self) -> Examples:
        """Face windows and spectrograms of people who speak, with their clip's sentiment."""
        chosen = (self.label >= 0) & self.voiced & (self.lip_gap > CLOSED_GAP)
        return self._examples(("face", "spectrogram"), chosen, self.label)

    def mouths(self) -> Examples:
        """Mouth windows that are clearly open (label 1) or closed (label 0) by their lip gap."""
        clear = (self.lip_gap < CLOSED_GAP) | (self.lip_gap > OPEN_GAP)
        return self._examples(("mouth",), clear, (self.lip_gap > OPEN_GAP).astype(np.int64))

    def _examples(
        self, inputs: tuple[str, ...], chosen: NDArray[np.bool_], labels: NDArray[np.int64]
    ) -> Examples:
        sources = np.array([person.rsplit("-", 1)[0] for person in self.people.tolist()])
        return Examples(
            inputs={name: getattr(self, name)[chosen] for name in inputs},
            labels=labels[chosen],
            people=self.people[chosen],
            sources=sources[chosen],
            clips=self.clip[chosen],
        )

    def save(self, path: Path) -> None:
        """Writes one NumPy archive."""
        save_arrays(path, {entry.name: getattr(self, entry.name) for entry in fields(self)})


def load_moments(path: Path) -> ClipMoments:
    """Reads what ``ClipMoments.save`` wrote."""
    return ClipMoments(**load_arrays(path))


def read_moments(
    recordings: Sequence[Recording],
    pool: WorkerPool | None = None,
) -> ClipMoments:
    """The moments of clips at which exactly one face is seen, in order.

    Raises:
        DataError: No clip has such a moment.
        InputError: A clip cannot be read.
    """
    pool = pool or WorkerPool()
    chunks = [read for _, read in pool.map(_read_chunk, recordings, _CHUNK) if read]
    if not chunks:
        raise DataError(
            f"None of {len(recordings)} clips shows exactly one face.",
            "Use clips of one person who looks at the camera.",
        )
    return ClipMoments(
        **{
            entry.name: np.concatenate([one[entry.name] for one in chunks])
            for entry in fields(ClipMoments)
        }
    )


@functools.cache
def _dlib_models() -> tuple[HogDetector, LandmarkPredictor]:
    return HogDetector(), LandmarkPredictor()


def _read_chunk(recordings: Sequence[Recording]) -> Arrays:
    """Empty where no moment is usable."""
    rows = [row for recording in recordings for row in _rows(recording)]
    columns = [np.array(values) for values in zip(*rows, strict=True)]
    return {entry.name: column for entry, column in zip(fields(ClipMoments), columns, strict=False)}


def _rows(recording: Recording) -> Iterator[tuple[Any, ...]]:
    detector, predictor = _dlib_models()
    label = -1 if recording.sentiment is None else class_number(recording.sentiment)
    key = file_key(recording.path)
    with open_source(recording.path, tick=PAPER.tick, sound_window=PAPER.sound_window) as source:
        for moment in itertools.islice(source, 0, None, MOMENT_STEP):
            luma = moment.picture.luma
            found = detector.detect(luma)
            if len(found) != 1:
                continue
            points = predictor.predict(luma, found[0].box)
            sound = np.zeros(spectrogram.SAMPLES, np.float32)
            if moment.sound is not None:
                sound = moment.sound
            yield (
                moment.picture.crop(face_window(points), FACE_SIZE, FACE_SIZE),
                moment.picture.crop(mouth_window(points), MOUTH_SIZE, MOUTH_SIZE),
                spectrogram.columns(sound),
                bool(np.sqrt(np.mean(sound**2)) > VOICED_RMS),
                np.float32(lip_gap(points)),
                label,
                recording.person,
                key,
            )


def clip_moments(preparation: Preparation, *, held_out: bool) -> ClipMoments:
    """Moments of the Java-SED clips of one split, for the paper's networks."""
    clips = java_sed_clips(preparation, held_out=held_out)
    return preparation.cached(
        f"clips-{'held-out' if held_out else 'train'}",
        [clip.path for clip in clips],
        lambda work: read_moments(clips, preparation.pool(work, "clips")),
        ClipMoments.save,
        load_moments,
        every=MOMENT_STEP,
    )


def clip_splits(preparation: Preparation, select: Callable[[ClipMoments], Examples]) -> Splits:
    """Examples that ``select`` takes from the clip moments of both splits."""
    return Splits(
        select(clip_moments(preparation, held_out=False)),
        select(clip_moments(preparation, held_out=True)),
    )


def java_sed_clips(preparation: Preparation, *, held_out: bool) -> list[Recording]:
    """The Java-SED clips of one split."""
    return select_split(java_sed(preparation.data / "javased"), held_out=held_out)


def lite_clip_examples(
    preparation: Preparation,
    name: str,
    clips: Sequence[Recording],
    read: Callable[[Sequence[tuple[Recording, bool]]], Arrays],
    *,
    held_out: bool,
    input_name: str = "face",
    labels: np.dtype[Any],
) -> Examples:
    """Cached examples of clips for a ``lite`` network.

    Args:
        preparation: Has the cache.
        name: The examples' name in the cache.
        clips: Of one split.
        read: Makes arrays of clips, each with whether it is for training.
        held_out: Of which split they are.
        input_name: The network's.
        labels: Type of the labels.
    """

    def make(work: Path) -> Examples:
        items = [(clip, not held_out) for clip in clips]
        chunks = preparation.pool(work, "clips").map(read, items, _CHUNK)
        return examples_from(input_name, (arrays for _, arrays in chunks), labels)

    files = [clip.path for clip in clips]
    return preparation.examples(f"{name}-{held_out}", files, make, every=MOMENT_STEP)


def single_face_moments(clip: Recording) -> Iterator[tuple[UInt8Array, Any, str]]:
    """Brightness, landmarks and the clip's key at moments with exactly one face."""
    detector, predictor = _dlib_models()
    key = file_key(clip.path)
    with open_source(clip.path, tick=LITE.tick, sound_window=LITE.sound_window) as source:
        for moment in itertools.islice(source, 0, None, MOMENT_STEP):
            luma = moment.picture.luma
            found = detector.detect(luma)
            if len(found) == 1:
                yield luma, predictor.predict(luma, found[0].box), key


def person_and_source(recording: Recording) -> tuple[str, str]:
    """The person, and the corpus that the person's name begins with."""
    return recording.person, recording.person.rsplit("-", 1)[0]


def everyday_clips(folder: Path, *, held_out: bool) -> Iterator[tuple[Path, str, str]]:
    """Path, person and label (may be empty) of the everyday clips of one split.

    Args:
        folder: With the clips and ``manifest.csv`` (path, corpus, person, label).
        held_out: Whether clips of held-out people, or of others.

    Raises:
        InputError: The manifest cannot be read.
    """
    for row in read_csv_list(folder / "manifest.csv", ("path", "corpus", "person", "label")).rows():
        corpus, person = row.values["corpus"], row.values["person"]
        if is_everyday_held_out(corpus, person) == held_out:
            yield folder / row.values["path"], f"{corpus}-{person}", row.values.get("label", "")


def is_everyday_held_out(corpus: str, person: str) -> bool:
    """Whether a person of the everyday clips is held out: about half of them, never to change."""
    return zlib.crc32(f"{corpus}/{person}".encode()) % 2 == 1

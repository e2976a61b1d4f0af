"""Moments of real clips, cut by the very code that runs live."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording
from sentistream.errors import DataError
from sentistream.media import open_source
from sentistream.profiles import PAPER
from sentistream.training.chunks import Arrays, Workshop
from sentistream.training.examples import Examples, save_arrays
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.crops import FACE_SIZE, MOUTH_SIZE, face_window, mouth_window
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import lip_gap
from sentistream.vision.hog_detector import HogDetector
from sentistream.voice import spectrogram

EVERY = 4
"""One moment in so many is kept: those between look nearly the same."""

OPEN_GAP, CLOSED_GAP = 0.15, 0.06
"""Lip gap over eye distance from which a mouth counts as open, and below which as closed.

By looking at Java-SED's mouths: between the two, the landmarks of faces this small do not tell.
"""

_CHUNK = 4

VOICED_RMS = 10 ** (-50 / 20)
"""Quieter sound than this (-50 dB of full scale) counts as nobody speaking."""


@dataclass(frozen=True, slots=True)
class ClipMoments:
    """What the networks would see and hear at the moments of clips.

    Attributes:
        face, mouth: Windows, shape (N, 96, 96, 3) and (N, 28, 28, 3).
        spectrogram: Sounding columns, shape (N, 400, 2, 3); meaningless where not voiced.
        voiced: Whether somebody can be heard, shape (N,).
        lip_gap: As ``lip_gap`` measures it, shape (N,).
        label: The clip's class number, -1 where its emotion is none of the three sentiments.
        people: Who it is, shape (N,).
        clip: What stands for the clip's content, shape (N,).
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
        """Face windows with a mouth not closed, with the voice heard and the clip's sentiment."""
        chosen = (self.label >= 0) & self.voiced & (self.lip_gap > CLOSED_GAP)
        return self._examples(("face", "spectrogram"), chosen, self.label)

    def mouths(self) -> Examples:
        """Mouth windows whose lip gap says clearly whether they are open (label 1)."""
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
        """As one NumPy archive."""
        save_arrays(path, {entry.name: getattr(self, entry.name) for entry in fields(self)})


def load_moments(path: Path) -> ClipMoments:
    """What ``ClipMoments.save`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return ClipMoments(**{name: archive[name] for name in archive.files})


def read_moments(
    recordings: Sequence[Recording],
    on_progress: Callable[[], None] = lambda: None,
    workshop: Workshop | None = None,
) -> ClipMoments:
    """The moments of clips at which exactly one face is seen, one clip after the other.

    Args:
        on_progress: Called after each clip.
        workshop: How to work on many clips at once; the outcome is the same.

    Raises:
        DataError: In none of them exactly one face is seen.
        InputError: A clip cannot be read.
    """
    workshop = workshop or Workshop(on_item=on_progress)
    chunks = [read for _, read in workshop.map(_read_chunk, recordings, _CHUNK) if read]
    if not chunks:
        raise DataError(
            f"In none of {len(recordings)} clips exactly one face is seen.",
            "Give clips of one person who looks at the camera.",
        )
    return ClipMoments(
        **{
            entry.name: np.concatenate([one[entry.name] for one in chunks])
            for entry in fields(ClipMoments)
        }
    )


@functools.cache
def _finders() -> tuple[HogDetector, LandmarkPredictor]:
    return HogDetector(), LandmarkPredictor()


def _read_chunk(recordings: Sequence[Recording]) -> Arrays:
    """Nothing at all where no moment is usable."""
    rows = [row for recording in recordings for row in _rows(recording)]
    columns = [np.array(values) for values in zip(*rows, strict=True)]
    return {entry.name: column for entry, column in zip(fields(ClipMoments), columns, strict=False)}


def _rows(recording: Recording) -> Iterator[tuple[Any, ...]]:
    detector, predictor = _finders()
    label = -1 if recording.sentiment is None else class_number(recording.sentiment)
    with recording.path.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    with open_source(recording.path, tick=PAPER.tick, sound_window=PAPER.sound_window) as source:
        for moment in itertools.islice(source, 0, None, EVERY):
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

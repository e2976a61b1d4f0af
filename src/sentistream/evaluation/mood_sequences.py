"""Sequences of changing mood, concatenated from labelled clips, and the networks' outputs.

One face is tracked through the whole sequence, and its sound continues, so that an accumulation
method has to detect the change of mood itself.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.datasets.manifest import Item
from sentistream.decision.expressions import EXPRESSION_INTERVAL
from sentistream.decision.lite import LiteDecision
from sentistream.errors import OutputError, skip_failures
from sentistream.media import open_source
from sentistream.profiles import Profile
from sentistream.runtime import load_card, load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import Face, FloatArray, Moment, Picture
from sentistream.values import ByValue
from sentistream.vision.face_detector import make_detector
from sentistream.vision.face_tracker import FaceTracker
from sentistream.vision.landmarker import make_landmarker

PART_SECONDS = 3.0
"""Most seconds of one clip in a sequence."""

SEQUENCE_CLIPS = 24
"""Most clips in a sequence: one to two minutes."""

PERSON_CLIPS = 12
"""Number of clips from which a person gets separate sequences."""

TEMPOS = {"quick": (1, 2), "slow": (4, 4)}
"""Fewest and most consecutive clips of one mood: moods of about 3 to 6, and of about 12
seconds."""

ORDERS = 1
"""Number of orders in which the clips of a person or group are concatenated."""

TICK = EXPRESSION_INTERVAL
"""Seconds between the moments of a sequence: the interval of the face network."""


@dataclass(frozen=True, slots=True)
class MoodSequence:
    """Clips played one after the other.

    Attributes:
        name: Whose, and in which order.
        tempo: How soon the mood changes: one of ``TEMPOS``; empty for a clip by itself.
        items: The clips.
    """

    name: str
    tempo: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSequence(ByValue):
    """Outputs of the face and voice networks for each face at each moment, before fusion.

    Attributes:
        name: Of the clip or sequence.
        tempo: How soon the mood changes, as in ``MoodSequence``.
        items: The clips that were played.
        times: Seconds, not falling, shape (N,).
        tracks: Whose face, shape (N,).
        clips: Which of ``items`` was playing, shape (N,).
        face, voice: Distributions, shape (N, 3).
        trust: How far the voice was trusted, 0 to 1, shape (N, 1).
        starts: When each clip began, seconds, and when the last ended; shape (clips + 1,).
    """

    name: str
    tempo: str
    items: tuple[Item, ...]
    times: NDArray[np.float64]
    tracks: NDArray[np.int64]
    clips: NDArray[np.int64]
    face: FloatArray
    voice: FloatArray
    trust: FloatArray
    starts: NDArray[np.float64]

    @property
    def truth(self) -> NDArray[np.int64]:
        """The class of each moment, shape (N,)."""
        return np.array([item.label for item in self.items], np.int64)[self.clips]


def make_sequences(items: Sequence[Item]) -> list[MoodSequence]:
    """Clips in orders of changing mood, drawn at random but the same each time.

    A person who shows at least two moods in ``PERSON_CLIPS`` or more clips gets separate
    sequences; all others of one data set share theirs.
    """
    by_person: dict[str, list[Item]] = {}
    for item in items:
        by_person.setdefault(item.person, []).append(item)
    groups: dict[tuple[str, str], list[Item]] = {}
    for person, own in by_person.items():
        alone = bool(person) and len(own) >= PERSON_CLIPS and len({one.label for one in own}) > 1
        whose = person if alone else "several people"
        groups.setdefault((own[0].source, whose), []).extend(own)
    found = []
    for ((source, whose), members), tempo, order in itertools.product(
        groups.items(), TEMPOS, range(ORDERS)
    ):
        name = f"{source}, {whose}, {tempo}, order {order + 1}"
        random = np.random.default_rng(zlib.crc32(name.encode()))
        strung = _alternate_moods(members, TEMPOS[tempo], random)
        count = math.ceil(len(strung) / SEQUENCE_CLIPS)
        for part in range(count):
            begin, end = len(strung) * part // count, len(strung) * (part + 1) // count
            if len({item.label for item in strung[begin:end]}) > 1:
                found.append(MoodSequence(f"{name}, part {part + 1}", tempo, strung[begin:end]))
    return found


def _alternate_moods(
    items: Sequence[Item], in_a_row: tuple[int, int], random: np.random.Generator
) -> tuple[Item, ...]:
    """Runs of this many clips of one mood, then of another, as long as there are others."""
    left: dict[int, list[Item]] = {}
    for place in random.permutation(len(items)):
        left.setdefault(items[place].label, []).append(items[place])
    strung: list[Item] = []
    last = -1
    while left:
        others = [label for label in left if label != last] or list(left)
        # in proportion to what is left, so that the most common is not left over
        counts = np.array([len(left[label]) for label in others], np.float64)
        last = int(random.choice(others, p=counts / counts.sum()))
        for _ in range(int(random.integers(in_a_row[0], in_a_row[1] + 1))):
            if last in left:
                strung.append(left[last].pop())
                if not left[last]:
                    del left[last]
    return tuple(strung)


class LargestFaceTracker:
    """Tracks the largest face as one person, even across cuts."""

    def __init__(self, profile: Profile) -> None:
        self._tracker = FaceTracker(
            make_detector(profile), make_landmarker(profile.landmark_model), max_faces=1
        )
        self.left_out = 0

    def update(self, picture: Picture, time: float) -> Sequence[Face]:
        """The face, as track 1, if one is found."""
        faces = self._tracker.update(picture, time)
        return [replace(face, track=1) for face in faces[:1]]

    def reset(self, *, renumber: bool = False) -> None:
        """Forgets it."""
        self._tracker.reset(renumber=renumber)


class _FusionRecorder:
    """Wraps the fusion network and keeps its latest inputs."""

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self.inputs: dict[str, NDArray[np.float32]] | None = None

    def run(self, **inputs: NDArray[np.float32]) -> FloatArray:
        self.inputs = inputs
        return self._network.run(**inputs)


def record_sequences(
    sequences: Iterable[MoodSequence],
    profile: Profile,
    cache: Path,
    *,
    one_face: bool,
    max_seconds: float = math.inf,
    on_problem: Callable[[str], None] = lambda _: None,
) -> Iterator[RecordedSequence]:
    """Plays sequences through the networks of a profile that decides as ``lite`` does.

    Recorded outputs are kept in files and reused while clips and networks stay the same, so that
    a stopped run continues.

    Args:
        sequences: To play; one with a clip that cannot be read, or without a face, is skipped.
        profile: Whose networks.
        cache: Folder for what is recorded; made if needed.
        one_face: Track the largest face as one through all clips; else use the normal tracks.
        max_seconds: Of each clip.
        on_problem: Called with each problem.

    Raises:
        OutputError: The folder cannot be written.
    """
    tap = _FusionRecorder(load_network(profile.fused_model))
    decision = LiteDecision(profile, fusion=tap)
    analyzer = Analyzer(
        profile, decision=decision, tracker=LargestFaceTracker(profile) if one_face else None
    )
    settings = [
        *(load_card(name).sha256 for name in profile.models),
        *(repr(value) for value in (profile.tick, profile.time_constant, one_face, max_seconds)),
    ]
    for sequence in sequences:
        file = cache / f"{_cache_key(sequence, settings)}.npz"
        if not file.exists():
            columns = _record_one(sequence, analyzer, tap, max_seconds, on_problem)
            if columns is None:
                continue
            _save_columns(file, columns)
        with np.load(file) as columns:
            yield RecordedSequence(sequence.name, sequence.tempo, sequence.items, **columns)


def _cache_key(sequence: MoodSequence, settings: Sequence[str]) -> str:
    """A key that changes with whatever changes the recording."""
    clips = []
    for item in sequence.items:
        with skip_failures(item.path, lambda _: None):
            facts = item.path.stat()
            clips.append(f"{item.path.resolve()} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join([*settings, *clips]).encode()).hexdigest()[:24]


def _save_columns(file: Path, columns: dict[str, NDArray[Any]]) -> None:
    partial = file.with_suffix(".partial.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(partial, allow_pickle=False, **columns)
        partial.replace(file)
    except OSError as error:
        raise OutputError(
            f"Cannot write {file.parent}: {error.strerror}.", "Choose another folder with --out."
        ) from None


def _record_one(
    sequence: MoodSequence,
    analyzer: Analyzer,
    tap: _FusionRecorder,
    max_seconds: float,
    on_problem: Callable[[str], None],
) -> dict[str, NDArray[Any]] | None:
    """The columns of ``RecordedSequence``; None if a clip cannot be read or no face is read."""
    analyzer.reset(renumber=True)
    profile = analyzer.profile
    rows: list[tuple[float, int, int, FloatArray, FloatArray, FloatArray]] = []
    starts = [0.0]
    problems: list[str] = []
    for place, item in enumerate(sequence.items):
        end = starts[-1]
        with skip_failures(item.path, problems.append):
            for moment in _clip_moments(item, profile, starts[-1], max_seconds):
                tap.inputs = None
                readings = analyzer.process(moment)
                end = moment.time + profile.tick
                # the fusion's inputs are in the order of the faces, their latest look first
                judged = [one.track for one in readings if one.momentary is not None]
                for index, track in enumerate(judged):
                    if tap.inputs is not None and track is not None:
                        inputs = tap.inputs
                        rows.append(
                            (
                                moment.time,
                                track,
                                place,
                                inputs["face"][index],
                                inputs["voice"][index],
                                inputs["trust"][index],
                            )
                        )
        starts.append(end)
    for problem in problems:
        on_problem(problem)
    if problems or not rows:
        return None
    times, tracks, clips, face, voice, trust = zip(*rows, strict=True)
    return {
        "times": np.array(times),
        "tracks": np.array(tracks, np.int64),
        "clips": np.array(clips, np.int64),
        "face": np.array(face, np.float32),
        "voice": np.array(voice, np.float32),
        "trust": np.array(trust, np.float32),
        "starts": np.array(starts),
    }


def _clip_moments(item: Item, profile: Profile, start: float, most: float) -> Iterator[Moment]:
    """Moments of a clip on the sequence's clock."""
    with open_source(item.path, tick=profile.tick, sound_window=profile.sound_window) as source:
        first: float | None = None
        for moment in source:
            first = moment.time if first is None else first
            if moment.time - first >= most:
                break
            shift = start - first
            yield replace(
                moment, time=moment.time + shift, picture_time=moment.picture_time + shift
            )

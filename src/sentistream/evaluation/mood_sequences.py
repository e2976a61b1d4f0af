"""Minutes of changing mood, strung together from labelled clips, and what was said at each moment.

One face is followed through the whole sequence, and its sound goes on, so that what adds up over
time has to notice by itself that the mood is another one.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.datasets.manifest import Item
from sentistream.decision.expressions import LOOK_EVERY
from sentistream.decision.lite import LiteDecision
from sentistream.errors import passed_over
from sentistream.media import open_source
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.asking import Asking, Runnable
from sentistream.types import Face, FloatArray, Moment, Picture
from sentistream.values import ByValue
from sentistream.vision.detector import make_detector
from sentistream.vision.landmarker import make_landmarker
from sentistream.vision.tracker import FaceTracker

PART_SECONDS = 5.0
"""Most seconds of one clip in a sequence."""

SEQUENCE_CLIPS = 16
"""Most clips in a sequence: about a minute."""

MOOD_CLIPS = 2
"""Most clips of one mood in a row, before it changes."""

ORDERS = 2
"""In how many orders the clips of a person or group are strung together."""

TICK = LOOK_EVERY
"""Seconds between the moments of a sequence: as often as expressions are looked at."""


@dataclass(frozen=True, slots=True)
class MoodSequence:
    """Clips played one after the other.

    Attributes:
        name: Whose, and in which order.
        items: The clips.
    """

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recorded(ByValue):
    """What face and voice networks said of each face at each moment, before they were joined.

    Attributes:
        name: Of the clip or sequence.
        items: The clips that were played.
        times: Seconds, not falling, shape (N,).
        tracks: Whose face, shape (N,).
        clips: Which of ``items`` was playing, shape (N,).
        face, voice: Distributions, shape (N, 3).
        trust: How far the voice was trusted, 0 to 1, shape (N, 1).
        starts: When each clip began, seconds, and when the last ended; shape (clips + 1,).
    """

    name: str
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

    Those of a person who shows at least two moods in ``SEQUENCE_CLIPS`` or more clips are
    strung together by themselves, those of all others of a corpus-independent rest together.
    """
    by_person: dict[str, list[Item]] = {}
    for item in items:
        by_person.setdefault(item.person, []).append(item)
    groups: dict[str, list[Item]] = {}
    for person, own in by_person.items():
        alone = bool(person) and len(own) >= SEQUENCE_CLIPS and len({one.label for one in own}) > 1
        groups.setdefault(person if alone else "several people", []).extend(own)
    found = []
    for name, members in groups.items():
        for order in range(ORDERS):
            random = np.random.default_rng(zlib.crc32(f"{name}/{order}".encode()))
            strung = _changing(members, random)
            count = math.ceil(len(strung) / SEQUENCE_CLIPS)
            for part in range(count):
                chosen = strung[len(strung) * part // count : len(strung) * (part + 1) // count]
                if len({item.label for item in chosen}) > 1:
                    found.append(MoodSequence(f"{name}, {order + 1}-{part + 1}", tuple(chosen)))
    return found


def _changing(items: Sequence[Item], random: np.random.Generator) -> list[Item]:
    """At most ``MOOD_CLIPS`` of one mood in a row, as long as there are others."""
    left: dict[int, list[Item]] = {}
    for place in random.permutation(len(items)):
        left.setdefault(items[place].label, []).append(items[place])
    strung: list[Item] = []
    last = -1
    while left:
        others = [label for label in left if label != last] or list(left)
        # in proportion to what is left, so that the commonest does not remain alone
        counts = np.array([len(left[label]) for label in others], np.float64)
        last = int(random.choice(others, p=counts / counts.sum()))
        for _ in range(int(random.integers(1, MOOD_CLIPS + 1))):
            if last in left:
                strung.append(left[last].pop())
                if not left[last]:
                    del left[last]
    return strung


class OneFace:
    """Follows the largest face as the same one whatever happens, cuts included."""

    def __init__(self, profile: Profile) -> None:
        self._tracker = FaceTracker(
            make_detector(profile), make_landmarker(profile.landmark_model), max_faces=1
        )
        self.left_out = 0

    def update(self, picture: Picture, time: float) -> Asking[Sequence[Face]]:
        """The face, as track 1, if one is found."""
        faces = yield from self._tracker.update(picture, time)
        return [replace(face, track=1) for face in faces[:1]]

    def reset(self, *, renumber: bool = False) -> None:
        """Forgets it."""
        self._tracker.reset(renumber=renumber)


class _Tap:
    """Stands before the fusion and keeps what it is asked."""

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self.asked: dict[str, NDArray[np.float32]] | None = None

    def run(self, **inputs: NDArray[np.float32]) -> FloatArray:
        self.asked = inputs
        return self._network.run(**inputs)


def record(
    sequences: Iterable[MoodSequence],
    profile: Profile,
    *,
    one_face: bool,
    most_seconds: float = math.inf,
    on_problem: Callable[[str], None] = lambda _: None,
) -> Iterator[Recorded]:
    """Plays sequences through the networks of a profile that decides as ``lite`` does.

    Args:
        sequences: To play; a clip that cannot be read leaves its sequence out.
        profile: Whose networks.
        one_face: Follow the largest face as one through all clips; else each as it is tracked.
        most_seconds: Of each clip.
        on_problem: Told of what cannot be read.
    """
    tap = _Tap(load_network(profile.fused_model))
    decision = LiteDecision(profile, fusion=tap)
    analyzer = Analyzer(profile, decision=decision, tracker=OneFace(profile) if one_face else None)
    for sequence in sequences:
        analyzer.reset(renumber=True)
        rows: list[tuple[float, int, int, FloatArray, FloatArray, FloatArray]] = []
        starts = [0.0]
        problems: list[str] = []
        for place, item in enumerate(sequence.items):
            with passed_over(item.path, problems.append):
                for moment in _played(item, profile, starts[-1], most_seconds):
                    tap.asked = None
                    readings = analyzer.process(moment)
                    end = moment.time + profile.tick
                    asked = tap.asked
                    judged = [one.track for one in readings if one.momentary is not None]
                    for index, track in enumerate(judged):
                        if asked is not None and track is not None:
                            values = (asked[name][index] for name in ("face", "voice", "trust"))
                            rows.append((moment.time, track, place, *values))
                starts.append(end)
            if problems:
                break
        for problem in problems:
            on_problem(problem)
        if problems or not rows:
            continue
        times, tracks, clips, face, voice, trust = zip(*rows, strict=True)
        yield Recorded(
            name=sequence.name,
            items=sequence.items,
            times=np.array(times),
            tracks=np.array(tracks),
            clips=np.array(clips),
            face=np.array(face, np.float32),
            voice=np.array(voice, np.float32),
            trust=np.array(trust, np.float32),
            starts=np.array(starts),
        )


def _played(item: Item, profile: Profile, start: float, most: float) -> Iterator[Moment]:
    """Moments of a clip on the sequence's clock."""
    with open_source(item.path, tick=profile.tick, sound_window=profile.sound_window) as source:
        first: float | None = None
        for moment in source:
            first = moment.time if first is None else first
            if moment.time - first >= most:
                break
            shift = start - first
            yield replace(
                moment,
                time=moment.time + shift,
                picture_time=moment.picture_time + shift,
            )

"""One run over a clip, kept moment by moment so that two runs can be compared."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sentistream.accumulation import Overall
from sentistream.evaluation.predictors import Probabilities
from sentistream.profiles import Profile
from sentistream.types import Face, FloatArray, Label, Moment, Reading

_LOUD_RANGE = 10**-3.0  # of the loudest moment's power: quieter ones do not count as speech


@dataclass
class ClipTrace:
    """Predictions for the largest face at each moment.

    Attributes:
        faces: The face at each moment; None without one.
        mouths: Whether its mouth counted as open; None without a face.
        labels: The class of the momentary answer; None without one.
        answer: Probabilities of the classes, accumulated over all faces and moments by the
            profile; None without a face.
        powers: Mean square of each moment's sound.
        picture_times: When each picture was shown first, seconds.
    """

    faces: list[Face | None] = field(default_factory=list)
    mouths: list[bool | None] = field(default_factory=list)
    labels: list[Label | None] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    picture_times: list[float] = field(default_factory=list)
    answer: Probabilities | None = None

    @property
    def level(self) -> float:
        """Root mean square of the sound where it is loud (within 30 dB); 0 without sound."""
        powers = np.array(self.powers)
        loud = powers[powers > powers.max(initial=0) * _LOUD_RANGE]
        return float(np.sqrt(loud.mean())) if loud.size else 0.0

    @property
    def face_width(self) -> float | None:
        """Median width of the face's box, pixels; None without a face."""
        widths = [face.box.width for face in self.faces if face is not None]
        return float(np.median(widths)) if widths else None

    def landmarks_at(self, picture_time: float) -> FloatArray | None:
        """The points of the face in that picture, or in the nearest one; None without any."""
        times, landmarks = self._match_frames
        if not landmarks:
            return None
        after = min(bisect.bisect_left(times, picture_time), len(times) - 1)
        before = max(after - 1, 0)
        nearer = picture_time - times[before] < times[after] - picture_time
        return landmarks[before if nearer else after]

    @cached_property
    def _match_frames(self) -> tuple[list[float], list[FloatArray]]:
        """Times, rising, and landmarks of the pictures with a face."""
        seen = {
            time: face.landmarks
            for time, face in zip(self.picture_times, self.faces, strict=True)
            if face is not None
        }
        return list(seen), list(seen.values())


def trace_clip(moments: Iterable[tuple[Moment, Sequence[Reading]]], profile: Profile) -> ClipTrace:
    """Record the predictions of each moment.

    Args:
        moments: As ``Analysis.moments`` gives them.
        profile: Determines when a mouth counts as open, and how moments are accumulated.
    """
    trace, overall = ClipTrace(), Overall(profile)
    for moment, readings in moments:
        seen = [reading for reading in readings if reading.face is not None]
        largest = max(seen, key=_size, default=None)
        momentary = largest.momentary if largest else None
        opened = largest.mouth_open if largest else None
        trace.faces.append(largest.face if largest else None)
        trace.mouths.append(None if opened is None else opened >= profile.mouth_threshold)
        trace.labels.append(momentary.label if momentary else None)
        sound = moment.sound
        trace.powers.append(0.0 if sound is None else float(np.mean(np.square(sound))))
        trace.picture_times.append(moment.picture_time)
        overall.add(readings)
    if overall.answer is not None:
        trace.answer = np.array(overall.answer.as_tuple())
    return trace


def _size(reading: Reading) -> float:
    return reading.face.box.area if reading.face else 0.0

"""The paper's Figure 1: one moment in, what it says of each face out.

Detect and track the faces; is the mouth closed, the face decides; is it open, face and
voice fused do; Equation 1 accumulates. No files, no sockets, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.profiles import DEFAULT_PROFILE, Profile, get_profile
from sentistream.runtime import load_network
from sentistream.smoothing import Smoother
from sentistream.types import (
    SOUND_RATE,
    Branch,
    Distribution,
    Face,
    Flag,
    FloatArray,
    Moment,
    Picture,
    Reading,
    UInt8Array,
)
from sentistream.vision.crops import FACE_SIZE, MOUTH_SIZE, face_window, mouth_window
from sentistream.vision.tracker import MEMORY, FaceTracker
from sentistream.voice import spectrogram


class Runnable(Protocol):
    """A network: named batches of uint8 RGB in, shape (N, outputs) out."""

    def run(self, **inputs: UInt8Array) -> FloatArray: ...


class Tracker(Protocol):
    """What finds the faces of successive pictures."""

    def update(self, picture: Picture, time: float) -> Sequence[Face]: ...

    def reset(self, *, renumber: bool = False) -> None: ...


@dataclass(slots=True)
class _View:
    """What was seen in one picture: the same however often the picture is shown again."""

    picture: Picture
    faces: Sequence[Face]
    face_crops: UInt8Array
    mouth_open: FloatArray
    flags: list[tuple[Flag, ...]]
    by_face: dict[int, Distribution] = field(default_factory=dict)


class Analyzer:
    """Turns moments into readings, for as many faces as there are.

    Args:
        profile: What to use, or its name.
        max_faces: At most so many faces at once; the largest are kept.
        mouth, face, fused: Networks to use in place of the profile's.
        tracker: Tracker to use in place of sentistream's own.

    Raises:
        InputError: There is no profile of that name.
        ModelError: A network or the landmark model is missing or altered.
    """

    def __init__(
        self,
        profile: Profile | str = DEFAULT_PROFILE,
        *,
        max_faces: int = 16,
        mouth: Runnable | None = None,
        face: Runnable | None = None,
        fused: Runnable | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        self.profile = get_profile(profile) if isinstance(profile, str) else profile
        self._mouth = mouth or load_network(self.profile.mouth_model)
        self._face = face or load_network(self.profile.face_model)
        self._fused = fused or load_network(self.profile.fused_model)
        self._tracker = tracker or FaceTracker(max_faces=max_faces)
        self._samples = round(self.profile.sound_window * SOUND_RATE)
        self.reset()

    def reset(self, *, renumber: bool = False) -> None:
        """Forgets faces and accumulated answers.

        Args:
            renumber: Start track numbers from 1 again, as for another source; otherwise
                they go on.
        """
        self._tracker.reset(renumber=renumber)
        self._view: _View | None = None
        self._time = -np.inf
        self._smoothers: dict[int, Smoother] = {}

    def process(self, moment: Moment) -> tuple[Reading, ...]:
        """The readings of one moment, by track number; without a face exactly one, ``no_face``.

        Moments come in order; one that lies before the last starts anew, as ``reset`` does.
        """
        if moment.time < self._time:
            self.reset()
        self._time = moment.time
        repeated = self._view is not None and self._view.picture is moment.picture
        view = self._look(moment)
        self._forget(moment.time)
        shown_again = (Flag.REPEATED_PICTURE,) if repeated else ()
        if not view.faces:
            return (Reading(time=moment.time, flags=shown_again),)

        speaking = view.mouth_open >= self.profile.mouth_threshold
        columns = self._hear(moment.sound) if speaking.any() else None
        fused = speaking if columns is not None else np.zeros_like(speaking)
        answers = self._decide(view, fused, columns)

        readings = []
        for index, face in enumerate(view.faces):
            smoother = self._smoothers.get(face.track)
            if smoother is None:
                smoother = Smoother(self.profile.time_constant)
                self._smoothers[face.track] = smoother
            smoothed = smoother.update(answers[index], moment.time)
            mute = (Flag.NO_SOUND,) if speaking[index] and not fused[index] else ()
            readings.append(
                Reading(
                    time=moment.time,
                    face=face,
                    mouth_open=float(view.mouth_open[index]),
                    branch=Branch.FUSED if fused[index] else Branch.FACE,
                    momentary=answers[index],
                    smoothed=smoothed,
                    label=smoothed.label,
                    flags=mute + view.flags[index] + shown_again,
                )
            )
        return tuple(readings)

    def _look(self, moment: Moment) -> _View:
        """Faces, mouths and crops of the moment's picture, anew only if the picture is."""
        picture = moment.picture
        if self._view is not None and self._view.picture is picture:
            return self._view
        faces = self._tracker.update(picture, moment.picture_time)
        face_crops = np.empty((len(faces), FACE_SIZE, FACE_SIZE, 3), np.uint8)
        mouth_crops = np.empty((len(faces), MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8)
        for index, face in enumerate(faces):
            face_crops[index] = picture.crop(face_window(face.landmarks), FACE_SIZE, FACE_SIZE)
            mouth_crops[index] = picture.crop(mouth_window(face.landmarks), MOUTH_SIZE, MOUTH_SIZE)
        mouth_open = np.zeros(0, np.float32)
        if faces:
            mouth_open = np.clip(self._mouth.run(mouth=mouth_crops)[:, 0], 0, 1)
        flags = [_quality(face, picture) for face in faces]
        self._view = _View(picture, faces, face_crops, mouth_open, flags)
        return self._view

    def _hear(self, sound: FloatArray | None) -> UInt8Array | None:
        """The spectrogram of the sound that ends now; None where there is not enough of it."""
        if sound is None or len(sound) < self._samples:
            return None
        return spectrogram.columns(sound[-self._samples :])

    def _decide(
        self,
        view: _View,
        fused: NDArray[np.bool_],
        columns: UInt8Array | None,
    ) -> dict[int, Distribution]:
        """Each face's answer by its place in the view: of face and voice where ``fused``."""
        alone = [index for index in np.flatnonzero(~fused) if index not in view.by_face]
        if alone:
            answers = self._face.run(face=view.face_crops[alone])
            for index, answer in zip(alone, answers, strict=True):
                view.by_face[int(index)] = Distribution.from_array(answer)
        decided = {int(i): view.by_face[int(i)] for i in np.flatnonzero(~fused)}
        together = np.flatnonzero(fused)
        if columns is not None and together.size:
            answers = self._fused.run(
                face=view.face_crops[together],
                spectrogram=np.repeat(columns[np.newaxis], together.size, axis=0),
            )
            for index, answer in zip(together, answers, strict=True):
                decided[int(index)] = Distribution.from_array(answer)
        return decided

    def _forget(self, time: float) -> None:
        """Drops what was accumulated about people who have left."""
        self._smoothers = {
            track: smoother
            for track, smoother in self._smoothers.items()
            if time - smoother.time <= 2 * MEMORY
        }


def _quality(face: Face, picture: Picture) -> tuple[Flag, ...]:
    flags = []
    if face.missed:
        flags.append(Flag.CARRIED)
    if face_window(face.landmarks).height < FACE_SIZE:
        flags.append(Flag.SMALL_FACE)
    box = face.box
    if box.left < 0 or box.top < 0 or box.right > picture.width or box.bottom > picture.height:
        flags.append(Flag.AT_EDGE)
    return tuple(flags)

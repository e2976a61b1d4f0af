"""The analyzer, the paper's Figure 1: one moment in, one reading per face out.

It detects and tracks faces, runs the profile's networks on each, and smooths the results. It uses
no files, sockets or clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sentistream.accumulation import is_sure
from sentistream.decision.lite import LiteDecision
from sentistream.decision.paper import PaperDecision
from sentistream.decision.verdict import Decision, Verdict
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, Profile, get_profile
from sentistream.smoothing import Smoother
from sentistream.types import Distribution, Face, Flag, Label, Moment, Picture, Reading
from sentistream.vision.crops import FACE_SIZE, face_window
from sentistream.vision.face_detector import make_detector
from sentistream.vision.face_tracker import MEMORY, FaceTracker
from sentistream.vision.landmarker import make_landmarker

MAX_YAW, MAX_PITCH = 60.0, 45.0
"""Degrees of head rotation beyond which an expression cannot be read."""


class Tracker(Protocol):
    """Detects and tracks the faces of successive pictures."""

    @property
    def left_out(self) -> int:
        """Faces found in the newest picture but not tracked, because of ``max_faces``."""
        ...

    def update(self, picture: Picture, time: float) -> Sequence[Face]: ...

    def reset(self, *, renumber: bool = False) -> None: ...


class Analyzer:
    """Turns moments into readings, for any number of faces.

    Args:
        profile: The profile, or its name.
        max_faces: Most faces tracked at once, at least 1. If more are found, the largest are
            kept and the readings say ``more_faces``.
        decision: Makes the decisions instead of the profile's networks.
        tracker: Tracker to use instead of sentistream's own; made for the same ``max_faces``.

    Attributes:
        profile: The profile in use.
        max_faces: Most faces tracked at once.

    Raises:
        InputError: There is no profile of that name.
        ModelError: A network or the landmark model is missing or altered.
        ValueError: ``max_faces`` is less than 1.
    """

    def __init__(
        self,
        profile: Profile | str = DEFAULT_PROFILE,
        *,
        max_faces: int = MAX_FACES,
        decision: Decision | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        self.profile: Profile = get_profile(profile) if isinstance(profile, str) else profile
        self.max_faces = max_faces
        self._decision = decision or _make_decision(self.profile)
        self._tracker = tracker or FaceTracker(
            make_detector(self.profile),
            make_landmarker(self.profile.landmark_model),
            max_faces=max_faces,
        )
        self.reset()

    def reset(self, *, renumber: bool = False) -> None:
        """Clears faces and accumulated answers.

        Args:
            renumber: Restart track numbers from 1, as for another source; otherwise they
                continue.
        """
        self._tracker.reset(renumber=renumber)
        self._decision.reset()
        self._picture: Picture | None = None
        self._faces: Sequence[Face] = ()
        self._readable: Sequence[Face] = ()
        self._qualities: list[tuple[Flag, ...]] = []
        self._left_out = 0
        self._time = -np.inf
        self._smoothers: dict[int, Smoother] = {}
        self._voice_share_unknown: set[int] = set()

    def process(self, moment: Moment) -> tuple[Reading, ...]:
        """The readings of one moment, by track number; exactly one, ``no_face``, without a face.

        Moments must be in order; one earlier than the last resets the analyzer (``reset``).
        """
        if moment.time < self._time:
            self.reset()
        self._time = moment.time
        is_new = self._update_faces(moment)
        repeated = () if is_new else (Flag.REPEATED_PICTURE,)
        moment_flags = repeated + ((Flag.MORE_FACES,) if self._left_out else ())
        self._forget(moment.time)
        verdicts: dict[int, Verdict] = {}
        if self._readable:
            decided = self._decision.decide(moment)
            tracks = (face.track for face in self._readable)
            verdicts = dict(zip(tracks, decided, strict=True))
        else:
            self._decision.update_sound(moment)
        if not self._faces:
            return (Reading(time=moment.time, flags=moment_flags, left_out=self._left_out),)

        readings = []
        for face, quality in zip(self._faces, self._qualities, strict=True):
            verdict = verdicts.get(face.track)
            if verdict is None:
                readings.append(
                    Reading(
                        time=moment.time,
                        face=face,
                        label=Label.UNKNOWN,
                        flags=quality + moment_flags,
                        left_out=self._left_out,
                    )
                )
                continue
            smoothed, voice_share = self._accumulate(face.track, verdict, moment.time)
            readings.append(
                Reading(
                    time=moment.time,
                    face=face,
                    mouth_open=verdict.mouth_open,
                    branch=verdict.branch,
                    momentary=verdict.momentary,
                    smoothed=smoothed,
                    label=self._label(smoothed),
                    flags=verdict.flags + quality + moment_flags,
                    left_out=self._left_out,
                    voice_share=voice_share,
                )
            )
        return tuple(readings)

    def _update_faces(self, moment: Moment) -> bool:
        """Tracks the faces and runs the face networks; False if the picture is not new."""
        picture = moment.picture
        if self._picture is picture:
            return False
        self._picture = picture
        self._faces = self._tracker.update(picture, moment.picture_time)
        self._qualities = [_quality(face, picture) for face in self._faces]
        self._left_out = self._tracker.left_out
        self._readable = [face for face in self._faces if face.readable and not _is_turned(face)]
        if self._readable:
            self._decision.update_faces(picture, self._readable, moment.picture_time)
        return True

    def _accumulate(
        self, track: int, verdict: Verdict, time: float
    ) -> tuple[Distribution, float | None]:
        """The smoothed answer, and the voice's share of it."""
        if verdict.accumulated is not None:
            return verdict.accumulated, verdict.voice_share
        smoother = self._smoothers.setdefault(track, Smoother(self.profile.time_constant))
        if verdict.voice_share is None:
            self._voice_share_unknown.add(track)
        share = None if track in self._voice_share_unknown else verdict.voice_share
        return smoother.update(verdict.momentary, time), share

    def _label(self, smoothed: Distribution) -> Label:
        sure = is_sure(smoothed.confidence, self.profile)
        return smoothed.label if sure else Label.UNKNOWN

    def _forget(self, time: float) -> None:
        """Drops the smoothers of appearances that have ended."""
        self._smoothers = {
            track: smoother
            for track, smoother in self._smoothers.items()
            if time - smoother.time <= 2 * MEMORY
        }
        self._voice_share_unknown &= self._smoothers.keys()


def _make_decision(profile: Profile) -> Decision:
    return LiteDecision(profile) if profile.decision == "lite" else PaperDecision(profile)


def _is_turned(face: Face) -> bool:
    """Whether a head is turned too far for its expression to be read."""
    pose = face.pose
    return pose is not None and (abs(pose.yaw) > MAX_YAW or abs(pose.pitch) > MAX_PITCH)


def _quality(face: Face, picture: Picture) -> tuple[Flag, ...]:
    flags = []
    if _is_turned(face):
        flags.append(Flag.TURNED_AWAY)
    elif not face.readable:
        flags.append(Flag.UNREADABLE)
    if face.missed:
        flags.append(Flag.CARRIED)
    if face_window(face.landmarks).height < FACE_SIZE:
        flags.append(Flag.SMALL_FACE)
    box = face.box
    if box.left < 0 or box.top < 0 or box.right > picture.width or box.bottom > picture.height:
        flags.append(Flag.AT_EDGE)
    return tuple(flags)

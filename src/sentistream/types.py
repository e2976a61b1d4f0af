"""The values that pass between modules: moment, face, distribution, reading.

All times are seconds on the media clock, all lengths pixels of the upright picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.values import ByValue

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

SENTIMENTS = ("positive", "neutral", "negative")
"""The three classes, in the order of every network's outputs."""

SOUND_RATE = 48_000
"""Sampling rate of every moment's sound, Hz (section 3.1 of the paper)."""


class Label(StrEnum):
    """A reading's class, or an explicit ``unknown`` or ``no_face``."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"
    NO_FACE = "no_face"


ON_A_TIE = (Label.NEUTRAL, Label.NEGATIVE, Label.POSITIVE)
"""If classes are equally probable, the first of these is the answer."""


class Branch(StrEnum):
    """Which networks decided: the face alone, face and voice fused, or none."""

    FACE = "face"
    FUSED = "fused"
    NONE = "none"


class Flag(StrEnum):
    """What limits the quality of a reading."""

    NO_SOUND = "no_sound"
    """The mouth is open but there is no sound at this time; the face decided alone."""
    CARRIED = "carried"
    """The detector missed the face; it is tracked by its landmarks alone for a while."""
    SMALL_FACE = "small_face"
    """The face is smaller than the networks' input; its reading is less certain."""
    AT_EDGE = "at_edge"
    """The face is partly outside the picture; the missing part was filled from its edge."""
    REPEATED_PICTURE = "repeated_picture"
    """No newer picture than at the previous moment; only the sound is new."""
    TURNED_AWAY = "turned_away"
    """The face is turned too far aside, up or down for its expression to be read."""
    UNREADABLE = "unreadable"
    """There is a face, but too little of it is visible to read its expression."""
    SLOWED = "slowed"
    """The machine cannot keep up with a live source: pictures, or even moments, are skipped."""
    MORE_FACES = "more_faces"
    """More faces were found than are tracked; the largest are kept."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, half open: ``left <= x < right``, ``top <= y < bottom``.

    Raises:
        ValueError: An edge is not finite, or the box has no area.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        edges = (self.left, self.top, self.right, self.bottom)
        if not all(math.isfinite(edge) for edge in edges):
            raise ValueError(f"A box needs finite edges, not {edges}.")
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(f"A box needs an area, {edges} has none.")

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def squared(self) -> Box:
        """The smallest square with the same centre that contains the box."""
        x, y = self.center
        half = max(self.width, self.height) / 2
        return Box(x - half, y - half, x + half, y + half)

    def scaled(self, factor: float) -> Box:
        """The box enlarged (or shrunk) by ``factor`` around its centre."""
        x, y = self.center
        half_width, half_height = self.width * factor / 2, self.height * factor / 2
        return Box(x - half_width, y - half_height, x + half_width, y + half_height)


class Picture(Protocol):
    """One upright video frame that converts colours only on demand."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def luma(self) -> UInt8Array:
        """Brightness, shape (height, width), 0 to 255; a view where possible, never written to."""
        ...

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        """The part within ``box``, resampled to (height, width, 3) RGB.

        Parts of the box outside the picture repeat its edge.
        """
        ...

    def rgb(self) -> UInt8Array:
        """The whole picture, shape (height, width, 3)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Moment(ByValue):
    """A picture and the sound that ends at it.

    Attributes:
        time: Seconds on the media clock.
        picture: The newest picture at or before ``time``.
        picture_time: That picture's own presentation time, seconds; ``<= time``.
        sound: Mono samples at 48 kHz, -1 to 1, that end at ``time``;
            None if the source has no sound at that time.

    Raises:
        ValueError: A time is not finite, the picture is from the future, or the sound
            is not a one-dimensional float32 array.
    """

    time: float
    picture: Picture
    picture_time: float
    sound: FloatArray | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.time) and math.isfinite(self.picture_time)):
            raise ValueError(f"A moment needs finite times, not {self.time}, {self.picture_time}.")
        if self.picture_time > self.time + 1e-6:
            raise ValueError(
                f"The picture at {self.picture_time} s is later than its moment at {self.time} s."
            )
        if self.sound is not None and (self.sound.ndim != 1 or self.sound.dtype != np.float32):
            raise ValueError(
                "A moment's sound is a one-dimensional float32 array, "
                f"not {self.sound.dtype} of shape {self.sound.shape}."
            )


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Which way a head is turned, degrees; 0, 0, 0 looks straight into the camera, upright.

    Attributes:
        yaw: Sideways; positive if the face turns to the viewer's right.
        pitch: Up or down; positive if it looks down.
        roll: Tilt in the picture; positive clockwise as the viewer sees it.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class Face(ByValue):
    """A face in one picture.

    Attributes:
        track: Number of the appearance, from 1: one stretch of time in which one face is
            tracked. It says nothing about identity and is never reused; a person who comes back
            is a new appearance.
        box: The face, from brow to chin.
        landmarks: The 68 points of the iBUG scheme, shape (68, 2), x and y in pixels.
        score: The detector's confidence at the last confirmation, 0 to 1.
        confirmed: True if the detector found it in this picture, False if landmarks
            carried the face here.
        missed: True if the detector's last look did not find it.
        pose: Which way the head is turned; None if that is not known.
        readable: Whether its own landmarks could be placed; where not, those of an average face
            stand in, and its expression is not judged.
    """

    track: int
    box: Box
    landmarks: FloatArray
    score: float = 0.0
    confirmed: bool = True
    missed: bool = False
    pose: HeadPose | None = None
    readable: bool = True

    def __post_init__(self) -> None:
        if self.track < 1:
            raise ValueError(f"A track is numbered from 1, not {self.track}.")
        if self.landmarks.shape != (68, 2):
            raise ValueError(f"Landmarks have shape (68, 2), not {self.landmarks.shape}.")


@dataclass(frozen=True, slots=True)
class Distribution:
    """Probabilities of the three classes; they add up to 1.

    Raises:
        ValueError: A probability lies outside 0 to 1 or they do not add up to 1.
    """

    positive: float
    neutral: float
    negative: float

    def __post_init__(self) -> None:
        values = (self.positive, self.neutral, self.negative)
        if not all(-1e-6 <= value <= 1 + 1e-6 for value in values):
            raise ValueError(f"Probabilities lie between 0 and 1, not {values}.")
        if abs(sum(values) - 1) > 1e-3:
            raise ValueError(f"Probabilities add up to 1, {values} add up to {sum(values)}.")

    @classmethod
    def from_array(cls, values: NDArray[np.floating]) -> Distribution:
        """From an array of 3 in the order of ``SENTIMENTS``, normalised to add up to exactly 1."""
        positive, neutral, negative = (float(value) for value in values)
        total = positive + neutral + negative
        if not (math.isfinite(total) and total > 0):
            raise ValueError(f"Probabilities need a positive finite sum, not {total}.")
        return cls(positive / total, neutral / total, negative / total)

    def as_tuple(self) -> tuple[float, float, float]:
        """In the order of ``SENTIMENTS``."""
        return self.positive, self.neutral, self.negative

    @property
    def label(self) -> Label:
        """The most probable class; on a tie the first of ``ON_A_TIE``."""
        return max(ON_A_TIE, key=lambda label: getattr(self, label.value))

    @property
    def confidence(self) -> float:
        """The largest of the three, 1/3 to 1."""
        return max(self.as_tuple())

    def distance(self, other: Distribution) -> float:
        """The total variation distance from another, 0 to 1.

        It is the probability mass that differs between them: 0.2 if 20 of 100 are in another
        class.
        """
        pairs = zip(self.as_tuple(), other.as_tuple(), strict=True)
        return min(1.0, sum(abs(one - another) for one, another in pairs) / 2)


@dataclass(frozen=True, slots=True)
class Reading:
    """The result for one face at one moment, or that there was no face.

    Attributes:
        time: The moment's time, seconds.
        face: The face; None when no face was found (then ``label`` is ``no_face``).
        mouth_open: Probability that the mouth is open, 0 to 1; None without a face.
        branch: Which networks decided.
        momentary: The networks' answer at this moment; None without one.
        smoothed: The answer accumulated up to this moment (Equation 1); None without one.
        label: The class of ``smoothed``, or ``unknown``, or ``no_face``.
        flags: What lowers the quality of this reading.
        left_out: Faces found in the same picture but not tracked, because the maximum is already
            reached; above 0 exactly when ``flags`` contain ``more_faces``.
        voice_share: The part of ``smoothed`` that came from the voice, 0 to 1: its distance from
            what the face alone would have given (``Distribution.distance``). 0 if the voice
            changed nothing; None without an answer, and with ``paper`` from the first fused
            answer of an appearance on, because the face network is not run in addition to the
            fused one.
    """

    time: float
    face: Face | None = None
    mouth_open: float | None = None
    branch: Branch = Branch.NONE
    momentary: Distribution | None = None
    smoothed: Distribution | None = None
    label: Label = Label.NO_FACE
    flags: tuple[Flag, ...] = ()
    left_out: int = 0
    voice_share: float | None = None

    def __post_init__(self) -> None:
        if (self.face is None) != (self.label is Label.NO_FACE):
            raise ValueError(f"A reading without a face says no_face, not {self.label!r}.")
        if self.mouth_open is not None and not 0 <= self.mouth_open <= 1:
            raise ValueError(f"A mouth's probability lies between 0 and 1, not {self.mouth_open}.")
        if self.voice_share is not None and not 0 <= self.voice_share <= 1:
            raise ValueError(f"A voice's share lies between 0 and 1, not {self.voice_share}.")
        if self.left_out < 0 or (self.left_out > 0) != (Flag.MORE_FACES in self.flags):
            raise ValueError(
                f"Faces are left out exactly where more_faces is flagged, not {self.left_out} "
                f"with {[flag.value for flag in self.flags]}."
            )

    @property
    def track(self) -> int | None:
        """The face's track; None without a face."""
        return None if self.face is None else self.face.track

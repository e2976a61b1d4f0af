"""What cameras tell the rest of the monitor: how they are, who is seen now, what each second was.

Here, and only here, time is that of the wall clock: seconds since 1970-01-01 UTC, because
people ask what happened on Monday at ten. The media clock stays inside each camera's worker.
No value holds a picture, and tracks are named at random, anew each time somebody appears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sentistream.types import Distribution, Flag, HeadPose, Label

EVERYWHERE = ""
"""The zone of a camera's whole picture, where none was drawn."""


class CameraState(StrEnum):
    """What a camera is doing."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It failed and will be tried again after its back-off."""
    PAUSED = "paused"
    """Its schedule says that nobody is to be watched now; nothing is decoded."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceState:
    """One face as it is now.

    Attributes:
        track: A random name, kept while the face is followed and never given again.
        zone: The zone it stands in; ``EVERYWHERE`` where none was drawn.
        box: Left, top, right and bottom as shares of the picture, 0 to 1.
        label: What is said of it.
        smoothed: The accumulated distribution behind the label; None where the expression is not
            read (then the label is ``unknown``), for instance of a face that is turned away.
        mouth_open: Probability that the mouth is open, 0 to 1; None where it is not read.
        speaking: Whether a voice was taken for this face's own.
        flags: What lowers the quality of what is said of it.
        pose: Which way the head is turned, degrees; None where that is not known.
        voice_share: The part of ``smoothed`` that came from the voice, 0 to 1; None where that
            is not known.
    """

    track: str
    zone: str
    box: tuple[float, float, float, float]
    label: Label
    smoothed: Distribution | None
    mouth_open: float | None
    speaking: bool
    flags: tuple[Flag, ...] = ()
    pose: HeadPose | None = None
    voice_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A camera's newest moment.

    Attributes:
        camera: The camera's key in the configuration.
        time: Wall-clock seconds (UTC).
        faces: Everybody who is followed.
        tick: Seconds from one moment to the next at present; more than the profile's own
            where the machine cannot keep up.
        max_faces: Faces followed at once.
        left_out: Faces found at this moment but not followed, because of ``max_faces``.
    """

    camera: str
    time: float
    faces: tuple[FaceState, ...]
    tick: float
    max_faces: int
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReading:
    """One face during one second of the wall clock: what is stored.

    Attributes:
        camera: The camera's key in the configuration.
        zone: The zone; ``EVERYWHERE`` where none was drawn.
        second: Whole wall-clock second (UTC) it began with.
        track: The face's random name.
        positive, neutral, negative: Mean of the accumulated distributions, 0 to 1 each.
        label: What was said last in this second.
        seen: Seconds of this second for which the face was seen, above 0 to 1.
        speaking: Seconds for which a voice was taken for its own, 0 to ``seen``.
    """

    camera: str
    zone: str
    second: int
    track: str
    positive: float
    neutral: float
    negative: float
    label: Label
    seen: float
    speaking: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraHealth:
    """How a camera does.

    Attributes:
        camera: The camera's key in the configuration.
        state: What it is doing.
        since: Wall-clock second at which that began.
        reason: Why it is not running, in words for its owner; empty where it is.
        restarts: How often it was started again since the monitor began.
        moments_per_second: Analyzed now; 0 where none are.
        tick: Seconds between moments now.
        latency: Seconds from a picture's decoding to its reading, 95th percentile of late.
        dropped: Moments dropped because they came faster than they could be analyzed.
        damaged: Packets or pictures that could not be decoded.
        remarks: What is to be known of its source, a sentence each: which of several tracks are
            used, what changed in mid-stream, what was damaged.
        last_picture: Wall-clock time of the newest picture; None before the first.
    """

    camera: str
    state: CameraState
    since: float
    reason: str = ""
    restarts: int = 0
    moments_per_second: float = 0.0
    tick: float = 0.0
    latency: float = 0.0
    dropped: int = 0
    damaged: int = 0
    remarks: tuple[str, ...] = ()
    last_picture: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Everybody a camera saw in one whole second: what the store takes at a time.

    Attributes:
        camera: The camera's key in the configuration.
        second: Whole wall-clock second (UTC) it began with.
        readings: One a face and zone; empty where nobody was seen.
    """

    camera: str
    second: int
    readings: tuple[SecondReading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A rule that came true, or is true no longer.

    Attributes:
        rule: The rule's key.
        name: What people call it.
        camera: The camera's key.
        zone: The zone; ``EVERYWHERE`` for the whole picture.
        time: Wall-clock seconds (UTC).
        active: True when it came true, False when it ended.
        sentiment: Which share is watched.
        share: The share at that time, 0 to 1.
        limit: The rule's limit.
        minutes: Over which the share was taken.
    """

    rule: str
    name: str
    camera: str
    zone: str
    time: float
    active: bool
    sentiment: str
    share: float
    limit: float
    minutes: float

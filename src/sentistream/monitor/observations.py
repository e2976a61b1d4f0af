"""Events that cameras publish: their health, the faces in view, and each second's readings.

Times are of the wall clock, seconds since 1970-01-01 UTC, because people ask what happened on
Monday at ten; the media clock stays inside each camera's worker. No event holds a picture. Tracks
have random ids, a new one each time somebody appears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sentistream.types import Distribution, Flag, HeadPose, Label

EVERYWHERE = ""
"""The zone of a face outside all zones drawn, and of sums over the whole picture."""


class CameraState(StrEnum):
    """What a camera is doing."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It failed and will be restarted after its back-off."""
    PAUSED = "paused"
    """Outside its watching hours; nothing is decoded."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceState:
    """One face as it is now.

    Attributes:
        track: A random id, kept while the face is followed and never reused.
        zone: The zone it is in; ``EVERYWHERE`` outside all zones.
        box: Left, top, right and bottom as shares of the picture, 0 to 1.
        label: Its label.
        smoothed: The accumulated distribution behind the label; None if the expression is not
            read (then the label is ``unknown``), for instance of a face that is turned away.
        mouth_open: Probability that the mouth is open, 0 to 1; None if it is not read.
        speaking: Whether a voice was attributed to this face.
        flags: What lowers the quality of its readings.
        pose: Which way the head is turned, degrees; None if that is not known.
        voice_share: The part of ``smoothed`` that came from the voice, 0 to 1; None if that
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
        faces: All tracked faces.
        tick: Current seconds between moments; more than the profile's if the machine cannot keep
            up.
        max_faces: Most faces tracked at once.
        left_out: Faces found at this moment but not tracked, because of ``max_faces``.
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
        zone: The zone; ``EVERYWHERE`` outside all zones.
        second: Whole wall-clock second (UTC) it began with.
        track: The face's random id.
        positive, neutral, negative: Mean of the accumulated distributions, 0 to 1 each.
        label: The last label in this second.
        seen: Seconds of this second for which the face was seen, above 0 to 1.
        speaking: Seconds for which a voice was attributed to it, 0 to ``seen``.
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
    """A camera's health.

    Attributes:
        camera: The camera's key in the configuration.
        state: What it is doing.
        since: Wall-clock seconds (UTC) at which that began.
        reason: Why it is not running, in words for its owner; empty if it is.
        restarts: How often it was restarted since the monitor started.
        moments_per_second: Current rate of analysis; may be 0.
        tick: Seconds between moments now.
        latency: Seconds from a picture's decoding to its reading, 95th percentile of the last ones.
        dropped: Moments dropped because they arrived faster than they could be analyzed.
        damaged: Packets or pictures that could not be decoded.
        remarks: Remarks on its source, a sentence each: which of several tracks are
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
    """All faces a camera saw in one whole second: the unit of storage.

    Attributes:
        camera: The camera's key in the configuration.
        second: Whole wall-clock second (UTC) it began with.
        readings: One a face and zone; empty if nobody was seen.
    """

    camera: str
    second: int
    readings: tuple[SecondReading, ...]


class AlertKind(StrEnum):
    """What an alert is about."""

    SENTIMENT = "sentiment"
    """A rule of the settings about a share."""
    CAMERA = "camera"
    """A camera that is down."""
    DISK = "disk"
    """A disk that is nearly full."""
    SHOP = "shop"
    """At a headquarters: a shop that has gone silent, or the broker that cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShop:
    """The shop that an alert at a headquarters is about.

    Attributes:
        key: Its short name.
        name: Its display name.
        camera: The display name of the camera; empty if the alert is about none.
        zone: That of the zone; empty for the whole picture.
    """

    key: str
    name: str
    camera: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The start or end of an alert: a rule became true, or is no longer true.

    Attributes:
        rule: The rule's key; ``CAMERA_DOWN``, ``DISK_NEARLY_FULL``, ``SHOP_SILENT`` and
            ``BROKER_DOWN`` for the monitor's own.
        name: What people call it.
        camera: The camera's key; empty for a disk, a shop or the broker.
        zone: The zone; ``EVERYWHERE`` for the whole picture.
        time: Wall-clock seconds (UTC).
        active: True at its start, False at its end.
        sentiment: Which share the rule is about.
        share: The share at that time, 0 to 1.
        limit: The rule's limit.
        minutes: Over which the share was taken, or for how long it was so before the alert.
        kind: What it is about; ``sentiment``, ``share`` and ``limit`` apply only to rules.
        incident: A random id that the start and the end of one alert share.
        reason: In a sentence: why a camera is down, how full a disk is; at an end that was not
            due to the share, what caused it.
        shop: At a headquarters, the shop that it is about; None for the monitor's own.
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
    kind: AlertKind = AlertKind.SENTIMENT
    incident: str = ""
    reason: str = ""
    shop: AlertShop | None = None


CAMERA_DOWN = "camera_down"
"""The rule of an alert about a camera; no rule of the settings can have this key."""

DISK_NEARLY_FULL = "disk_nearly_full"
"""The rule of an alert about a disk."""

SHOP_SILENT = "shop_silent"
"""The rule of an alert about a shop that has gone silent."""

BROKER_DOWN = "broker_down"
"""The rule of an alert about the broker of a headquarters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody has acknowledged an alert.

    Attributes:
        incident: The alert's.
        user: The user's name.
        time: Wall-clock seconds (UTC).
    """

    incident: str
    user: str
    time: float


class DeliveryState(StrEnum):
    """The outcome of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up."""
    HELD = "held"
    """It waits for the end of quiet hours."""
    DROPPED = "dropped"
    """Not sent: quiet hours, or too many waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message about an alert or a digest, and its outcome.

    Attributes:
        incident: The alert's; for digests their period, such as ``week-2026-W48``; empty for tests.
        channel: The channel's name.
        event: What it said: ``begin``, ``end``, ``reminder``, ``summary``, ``test`` or ``digest``.
        time: Wall-clock seconds (UTC).
        state: Its outcome.
        reason: Why it was not delivered, in a sentence without secrets.
        attempts: How often it was tried.
    """

    incident: str
    channel: str
    event: str
    time: float
    state: DeliveryState
    reason: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlert:
    """The start or end of an alert that is sent to a channel after its quiet hours.

    Attributes:
        number: Of its row; None before it is stored.
        channel: The channel's key.
        alert: The alert.
    """

    number: int | None = None
    channel: str
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What happened at some time, in a manager's words, such as "new till opened".

    Attributes:
        id: Its number; 0 before it is stored.
        time: Wall-clock seconds (UTC).
        camera: The camera's key; empty if it concerns all.
        text: One line.
        author: Who wrote it: the user's name.
    """

    id: int = 0
    time: float
    camera: str = ""
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A camera's newest live picture, people blurred unless the settings say otherwise.

    Attributes:
        jpeg: The picture.
        time: Wall-clock seconds (UTC) at which it was taken.
    """

    jpeg: bytes
    time: float

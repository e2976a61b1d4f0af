"""Request and response bodies of the REST API; times are ISO 8601 in UTC."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    AlertKind,
    CameraHealth,
    CameraState,
    Delivery,
    DeliveryState,
    FaceState,
    Observation,
    SecondReading,
)
from sentistream.translatable import Translatable
from sentistream.types import Distribution, Flag, HeadPose, Label

LATEST_TIME = 4_102_444_800.0
"""2100-01-01; later times count as mistakes."""

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,40})?([eE][+-]?\d{1,3})?")


def _moment(text: str) -> datetime:
    # a plus sign that was not encoded arrives as a space
    for written in (text, "+".join(text.rsplit(" ", 1))):
        try:
            return datetime.fromisoformat(written)
        except ValueError:
            continue
    raise ValueError("write it as 2026-11-23T10:00:00Z, or as seconds since 1970")


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        moment = _moment(value.strip())
        # without a zone it is UTC, as everything here
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return min(max(0.0, (aware - datetime.fromtimestamp(0, UTC)).total_seconds()), LATEST_TIME)
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= LATEST_TIME:
        raise ValueError("seconds since 1970 lie between 0 and 4102444800")
    return seconds


Instant = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": 0, "maximum": LATEST_TIME},
            ],
            "description": "ISO 8601 (UTC where no zone is named), or seconds since 1970.",
        }
    ),
]
"""Wall-clock seconds (UTC), in any notation."""


def utc(seconds: float) -> datetime:
    """For responses, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def check_span(begin: float, end: float, most: float, what: str) -> None:
    """Raises a 400 for a reversed period, or one longer than ``most`` seconds."""
    if end <= begin:
        raise HTTPException(400, "The end must come after the beginning.")
    if end - begin > most:
        days = f"{most / 86_400:g} days"
        raise HTTPException(
            400,
            Translatable(
                "At most {days} of {what} at a time; ask for less at once.", days=days, what=what
            ),
        )


class ResponseBody(BaseModel):
    """Base of all responses."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)


class RequestBody(BaseModel):
    """Base of all request bodies; unknown fields are rejected, so that mistakes are noticed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Shares(ResponseBody):
    """How much of each sentiment, 0 to 1."""

    positive: float
    neutral: float
    negative: float

    @classmethod
    def of(cls, given: Distribution) -> Self:
        return cls(positive=given.positive, neutral=given.neutral, negative=given.negative)


class Pose(ResponseBody):
    """Which way a head is turned, degrees; 0, 0, 0 looks straight into the camera, upright."""

    yaw: float = Field(description="To the side; positive where it turns to the viewer's right.")
    pitch: float = Field(description="Up or down; positive where it looks down.")
    roll: float = Field(description="Tilted in the picture; positive clockwise.")

    @classmethod
    def of(cls, given: HeadPose) -> Self:
        return cls(yaw=given.yaw, pitch=given.pitch, roll=given.roll)


class CurrentFace(ResponseBody):
    """One face as it is now."""

    track: str = Field(description="A random name, kept while the face is followed.")
    zone: str = Field(description="The zone it stands in; empty where none was drawn.")
    box: tuple[float, float, float, float] = Field(
        description="Left, top, right, bottom as shares of the picture."
    )
    label: Label
    smoothed: Shares | None = Field(
        description="None where the expression is not read: the label is unknown, flags say why."
    )
    mouth_open: float | None = Field(
        description="Probability, 0 to 1; None where the expression is not read."
    )
    speaking: bool
    flags: list[Flag] = Field(description="What lowers the quality of what is said of it.")
    pose: Pose | None = Field(description="None where it is not known.")
    voice_share: float | None = Field(
        description="The part of smoothed that came from the voice, 0 to 1; None where it is not "
        "known."
    )

    @classmethod
    def of(cls, face: FaceState) -> Self:
        return cls(
            track=face.track,
            zone=face.zone,
            box=face.box,
            label=face.label,
            smoothed=None if face.smoothed is None else Shares.of(face.smoothed),
            mouth_open=face.mouth_open,
            speaking=face.speaking,
            flags=list(face.flags),
            pose=None if face.pose is None else Pose.of(face.pose),
            voice_share=face.voice_share,
        )


class LatestObservation(ResponseBody):
    """A camera's newest moment."""

    camera: str
    time: datetime
    tick: float = Field(description="Seconds from one moment to the next at present.")
    faces: list[CurrentFace]
    max_faces: int = Field(
        description="Faces followed at once; where more are found, the largest are kept."
    )
    left_out: int = Field(
        description="Faces found at this moment but not followed, because of max_faces."
    )

    @classmethod
    def of(cls, seen: Observation) -> Self:
        return cls(
            camera=seen.camera,
            time=utc(seen.time),
            tick=seen.tick,
            faces=[CurrentFace.of(face) for face in seen.faces],
            max_faces=seen.max_faces,
            left_out=seen.left_out,
        )


class Health(ResponseBody):
    """A camera's health."""

    camera: str
    state: CameraState
    since: datetime
    reason: str = Field(description="Why it is not running; empty where it is.")
    restarts: int
    moments_per_second: float
    tick: float = Field(description="Seconds between moments now.")
    latency: float = Field(description="Seconds from picture to reading, 95th percentile.")
    dropped: int = Field(description="Moments that came faster than they could be analyzed.")
    damaged: int = Field(description="Packets or pictures that could not be decoded.")
    remarks: list[str] = Field(
        description="Which of several tracks are used, what changed in mid-stream, what was "
        "damaged: a sentence each."
    )
    last_picture: datetime | None

    @classmethod
    def of(cls, health: CameraHealth, reason: str) -> Self:
        return cls(
            camera=health.camera,
            state=health.state,
            since=utc(health.since),
            reason=reason,
            restarts=health.restarts,
            moments_per_second=health.moments_per_second,
            tick=health.tick,
            latency=health.latency,
            dropped=health.dropped,
            damaged=health.damaged,
            remarks=list(health.remarks),
            last_picture=None if health.last_picture is None else utc(health.last_picture),
        )


class Camera(ResponseBody):
    """A camera of the configuration, or a visitor's."""

    key: str
    name: str
    source: str = Field(description="Where its pictures come from, secrets masked.")
    enabled: bool
    health: Health | None = Field(description="None before it was first started.")


class SingleReading(ResponseBody):
    """One face during one second."""

    camera: str
    zone: str
    time: datetime = Field(description="The second it began with.")
    track: str
    positive: float
    neutral: float
    negative: float
    label: Label
    seen: float = Field(description="Seconds of this second for which it was seen, 0 to 1.")
    speaking: float = Field(description="Seconds for which it spoke.")

    @classmethod
    def of(cls, reading: SecondReading) -> Self:
        return cls(
            camera=reading.camera,
            zone=reading.zone,
            time=utc(reading.second),
            track=reading.track,
            positive=reading.positive,
            neutral=reading.neutral,
            negative=reading.negative,
            label=reading.label,
            seen=reading.seen,
            speaking=reading.speaking,
        )


class Readings(ResponseBody):
    """Single readings, the oldest first."""

    readings: list[SingleReading]
    next_begin: datetime | None = Field(
        description="Where more begin that did not fit; None where these are all."
    )


class AggregateInterval(ResponseBody):
    """What one camera or zone saw over a stretch of time; withheld where that was too little."""

    camera: str
    zone: str = Field(description="Empty for the whole picture.")
    begin: datetime
    end: datetime
    appearances: int = Field(
        description="Stretches of time in which one face was followed; the same person coming "
        "back is another."
    )
    people: int = Field(
        deprecated=True, description="The same as appearances; the next version leaves it out."
    )
    withheld: bool = Field(description="Whether there were too few appearances to say more.")
    seen: float | None = Field(description="Seconds of faces, over everybody.")
    speaking: float | None = Field(description="Seconds of speech, over everybody.")
    positive: float | None = Field(description="Its share of the seconds of faces, 0 to 1.")
    neutral: float | None
    negative: float | None
    watched: float = Field(description="Seconds for which the camera watched, seen or not.")

    @classmethod
    def of(cls, given: Aggregate) -> Self:
        return cls(
            camera=given.camera,
            zone=given.zone,
            begin=utc(given.begin),
            end=utc(given.end),
            appearances=given.appearances,
            people=given.appearances,
            withheld=given.is_withheld,
            seen=given.seen,
            speaking=given.speaking,
            positive=given.positive,
            neutral=given.neutral,
            negative=given.negative,
            watched=given.watched,
        )


class AlertEvent(ResponseBody):
    """An alert that started or ended: a rule about a share, a camera that is down, a full disk."""

    incident: str = Field(description="The same at its start and its end.")
    kind: AlertKind = Field(description="What it is about.")
    rule: str
    name: str
    camera: str = Field(description="Empty for a disk.")
    zone: str
    time: datetime
    active: bool = Field(description="True when it started, false when it ended.")
    sentiment: str = Field(description="Of a rule; empty otherwise.")
    share: float
    limit: float
    minutes: float
    reason: str = Field(
        description="Why a camera is down, how full a disk is, or why it ended if not by its limit."
    )

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls(
            incident=alert.incident,
            kind=alert.kind,
            rule=alert.rule,
            name=alert.name,
            camera=alert.camera,
            zone=alert.zone,
            time=utc(alert.time),
            active=alert.active,
            sentiment=alert.sentiment,
            share=alert.share,
            limit=alert.limit,
            minutes=alert.minutes,
            reason=str(alert.reason),
        )


class AcknowledgementEvent(ResponseBody):
    """Who has acknowledged an alert, and when."""

    incident: str
    user: str
    time: datetime

    @classmethod
    def of(cls, given: Acknowledgement) -> Self:
        return cls(incident=given.incident, user=given.user, time=utc(given.time))


class DeliveryResult(ResponseBody):
    """A message about an alert, and its outcome."""

    channel: str = Field(description="The channel's name.")
    event: str = Field(description="begin, end, reminder, summary, test or digest.")
    time: datetime
    state: DeliveryState
    reason: str = Field(description="Why it was not delivered; empty if it was.")
    attempts: int

    @classmethod
    def of(cls, given: Delivery, reason: str) -> Self:
        return cls(
            channel=given.channel,
            event=given.event,
            time=utc(given.time),
            state=given.state,
            reason=reason,
            attempts=given.attempts,
        )


class Incident(ResponseBody):
    """One alert from start to end: who was notified, who acknowledged it."""

    begin: AlertEvent
    end: AlertEvent | None = Field(description="None while it is active.")
    acknowledgement: AcknowledgementEvent | None = Field(description="None if nobody has.")
    deliveries: list[DeliveryResult] = Field(description="The newest first.")

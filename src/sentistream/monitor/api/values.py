"""What the API answers about people's feelings; times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from sentistream.monitor.api.times import utc
from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.observations import (
    Alert,
    CameraHealth,
    CameraState,
    FaceState,
    Observation,
    SecondReading,
)
from sentistream.types import Distribution, Flag, HeadPose, Label


class Value(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Question(BaseModel):
    """Base of all request bodies; what is not known is refused, so that slips are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shares(Value):
    """How much of each sentiment, 0 to 1."""

    positive: float
    neutral: float
    negative: float

    @classmethod
    def of(cls, given: Distribution) -> Self:
        return cls(positive=given.positive, neutral=given.neutral, negative=given.negative)


class Pose(Value):
    """Which way a head is turned, degrees; 0, 0, 0 looks straight into the camera, upright."""

    yaw: float = Field(description="To the side; positive where it turns to the viewer's right.")
    pitch: float = Field(description="Up or down; positive where it looks down.")
    roll: float = Field(description="Tilted in the picture; positive clockwise.")

    @classmethod
    def of(cls, given: HeadPose) -> Self:
        return cls(yaw=given.yaw, pitch=given.pitch, roll=given.roll)


class FaceNow(Value):
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


class Now(Value):
    """A camera's newest moment."""

    camera: str
    time: datetime
    tick: float = Field(description="Seconds from one moment to the next at present.")
    faces: list[FaceNow]
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
            faces=[FaceNow.of(face) for face in seen.faces],
            max_faces=seen.max_faces,
            left_out=seen.left_out,
        )


class Health(Value):
    """How a camera does."""

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


class Camera(Value):
    """A camera of the configuration, or a visitor's."""

    key: str
    name: str
    source: str = Field(description="Where its pictures come from, secrets masked.")
    enabled: bool
    health: Health | None = Field(description="None before it was first started.")


class SingleReading(Value):
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


class Readings(Value):
    """Single readings, the oldest first."""

    readings: list[SingleReading]
    next_begin: datetime | None = Field(
        description="Where more begin that did not fit; None where these are all."
    )


class Stretch(Value):
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


class Told(Value):
    """A rule that came true, or is true no longer."""

    rule: str
    name: str
    camera: str
    zone: str
    time: datetime
    active: bool = Field(description="True when it came true, false when it ended.")
    sentiment: str
    share: float
    limit: float
    minutes: float

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls(
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
        )

"""The values that the monitor returns; times are aware datetimes in UTC, shares are 0 to 1."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face as it is now.

    Attributes:
        track: A random name, kept while the face is tracked.
        zone: The zone it is in; empty if none was drawn.
        box: Left, top, right, bottom as shares of the picture.
        label: positive, neutral, negative or unknown.
        positive, neutral, negative: The accumulated distribution; None if the expression is
            not read, for instance of a face that is turned away.
        mouth_open: Probability that the mouth is open; None if the expression is not read.
        speaking: Whether a voice was attributed to it.
        flags: What lowers the quality of its reading, such as turned_away.
        yaw: Degrees by which the head is turned aside, positive to the viewer's right; None,
            like the next two, if unknown.
        pitch: Degrees by which it looks down.
        roll: Degrees by which it is tilted in the picture, positive clockwise.
        voice_share: The part of the accumulated distribution that came from the voice; None
            if unknown.
    """

    track: str
    zone: str
    box: tuple[float, float, float, float]
    label: str
    positive: float | None
    neutral: float | None
    negative: float | None
    mouth_open: float | None
    speaking: bool
    flags: tuple[str, ...]
    yaw: float | None
    pitch: float | None
    roll: float | None
    voice_share: float | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        left, top, right, bottom = given["box"]
        smoothed = given["smoothed"] or {}
        pose = given["pose"] or {}
        return cls(
            track=given["track"],
            zone=given["zone"],
            box=(left, top, right, bottom),
            label=given["label"],
            positive=smoothed.get("positive"),
            neutral=smoothed.get("neutral"),
            negative=smoothed.get("negative"),
            mouth_open=given["mouth_open"],
            speaking=given["speaking"],
            flags=tuple(given["flags"]),
            yaw=pose.get("yaw"),
            pitch=pose.get("pitch"),
            roll=pose.get("roll"),
            voice_share=given["voice_share"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A camera's newest moment.

    Attributes:
        camera: Its key.
        time: When.
        tick: Seconds from one moment to the next.
        faces: All tracked faces.
        max_faces: Most faces tracked at once.
        left_out: Faces found but not tracked, because of ``max_faces``.
    """

    camera: str
    time: datetime
    tick: float
    faces: tuple[Face, ...]
    max_faces: int
    left_out: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        return cls(
            camera=given["camera"],
            time=_time(given["time"]),
            tick=given["tick"],
            faces=tuple(Face.of(face) for face in given["faces"]),
            max_faces=given["max_faces"],
            left_out=given["left_out"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A camera's health.

    Attributes:
        camera: Its key.
        state: starting, running, waiting, paused or stopped.
        since: When that began.
        reason: Why it is not running; empty if it is.
        restarts: How often it was started again.
        moments_per_second: The current rate of analysis.
        latency: Seconds from a picture to its reading, 95th percentile.
        dropped: Moments that arrived faster than they could be analyzed.
        damaged: Packets or pictures that could not be decoded.
        remarks: Which of several tracks are used, what changed in mid-stream, what was damaged:
            a sentence each.
        last_picture: When the newest picture arrived; None before the first.
    """

    camera: str
    state: str
    since: datetime
    reason: str
    restarts: int
    moments_per_second: float
    latency: float
    dropped: int
    damaged: int
    remarks: tuple[str, ...]
    last_picture: datetime | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        last = given.get("last_picture")
        return cls(
            camera=given["camera"],
            state=given["state"],
            since=_time(given["since"]),
            reason=given["reason"],
            restarts=given["restarts"],
            moments_per_second=given["moments_per_second"],
            latency=given["latency"],
            dropped=given["dropped"],
            damaged=given["damaged"],
            remarks=tuple(given["remarks"]),
            last_picture=None if last is None else _time(last),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera; ``source`` without its secrets, ``health`` None before its first start."""

    key: str
    name: str
    source: str
    enabled: bool
    health: Health | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        health = given["health"]
        return cls(
            key=given["key"],
            name=given["name"],
            source=given["source"],
            enabled=given["enabled"],
            health=None if health is None else Health.of(health),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One face during one second.

    Attributes:
        camera, zone, track: Where and whose.
        time: The second it began with.
        label: The last label in this second.
        positive, neutral, negative: Mean of the accumulated distributions.
        seen: Seconds for which the face was seen.
        speaking: Seconds for which a voice was attributed to it.
    """

    camera: str
    zone: str
    time: datetime
    track: str
    label: str
    positive: float
    neutral: float
    negative: float
    seen: float
    speaking: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        names = ("camera", "zone", "track", "label", "seen", "speaking")
        shares = ("positive", "neutral", "negative")
        return cls(time=_time(given["time"]), **{name: given[name] for name in (*names, *shares)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a camera or zone saw over a stretch of time.

    Attributes:
        camera, zone: Where; the zone is empty for the whole picture.
        begin, end: When, excluding the end.
        appearances: Stretches of time in which one face was tracked; a person who comes back
            is a new one.
        withheld: Whether there were too few to say more; then the following are None.
        seen: Seconds of faces, over everybody.
        speaking: Seconds of speech, over everybody.
        positive, neutral, negative: Shares of ``seen``; also None if nobody was seen.
        watched: Seconds for which the camera watched; given even if withheld.
    """

    camera: str
    zone: str
    begin: datetime
    end: datetime
    appearances: int
    withheld: bool
    seen: float | None
    speaking: float | None
    positive: float | None
    neutral: float | None
    negative: float | None
    watched: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        names = ("camera", "zone", "appearances", "withheld", "seen", "speaking", "watched")
        shares = ("positive", "neutral", "negative")
        return cls(
            begin=_time(given["begin"]),
            end=_time(given["end"]),
            **{name: given[name] for name in (*names, *shares)},
        )

    @property
    def people(self) -> int:
        """The same as ``appearances``. Deprecated: the next version removes it."""
        warnings.warn(
            "Aggregate.people is called appearances now.", DeprecationWarning, stacklevel=2
        )
        return self.appearances


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert that started (``active``) or ended; both have the same ``incident``.

    ``kind`` is ``sentiment``, ``camera``, ``disk`` or ``shop``; ``reason`` says why a camera is
    down or how full a disk is.
    """

    incident: str
    kind: str
    rule: str
    name: str
    camera: str
    zone: str
    time: datetime
    active: bool
    sentiment: str
    share: float
    limit: float
    minutes: float
    reason: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        names = (
            "incident",
            "kind",
            "reason",
            "rule",
            "name",
            "camera",
            "zone",
            "active",
            "sentiment",
            "share",
            "limit",
        )
        return cls(
            time=_time(given["time"]),
            minutes=given["minutes"],
            **{name: given[name] for name in names},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """This many events were dropped before the next one, because they were not read in time."""

    count: int


Event = Observation | Health | Alert | Reading | Dropped
"""The events of ``Client.events``."""

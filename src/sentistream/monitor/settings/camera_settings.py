"""One camera: its source, its hours, its zones and masks."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from sentistream.decoder_names import DecoderName
from sentistream.errors import InputError
from sentistream.monitor.settings.settings_base import Key, SettingsGroup, Title
from sentistream.prior import AS_LEARNED, get_prior
from sentistream.profiles import MAX_FACES
from sentistream.redaction import is_address, secrets_in, shown_address
from sentistream.translatable import Translatable

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]
"""A point in the picture: x and y as shares of its width and height, from the upper left."""


_ADDRESS_WITHOUT_SCHEME = re.compile(
    r"(?i)(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:[/?]|$)"  # an IPv4 address
    r"|\[[0-9a-f:.]+\]"  # an IPv6 address
    r"|[^\s/@]+@[\w\[]"  # a login before a host
    r"|[a-z0-9][a-z0-9.-]*:\d{2,5}(?:[/?]|$)"  # a host and a port
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:local|lan|home|internal|fritz\.box)(?::\d+)?(?:[/?]|$))"
)
_ONE_SLASH = re.compile(r"(?i)(?:rtsps?|https?|rtmps?|srt|udp):(?!//)")


def source_problem(source: str) -> str:
    """What is wrong with the notation of a source; empty if nothing is.

    The camera's worker finds out whether it can be opened.
    """
    if not source:
        return Translatable("a camera needs a source")
    if _ONE_SLASH.match(source):
        return Translatable("two slashes follow the colon of an address, as in rtsp://")
    if not _ADDRESS_WITHOUT_SCHEME.match(source):
        return ""
    with suppress(OSError):
        if Path(source).exists():
            return ""
    return Translatable("this is a network address: write rtsp:// (or http://) before it")


class Hours(SettingsGroup):
    """A time range on some days of the week, in the machine's time zone."""

    days: tuple[Weekday, ...] = Field(
        default=WEEKDAYS, min_length=1, title="Days", description="On which days of the week."
    )
    begin: time = Field(
        default=time(0, 0), title="From", description="When it begins, for instance 09:00."
    )
    end: time = Field(
        default=time(0, 0),
        title="To",
        description="When it ends; if not after the beginning, on the next day.",
    )


class Zone(SettingsGroup):
    """A part of the picture: counted separately, or masked before anything is detected."""

    name: Key = Field(title="Key", description="Short name in tables and topics.")
    title: str = Field(
        default="",
        max_length=80,
        title="Name",
        description="Its display name; the key if it is empty.",
    )
    points: tuple[Point, ...] = Field(
        min_length=3,
        max_length=32,
        title="Corners",
        description="The corners in order, each as shares of the picture's width and height.",
    )
    masked: Literal["never", "always", "scheduled"] = Field(
        default="never",
        title="Masked",
        description=(
            "Whether the zone is blackened before faces are detected, as where staff work: "
            "never (it is counted as a zone), always, or within its hours (counted otherwise)."
        ),
    )
    hours: tuple[Hours, ...] = Field(
        default=(),
        validate_default=True,
        title="Masked hours",
        description="When a scheduled zone is masked.",
    )

    @property
    def shown_name(self) -> str:
        """Its display name."""
        return self.title or self.name

    @field_validator("hours")
    @classmethod
    def _scheduled_needs_hours(
        cls, value: tuple[Hours, ...], others: ValidationInfo
    ) -> tuple[Hours, ...]:
        masked = others.data.get("masked")
        if masked is not None and (masked == "scheduled") != bool(value):
            raise ValueError("hours are given exactly where masked is 'scheduled'")
        return value


class CameraSettings(SettingsGroup):
    """A camera, a stream, or a file that is played like one."""

    name: Title = Field(default="Camera", title="Name", description="Its display name.")
    source: SecretStr = Field(
        title="Source",
        description=(
            "The number of a webcam (0) or its device (/dev/video0), an address (rtsp://, "
            "rtsps://, http://, https://, udp://, srt://), a video file's path, or demo: for the "
            "demonstration clip. It may contain a password and is never shown in full."
        ),
    )
    small_source: SecretStr = Field(
        default=SecretStr(""),
        title="Smaller stream",
        description=(
            "The address of the same camera's smaller stream, if it has one: less to decode. "
            "Setting up a camera by ONVIF fills it in."
        ),
    )
    stream: Literal["auto", "main", "sub"] = Field(
        default="auto",
        title="Stream",
        description=(
            "Which of the two is read: main (the source), sub (the smaller stream), or auto: the "
            "smaller stream if its pictures have at least 720 rows and columns, as otherwise "
            "faces far away are too small."
        ),
    )
    enabled: bool = Field(
        default=True, title="Enabled", description="Whether it is analyzed at all."
    )
    transport: Literal["tcp", "udp"] = Field(
        default="tcp", title="RTSP transport", description="How RTSP packets are transported."
    )
    sound: bool = Field(default=True, title="Sound", description="Whether its sound is analyzed.")
    microphone: str = Field(
        default="",
        max_length=120,
        title="Microphone",
        description=(
            "For a webcam: its microphone. On Linux an ALSA device, for instance hw:1 or default; "
            "on macOS its number, its name or default; on Windows its name."
        ),
    )
    pace: float = Field(
        default=1.0,
        ge=0.1,
        le=100,
        title="Pace of a file",
        description="Seconds of a file played per second; files start over at their end.",
    )
    max_faces: int = Field(
        default=MAX_FACES,
        ge=1,
        le=64,
        title="Most faces",
        description="Faces tracked at once; if more are found, the largest are kept.",
    )
    prior: str = Field(
        default=AS_LEARNED,
        max_length=40,
        title="Prior",
        description=(
            "How common positive, neutral and negative are where it watches: learned (as the "
            "networks learned them), uniform, acted, everyday, or three numbers such as "
            "0.2,0.6,0.2."
        ),
    )
    video_track: int = Field(
        default=0,
        ge=0,
        le=99,
        title="Video track",
        description="Of a file or stream with several, from 1; 0 for one that is not empty.",
    )
    audio_track: int = Field(
        default=0,
        ge=0,
        le=99,
        title="Audio track",
        description="Of a file or stream with several, from 1; 0 for one that is not empty.",
    )
    decoder: DecoderName = Field(
        default="auto",
        title="Decoder",
        description=(
            "What decodes its pictures: auto (the machine's own decoder where there is one that "
            "works, else software), software, or one by name. Where that does not work software "
            "decodes, and the camera's state says so."
        ),
    )
    hours: tuple[Hours, ...] = Field(
        default=(),
        title="Watching hours",
        description="When it is analyzed; outside them nothing is decoded. None means always.",
    )
    zones: tuple[Zone, ...] = Field(
        default=(), max_length=16, title="Zones", description="Parts of its picture."
    )

    @field_validator("prior")
    @classmethod
    def _known_prior(cls, value: str) -> str:
        try:
            return get_prior(value).name
        except InputError as error:
            raise ValueError(str(error)) from None

    @field_validator("source", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("source")
    @classmethod
    def _is_a_source(cls, value: SecretStr) -> SecretStr:
        problem = source_problem(value.get_secret_value().strip())
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("small_source")
    @classmethod
    def _is_an_address(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value().strip()
        if address and not is_address(address):
            raise ValueError("the smaller stream is an address, for instance rtsp://")
        return value

    @field_validator("stream")
    @classmethod
    def _sub_needs_a_smaller_stream(cls, value: str, others: ValidationInfo) -> str:
        small = others.data.get("small_source")
        if value == "sub" and small is not None and not small.get_secret_value().strip():
            raise ValueError("stream is sub, but no smaller stream is given")
        return value

    @field_validator("zones")
    @classmethod
    def _zone_keys_are_unique(cls, value: tuple[Zone, ...]) -> tuple[Zone, ...]:
        names = [zone.name for zone in value]
        if len(names) != len(set(names)):
            raise ValueError("two zones have the same key")
        return value

    @property
    def secrets(self) -> set[str]:
        """The secret parts of its addresses."""
        addresses = (self.source, self.small_source)
        return set().union(*(secrets_in(each.get_secret_value()) for each in addresses))

    @property
    def redacted_source(self) -> str:
        """The source without user, password or query, safe to show."""
        source = self.source.get_secret_value()
        return shown_address(source) if is_address(source) else source

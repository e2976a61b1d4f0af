"""Who is notified, and when: alert rules, e-mail, ntfy, webhooks, an MQTT broker, digests."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from sentistream.monitor.settings.camera_settings import Hours
from sentistream.monitor.settings.settings_base import Key, SettingsGroup, Title
from sentistream.translatable import Translatable

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Where a password may be sent without encryption."""

_ADDRESS = re.compile(r'[^\s@<>,;:()\[\]\\"]+@[^\s@<>,;:()\[\]\\"]+')


def is_email_address(text: str) -> bool:
    """Whether it is an address such as owner@example.org, without a name before it."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def _address(text: str) -> str:
    if not is_email_address(text):
        raise ValueError(Translatable("{text} is not an e-mail address", text=text))
    return text


EmailAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)
]
"""An address such as owner@example.org, without a name before it."""


class AlertRule(SettingsGroup):
    """For instance: negative above 40 % for 10 minutes."""

    key: Key = Field(title="Key", description="Short name in topics and messages.")
    name: Title = Field(title="Name", description="Its display name.")
    camera: Key | Literal[""] = Field(
        default="",
        title="Camera",
        description="Key of the camera; empty for each camera separately.",
    )
    zone: Key | Literal[""] = Field(
        default="", title="Zone", description="Key of the zone; empty for the whole picture."
    )
    sentiment: Literal["positive", "neutral", "negative"] = Field(
        default="negative", title="Sentiment", description="Which share is watched."
    )
    direction: Literal["above", "below"] = Field(
        default="above", title="Direction", description="On which side of the limit it alerts."
    )
    limit: float = Field(
        default=0.4,
        ge=0,
        le=1,
        title="Limit",
        description="The share, 0 to 1, of the time of faces.",
    )
    minutes: float = Field(
        default=10,
        ge=0.1,
        le=24 * 60,
        title="For minutes",
        description="The time over which the share is taken, up to now.",
    )
    quiet_minutes: float = Field(
        default=30,
        ge=0,
        le=7 * 24 * 60,
        title="Quiet minutes",
        description="How long after an alert no further one is sent.",
    )
    end_limit: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="End limit",
        description="The share at which the alert ends again; empty for five percentage points "
        "back over the limit.",
    )
    remind_minutes: float = Field(
        default=0,
        ge=0,
        le=7 * 24 * 60,
        title="Reminders",
        description="Minutes between two reminders while nobody has acknowledged it; 0 for none.",
    )
    quiet_hours: tuple[Hours, ...] = Field(
        default=(),
        max_length=16,
        title="Quiet hours",
        description="When nobody is notified of this alert, on any channel.",
    )

    @model_validator(mode="after")
    def _ends_on_the_other_side(self) -> Self:
        if self.end_limit is None:
            return self
        if self.direction == "above" and self.end_limit > self.limit:
            raise ValueError("an alert above a limit ends at that limit or below it")
        if self.direction == "below" and self.end_limit < self.limit:
            raise ValueError("an alert below a limit ends at that limit or above it")
        return self


class HealthAlerts(SettingsGroup):
    """Alerts about the monitor itself: cameras that are down, a disk that is nearly full."""

    camera: bool = Field(
        default=True, title="Camera down", description="Whether a camera that is down is an alert."
    )
    camera_minutes: float = Field(
        default=2,
        ge=0,
        le=24 * 60,
        title="Down for minutes",
        description="How long it must be down first; it must run for a minute before the alert "
        "ends.",
    )
    disk: bool = Field(
        default=True,
        title="Disk nearly full",
        description="Whether a disk that is nearly full is an alert.",
    )
    disk_gigabytes: float = Field(
        default=2,
        ge=0.01,
        le=100_000,
        title="Free gigabytes",
        description="Less free space than this is too little (a tenth of the disk if that is "
        "less); the alert ends at a quarter more.",
    )
    remind_minutes: float = Field(
        default=0,
        ge=0,
        le=7 * 24 * 60,
        title="Reminders",
        description="Minutes between two reminders while nobody has acknowledged it; 0 for none.",
    )


class Channel(SettingsGroup):
    """A way to tell people: what is told, and when not."""

    events: tuple[Literal["alert", "camera", "disk", "shop"], ...] = Field(
        default=("alert", "camera", "disk", "shop"),
        min_length=1,
        title="Events",
        description="What is sent.",
    )
    ends: bool = Field(
        default=True, title="Ends, too", description="Whether the end of an alert is sent, too."
    )
    quiet_hours: tuple[Hours, ...] = Field(
        default=(),
        max_length=16,
        title="Quiet hours",
        description="When nothing is sent, in the machine's time zone.",
    )
    after_quiet_hours: Literal["send", "drop"] = Field(
        default="send",
        title="After quiet hours",
        description="Whether what happened in quiet hours is sent after them, in one message, or "
        "not at all.",
    )


class MailServer(SettingsGroup):
    """A mail server (SMTP), and whom to write to."""

    host: str = Field(
        default="",
        max_length=255,
        pattern=r"^[^\s/@]*$",
        title="Mail server",
        description="The SMTP server, such as smtp.example.org; empty for none.",
    )
    port: int = Field(
        default=587,
        ge=1,
        le=65535,
        title="Port",
        description="Usually 587 for STARTTLS, 465 for TLS.",
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        title="Encryption",
        description="How the connection is encrypted; the server's certificate is verified.",
    )
    username: str = Field(
        default="", max_length=254, title="User", description="Login name; empty for no login."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Its password; never shown."
    )
    password_file: Path | None = Field(
        default=None,
        title="Password file",
        description="A file whose first line is the password, instead of the password here.",
    )
    sender: str = Field(
        default="",
        max_length=254,
        title="Sender",
        description="The address that messages come from; empty for the user's, if it is one.",
    )
    recipients: tuple[EmailAddress, ...] = Field(
        default=(),
        max_length=32,
        title="Recipients",
        description="The addresses that receive alerts, separated by commas.",
    )

    @field_validator("recipients", mode="before")
    @classmethod
    def _addresses_in_a_line(cls, value: object) -> object:
        return split_addresses(value)

    @field_validator("sender")
    @classmethod
    def _an_address_or_nothing(cls, value: str) -> str:
        return _address(value.strip()) if value.strip() else ""

    @property
    def from_address(self) -> str:
        """The address that messages come from; empty if there is none."""
        return self.sender or (self.username if "@" in self.username else "")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.host:
            return self
        if not self.recipients:
            raise ValueError("e-mail needs at least one recipient")
        if not self.from_address:
            raise ValueError("e-mail needs a sender: the address that messages come from")
        has_password = bool(self.password.get_secret_value()) or self.password_file is not None
        if has_password and not self.username:
            raise ValueError("the password of the mail server needs a user")
        if has_password and self.security == "none" and self.host not in LOCAL_HOSTS:
            raise ValueError("a password is only sent encrypted: choose STARTTLS or TLS")
        return self


class EmailSettings(Channel, MailServer):  # the bases' fields come in reverse: the server first
    """A mail server (SMTP) by which alerts and digests are sent."""


class TopicAddress(SettingsGroup):
    """Where a topic of ntfy is."""

    name: str = Field(
        default="", max_length=80, title="Name", description="Its display name; may be empty."
    )
    server: str = Field(
        default="https://ntfy.sh",
        max_length=255,
        pattern=r"^https?://[^/?#\s@]+(/[A-Za-z0-9._~-]+)*/?$",
        title="Server",
        description="https://ntfy.sh or your own; on a public server whoever knows the topic reads "
        "it.",
    )
    topic: SecretStr = Field(
        title="Topic",
        description="Letters, digits, _ and -; hard to guess on a public server, and never shown.",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        title="Token",
        description="Access token of a protected topic (tk_...); never shown.",
    )

    @field_validator("topic")
    @classmethod
    def _fits_an_address(cls, value: SecretStr) -> SecretStr:
        if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value.get_secret_value()) is None:
            raise ValueError("a topic consists of 1 to 64 letters, digits, _ and -")
        return value


class NtfyTopic(Channel, TopicAddress):
    """A topic of an ntfy server, which telephones subscribe to."""


class DigestSettings(SettingsGroup):
    """A summary of the last week or month, by e-mail with a PDF."""

    weekly: bool = Field(
        default=False, title="Weekly", description="Whether one is sent on Mondays."
    )
    monthly: bool = Field(
        default=False, title="Monthly", description="Whether one is sent on the first of the month."
    )
    send_at: time = Field(
        default=time(7, 0), title="Time", description="When, in the machine's time zone."
    )
    recipients: tuple[EmailAddress, ...] = Field(
        default=(),
        max_length=32,
        title="Recipients",
        description="The addresses that receive it; empty for those that receive alerts.",
    )

    @field_validator("recipients", mode="before")
    @classmethod
    def _addresses_in_a_line(cls, value: object) -> object:
        return split_addresses(value)


def split_addresses(value: object) -> object:
    """Addresses in a line, as a tuple; anything else as it is."""
    return (
        tuple(part for part in re.split(r"[,;\s]+", value) if part)
        if isinstance(value, str)
        else value
    )


class MqttSettings(SettingsGroup):
    """A broker that receives readings, states and alerts; Home Assistant discovers them there."""

    host: str = Field(
        default="", max_length=255, title="Host", description="The broker; empty for none."
    )
    port: int = Field(default=1883, ge=1, le=65535, title="Port", description="The broker's port.")
    username: str = Field(default="", max_length=120, title="User", description="Login name.")
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Its password; never shown."
    )
    tls: bool = Field(
        default=False, title="TLS", description="Whether the connection is encrypted."
    )
    topic: str = Field(
        default="sentistream",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        title="Topic",
        description="What every topic begins with; unless it contains the word sentistream, "
        "a level of that name follows, so that others may share it.",
    )
    discovery: str = Field(
        default="homeassistant",
        pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$",
        title="Discovery topic",
        description="Home Assistant's discovery prefix; empty to announce nothing.",
    )
    every: float = Field(
        default=5, ge=1, le=3600, title="Seconds", description="Between two messages of a camera."
    )


class WebhookAddress(SettingsGroup):
    """Where a webhook's messages go, and whom they are written for."""

    name: str = Field(
        default="", max_length=80, title="Name", description="Its display name; may be empty."
    )
    format: Literal["json", "slack", "teams", "discord"] = Field(
        default="json", title="Format", description="The service that receives the message."
    )
    url: HttpUrl = Field(title="Address", description="Where the message is sent by POST.")
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description="Signs each message: HMAC-SHA256 in the header X-Sentistream-Signature.",
    )


class Webhook(Channel, WebhookAddress):
    """An address that receives alerts: another program, or a channel of Slack, Teams or Discord."""

    events: tuple[Literal["alert", "camera", "disk", "shop"], ...] = Field(
        default=("alert",), min_length=1, title="Events", description="What is sent."
    )

"""Who is notified, and when: alert rules, an MQTT broker, webhooks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, HttpUrl, SecretStr

from sentistream.monitor.settings.settings_base import Key, SettingsGroup, Title


class AlertRule(SettingsGroup):
    """For instance: negative above 40 % for 10 minutes."""

    key: Key = Field(title="Key", description="Short name in topics and messages.")
    name: Title = Field(title="Name", description="Its display name.")
    camera: Key | Literal[""] = Field(
        default="", title="Camera", description="Key of the camera; empty for each by itself."
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


class Webhook(SettingsGroup):
    """An address that receives alerts, and cameras that fail or recover, as JSON."""

    url: HttpUrl = Field(title="Address", description="Where a JSON message is sent by POST.")
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description="Signs each message: HMAC-SHA256 in the header X-Sentistream-Signature.",
    )
    events: tuple[Literal["alert", "camera"], ...] = Field(
        default=("alert",), min_length=1, title="Events", description="What is sent."
    )

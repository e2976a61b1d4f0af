"""Who is told beside the page: a message broker, other programs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, HttpUrl, SecretStr

from sentistream.monitor.settings.base import Group


class MqttSettings(Group):
    """A broker that receives readings, states and alerts; Home Assistant finds them there."""

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
        description="What every topic begins with; where the word sentistream is not in it, "
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


class Webhook(Group):
    """An address that is told of alerts and of cameras that fail or recover."""

    url: HttpUrl = Field(title="Address", description="Where a JSON message is sent by POST.")
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description="Signs each message: HMAC-SHA256 in the header X-Sentistream-Signature.",
    )
    events: tuple[Literal["alert", "camera"], ...] = Field(
        default=("alert",), min_length=1, title="Events", description="What is sent."
    )

"""When somebody is to be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sentistream.monitor.settings.base import Group, Key, Title


class AlertRule(Group):
    """For instance: negative above 40 % for 10 minutes."""

    key: Key = Field(title="Key", description="Short name in topics and messages.")
    name: Title = Field(title="Name", description="What people call it.")
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
        default="above", title="Direction", description="On which side of the limit it is told."
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
        description="After it was told, how long it is not told again.",
    )

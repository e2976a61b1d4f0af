"""A monitor that is the headquarters of many shops."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from sentistream.monitor.settings.settings_base import SettingsGroup, Title


class HeadquartersSettings(SettingsGroup):
    """Makes this monitor the headquarters of other sites, which report to it by an MQTT broker."""

    host: str = Field(
        default="",
        max_length=255,
        pattern=r"^[A-Za-z0-9:._-]*$",
        title="Broker",
        description="The broker through which sites report; empty if this is not a headquarters.",
    )
    port: int = Field(default=8883, ge=1, le=65535, title="Port", description="The broker's port.")
    tls: bool = Field(
        default=True,
        title="TLS",
        description="Whether connections to the broker are encrypted; turn it off only to try it "
        "out.",
    )
    ca_file: Path | None = Field(
        default=None,
        title="Authority",
        description="PEM file of the authority that signed the broker's certificate, if it is your "
        "own; join codes carry it to the sites.",
    )
    username: str = Field(
        default="", max_length=120, title="User", description="Headquarters' login at the broker."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Its password; never shown."
    )
    site_host: str = Field(
        default="",
        max_length=255,
        pattern=r"^[A-Za-z0-9:._-]*$",
        title="Broker for sites",
        description="The broker's name as sites reach it; empty if it is the same.",
    )
    site_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        title="Port for sites",
        description="The broker's port as sites reach it; 0 if it is the same.",
    )
    site_username: str = Field(
        default="",
        max_length=120,
        title="Sites' user",
        description="The sites' login at the broker; join codes carry it.",
    )
    site_password: SecretStr = Field(
        default=SecretStr(""),
        title="Sites' password",
        description="Its password; anybody with a join code knows it.",
    )
    topic: str = Field(
        default="sentistream/fleet",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        max_length=120,
        title="Topic",
        description="What every topic of the fleet begins with.",
    )
    name: Title = Field(
        default="Headquarters",
        title="Name",
        description="What sites call this headquarters on their privacy pages.",
    )
    code_hours: float = Field(
        default=72, ge=0.1, le=24 * 30, title="Code", description="Hours until a join code expires."
    )
    silent_minutes: float = Field(
        default=15,
        ge=2,
        le=7 * 24 * 60,
        title="Silent after",
        description="Minutes without a message after which a shop counts as silent.",
    )
    minutes_days: int = Field(
        default=90,
        ge=62,  # longer than anything waits at a site, so that duplicates are recognised
        le=3650,
        title="Days of minutes",
        description="How long the shops' sums by the minute are kept.",
    )
    totals_days: int = Field(
        default=1825,
        ge=7,
        le=36500,
        title="Days of totals",
        description="How long their totals by hour and day, and alerts, are kept.",
    )

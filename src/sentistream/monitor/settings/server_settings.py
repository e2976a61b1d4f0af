"""The page and the API: where they listen, and their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sentistream.monitor.settings.settings_base import SettingsGroup

RESERVED_PATHS = frozenset(
    [
        *("about", "account", "alerts", "api", "assets", "choose", "health", "history", "live"),
        *(
            "login",
            "logout",
            "metrics",
            "privacy",
            "ready",
            "settings",
            "setup",
            "shops",
            "static-login",
        ),
        "try",
        "start",
        "offline",
        "manifest.webmanifest",
        "service-worker.js",
    ]
)
"""First segments of the page's and the API's own paths."""


class ServerSettings(SettingsGroup):
    """By default only reachable from this machine."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=255,
        title="Address",
        description="Where it listens: 127.0.0.1 for this machine alone, 0.0.0.0 for the network.",
    )
    port: int = Field(default=8420, ge=0, le=65535, title="Port", description="0 for any free one.")
    tls_certificate: Path | None = Field(
        default=None, title="TLS certificate", description="PEM file; plain HTTP without one."
    )
    tls_key: Path | None = Field(
        default=None, title="TLS key", description="PEM file of the certificate's key."
    )
    public_url: str = Field(
        default="",
        max_length=200,
        pattern=r"^(https?://[^/?#\s]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)?$",
        title="Public address",
        description="How browsers reach it behind a proxy, for instance https://mood.example.org "
        "or https://example.org/mood.",
    )
    session_hours: float = Field(
        default=12, ge=0.1, le=24 * 90, title="Session", description="Hours until a login ends."
    )
    login_attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        title="Login attempts",
        description="Wrong passwords per minute from one address before it must wait.",
    )
    requests_a_minute: int = Field(
        default=600,
        ge=10,
        le=100_000,
        title="Requests a minute",
        description="From one session or token before it must wait.",
    )
    upload_kilobytes: int = Field(
        default=256,
        ge=1,
        le=10_240,
        title="Largest request",
        description="Larger request bodies are refused.",
    )
    browser_cameras: int = Field(
        default=1,
        ge=0,
        le=16,
        title="Browser cameras",
        description="How many visitors may use their own camera at once; 0 for none.",
    )

    @property
    def prefix(self) -> str:
        """The path of the public address, under which everything is served; empty for none."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def origin(self) -> str:
        """The public address without that path; empty if there is none."""
        return self.public_url.rstrip("/").removesuffix(self.prefix)

    @model_validator(mode="after")
    def _path_of_its_own(self) -> Self:
        first = self.prefix.split("/")[1:2]
        if first and first[0] in RESERVED_PATHS:
            raise ValueError("the path of public_url begins as one of the monitor's own does")
        return self

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self

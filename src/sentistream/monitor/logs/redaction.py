"""Takes secrets out of whatever is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from sentistream.monitor.settings import Settings

REDACTED = "***"
"""What stands where a secret was."""

SHORT = 6
"""Secrets shorter than this are only taken out where they stand alone."""

_PATTERNS = (
    # name and password of an address, also with @ and / inside; rather too much than too little
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s\"'<>]{0,500}@"), rf"\1{REDACTED}@"),
    (
        re.compile(
            r"(?i)\b(pass(?:word|wd|phrase)?|pwd|secret|(?:access_|refresh_|api_)?token|api_?key|"
            r"auth(?:orization)?|signature|session|cookie|csrf)(['\"]?\s*[=:]\s*['\"]?)"
            r"(?!\s)(?:(?:bearer|basic|digest)\s+)?[^\s&'\",;)}\]]+"
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
)


class Redaction:
    """Knows how secrets look, and those that were made known to it. Safe from any thread."""

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None

    def know(self, secrets: Iterable[str]) -> None:
        """These are secrets from now on, those made known before are no more."""
        words = sorted({secret for secret in secrets if secret.strip()}, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, words))) if words else None

    def know_settings(self, settings: Settings) -> None:
        """The secrets of these settings; fit to listen to changes of the configuration."""
        self.know(secrets_of(settings))

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


redaction = Redaction()
"""The one that all of this process's log lines go through."""


def secrets_of(settings: Settings) -> set[str]:
    """Every secret in the settings, also as it stands in an address and as decoded from it."""
    secrets = set()
    for value in _secret_values(settings):
        if "://" in value:
            secrets |= set(_of_address(value))
        elif value not in _plain_sources(settings):
            secrets.add(value)
    for webhook in settings.webhooks:
        # the path of a webhook's address is often its only key
        secrets |= {part for part in (webhook.url.path, webhook.url.query) if part and part != "/"}
    return secrets


def _of_address(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        password = parts.password
    except ValueError:
        yield address
        return
    if password:
        yield from (password, unquote(password), address)
    if parts.query:
        yield parts.query


def _plain_sources(settings: Settings) -> set[str]:
    """Sources that are no addresses: numbers of webcams and paths, which are no secrets."""
    sources = (camera.source.get_secret_value() for camera in settings.cameras.values())
    return {source for source in sources if "://" not in source}


def _secret_values(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _secret_values(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _secret_values(each)


def _pattern(secret: str) -> str:
    if len(secret) >= SHORT:
        return re.escape(secret)
    return rf"(?<!\w){re.escape(secret)}(?!\w)"

"""Redacts secrets in log lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, SecretStr

from sentistream.monitor.settings import Settings
from sentistream.redaction import (
    REDACTED,
    known_pattern,
    secrets_in,
    without_secrets,
)


class LogRedactor:
    """Replaces known secrets, and what looks like one. Safe to use from any thread."""

    def __init__(self) -> None:
        self._pattern: re.Pattern[str] | None = None

    def set_secrets(self, secrets: Iterable[str]) -> None:
        """Sets the known secrets; earlier ones are forgotten."""
        self._pattern = known_pattern(secrets)

    def set_secrets_from(self, settings: Settings) -> None:
        """Sets the secrets of these settings; may be a callback of ``on_change``."""
        self.set_secrets(settings_secrets(settings))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(REDACTED, text)
        return without_secrets(text)


log_redactor: LogRedactor = LogRedactor()
"""Redacts all log lines of this process."""


def settings_secrets(settings: Settings) -> set[str]:
    """All secrets in the settings, both as they are in an address and decoded."""
    addresses = {
        each.get_secret_value()
        for camera in settings.cameras.values()
        for each in (camera.source, camera.small_source)
    }
    addresses.add(settings.storage.url.get_secret_value())
    secrets = set(_secret_values(settings)) - addresses - {""}
    for address in addresses:
        secrets |= secrets_in(address)
    for webhook in settings.webhooks:
        # the path of a webhook's address is often its only secret
        secrets |= secrets_in(str(webhook.url), path=True)
        secrets |= {part for part in (webhook.url.path, webhook.url.query) if part and part != "/"}
    return secrets


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

"""Takes secrets out of whatever is written."""

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


class Redaction:
    """Knows how secrets look, and those that were made known to it. Safe from any thread."""

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None

    def know(self, secrets: Iterable[str]) -> None:
        """These are secrets from now on, those made known before are no more."""
        self._known = known_pattern(secrets)

    def know_settings(self, settings: Settings) -> None:
        """The secrets of these settings; fit to listen to changes of the configuration."""
        self.know(secrets_of(settings))

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return without_secrets(text)


redaction = Redaction()
"""The one that all of this process's log lines go through."""


def secrets_of(settings: Settings) -> set[str]:
    """Every secret in the settings, also as it stands in an address and as decoded from it."""
    addresses = {camera.source.get_secret_value() for camera in settings.cameras.values()}
    addresses.add(settings.storage.url.get_secret_value())
    secrets = set(_secret_values(settings)) - addresses - {""}
    for address in addresses:
        secrets |= secrets_in(address)
    for webhook in settings.webhooks:
        # the path of a webhook's address is often its only key
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

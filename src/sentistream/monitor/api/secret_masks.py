"""Masks secrets in the settings, and restores them when their masks come back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import Url

from sentistream.errors import InputError
from sentistream.monitor.settings import Settings
from sentistream.redaction import is_address, secrets_in, shown_address, without_secrets
from sentistream.translatable import Translatable

_KEY = secrets.token_bytes(32)
"""Masks reveal nothing about their secrets; those of an earlier start are unknown."""

_MASKED = re.compile(r"\[masked|\*\*\*")

Kind = tuple[str, str]
"""A group and a field: a mask is valid only in the field it was shown for."""


class SecretMasks:
    """The secrets of one state of the settings.

    Args:
        settings: The current settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._secrets: dict[tuple[Kind, str], str] = {}
        self._shown: dict[str, Any] = _map_leaves(
            settings.model_dump(mode="python"), (), self._remember
        )

    @property
    def shown(self) -> dict[str, Any]:
        """The settings as JSON values, each secret as a mask."""
        return self._shown

    def restored(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Settings as JSON values with the secrets where their masks were.

        Raises:
            InputError: A mask is where it was not shown, or was changed.
        """
        restored: dict[str, Any] = _map_leaves(shown, (), self._restore)
        return restored

    def redact(self, text: str) -> str:
        """A message without the secrets or revealing parts of them."""
        known: set[str] = set()
        for (kind, _), secret in self._secrets.items():
            known |= {secret} | secrets_in(secret, path=kind == ("webhooks", "url"))
        return without_secrets(text, known)

    def _remember(self, kind: Kind, value: Any) -> Any:
        if isinstance(value, SecretStr):
            plain = value.get_secret_value()
        elif isinstance(value, Url) or type(value).__name__ == "HttpUrl":
            plain = str(value)
        elif isinstance(value, Path | time):
            return str(value)
        else:
            return value
        shown = _mask(kind, plain)
        if shown != plain:
            self._secrets[kind, shown] = plain
        return shown

    def _restore(self, kind: Kind, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        kept = self._secrets.get((kind, value))
        if kept is None and kind in _SECRET_FIELDS and _MASKED.search(value):
            raise InputError(
                Translatable(
                    "{group}: the masked {field} is not one that was shown.",
                    group=kind[0],
                    field=kind[1],
                ),
                "Send it back exactly as it was returned, or send a new value.",
            )
        return value if kept is None else kept


_SECRET_FIELDS = {
    ("cameras", "source"),
    ("storage", "url"),
    ("mqtt", "password"),
    ("email", "password"),
    ("ntfy", "topic"),
    ("ntfy", "token"),
    ("webhooks", "url"),
    ("webhooks", "secret"),
}


def _mask(kind: Kind, plain: str) -> str:
    if not plain:
        return ""
    message = f"{kind[0]}.{kind[1]}:{plain}".encode()
    mask = f"[masked {hmac.new(_KEY, message, hashlib.sha256).hexdigest()[:16]}]"
    if kind == ("cameras", "source"):
        shown = shown_address(plain) if is_address(plain) else plain
        return shown if shown == plain else f"{shown} {mask}"
    if kind == ("webhooks", "url"):
        shown = shown_address(plain, path=False)
        return shown if shown == plain else f"{shown} {mask}"
    return mask


def _map_leaves(value: Any, path: tuple[str, ...], leaf: Callable[[Kind, Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _map_leaves(each, (*path, str(key)), leaf) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_map_leaves(each, path, leaf) for each in value]
    return leaf((path[0], path[-1]) if path else ("", ""), value)

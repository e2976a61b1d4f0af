"""Kept secrets must not be sent to a server other than the one they were entered for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from sentistream.monitor.settings.settings_model import Settings


@dataclass(frozen=True, slots=True)
class MovedSecret:
    """A secret whose server has changed.

    Attributes:
        path: Keys and indices of the secret in the new settings.
        server: Names of the settings beside it that say which server it is for.
    """

    path: tuple[str | int, ...]
    server: tuple[str, ...]


def moved_secrets(before: Settings, after: Settings) -> Iterator[MovedSecret]:
    """The kept secrets that ``after`` would send to other servers than ``before`` did.

    Otherwise, somebody who may change settings but does not know a secret could have it sent to
    themselves.
    """
    for group in ("mqtt", "email"):
        old, new = getattr(before, group), getattr(after, group)
        moved = (old.host, old.port) != (new.host, new.port) and new.host
        if moved and _is_same(old.password, new.password):
            yield MovedSecret((group, "password"), ("host", "port"))
        elif group == "email" and moved and new.password_file is not None:
            yield MovedSecret((group, "password_file"), ("host", "port"))
    known = {(topic.server, topic.token) for topic in before.ntfy}
    tokens = {token for _, token in known}
    for number, topic in enumerate(after.ntfy):
        if not topic.token.get_secret_value() or topic.token not in tokens:
            continue
        if (topic.server, topic.token) not in known:
            yield MovedSecret(("ntfy", number, "token"), ("server",))


def _is_same(old: SecretStr, new: SecretStr) -> bool:
    return old == new and new.get_secret_value() != ""

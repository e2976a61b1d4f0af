"""A site's link to its headquarters: a private file in the state folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sentistream.atomic_write import atomic_write
from sentistream.errors import InputError, OutputError
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.monitor.fleet.signatures import is_public_key
from sentistream.translatable import Translatable

LINK_FILE = "headquarters-link.json"
"""The file's name in the state folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """A site that has joined, or is joining.

    Attributes:
        broker: Where messages go.
        topic: Common prefix of all topics.
        site: The site's key.
        name: Headquarters' name for the site.
        headquarters: The public key of headquarters, hexadecimal.
        headquarters_name: Headquarters' own name.
        key: Seed of the key that signs the site's messages, hexadecimal.
        key_made: Wall-clock seconds at which that key was made.
        next_key: Seed of the key that will replace it; empty if there is none.
        joined: Wall-clock seconds at which headquarters accepted the site; None before.
        refused: Why headquarters no longer accepts anything from the site; empty while it does.
    """

    broker: BrokerAddress
    topic: str
    site: str
    name: str
    headquarters: str
    headquarters_name: str
    key: str
    key_made: float
    next_key: str = ""
    joined: float | None = None
    refused: str = ""


def read_link(state: Path) -> LinkState | None:
    """The link in a state folder; None if no site has joined.

    Raises:
        InputError: The file is there and cannot be read.
    """
    path = state / LINK_FILE
    try:
        values = json.loads(path.read_text("utf-8"))
        known = {field.name for field in fields(LinkState)}
        values = {name: value for name, value in values.items() if name in known}
        link = LinkState(**values | {"broker": BrokerAddress(**values["broker"])})
        if not (is_public_key(link.key) and is_public_key(link.headquarters)):
            raise ValueError("a key is missing")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            Translatable("{path} cannot be read.", path=path),
            "Delete it and join again with a new code.",
        ) from None
    return link


def write_link(state: Path, link: LinkState | None) -> None:
    """Writes the link, or deletes it.

    Raises:
        OutputError: The file cannot be written.
    """
    path = state / LINK_FILE
    try:
        if link is None:
            path.unlink(missing_ok=True)
            return
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        values: dict[str, Any] = asdict(link)
        atomic_write(path, json.dumps(values, indent=1) + "\n", private=True)
    except OSError as error:
        raise OutputError(
            Translatable(
                "{path} cannot be written ({words}).",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None

"""Messages between sites and headquarters: a signature followed by compressed JSON.

docs/headquarters.md lists every field. Both sides ignore fields and kinds of records that they do
not know and fill in those that are missing, so that one release may differ from the next.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentistream.monitor.fleet.signatures import SIGNATURE_BYTES, SigningKey

VERSION = 1
"""The version of the messages that this release writes; it reads the next one, too."""

MAX_BYTES = 262_144
"""Bytes of a message as it is sent."""

MAX_JSON_BYTES = 4_194_304
"""Most bytes of its JSON; a signed message that is larger when decompressed is refused."""


class UnreadableMessageError(ValueError):
    """The bytes are not a message."""


@dataclass(frozen=True, slots=True)
class FleetTopics:
    """The topics of one fleet.

    Attributes:
        root: Their common prefix, for instance ``sentistream/fleet``.
    """

    root: str

    def up(self, site: str) -> str:
        """From a site to headquarters."""
        return f"{self.root}/{site}/up"

    def down(self, site: str) -> str:
        """From headquarters to a site."""
        return f"{self.root}/{site}/down"

    @property
    def all_up(self) -> str:
        """The filter for messages of all sites."""
        return f"{self.root}/+/up"

    def site_of(self, topic: str) -> str:
        """The site of a message to headquarters; empty for other topics."""
        before, after = f"{self.root}/", "/up"
        if not (topic.startswith(before) and topic.endswith(after)):
            return ""
        site = topic[len(before) : -len(after)]
        return "" if "/" in site else site


def encode(fields: Mapping[str, Any], topic: str, key: SigningKey) -> bytes:
    """A signed message for a topic."""
    text = json.dumps({"v": VERSION, **fields}, separators=(",", ":"), ensure_ascii=False)
    body = zlib.compress(text.encode(), 6)
    return key.sign(topic, body) + body


def split(payload: bytes) -> tuple[bytes, bytes]:
    """Signature and body.

    Raises:
        UnreadableMessageError: It is too short or longer than ``MAX_BYTES``.
    """
    if not SIGNATURE_BYTES < len(payload) <= MAX_BYTES:
        raise UnreadableMessageError("its length is not that of a message")
    return payload[:SIGNATURE_BYTES], payload[SIGNATURE_BYTES:]


def decode(body: bytes) -> dict[str, Any]:
    """The fields of a body whose signature was verified.

    Raises:
        UnreadableMessageError: It is not a compressed JSON object, or too large.
    """
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(body, MAX_JSON_BYTES)
        if not inflater.eof:
            raise UnreadableMessageError("it is cut off or too large")
        fields = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise UnreadableMessageError(str(error)) from None
    if not isinstance(fields, dict):
        raise UnreadableMessageError("it is no JSON object")
    return fields


def is_supported(version: object) -> bool:
    """Whether a version of messages can be read: all older ones and the next."""
    return (
        isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= VERSION + 1
    )


def payload_digest(payload: bytes) -> str:
    """The digest by which a refusal identifies the refused bytes."""
    return hashlib.sha256(payload).hexdigest()[:32]

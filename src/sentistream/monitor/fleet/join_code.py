"""The one-time code with which a site joins: the broker, headquarters' key, a secret."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from typing import Any

from sentistream.errors import InputError
from sentistream.monitor.fleet.signatures import is_public_key

PREFIX = "sentistream-join-"
_MAX_LENGTH = 16_384
_UNFIT = "This is not a join code."
_WAY_OUT = "Copy the whole code from the headquarters' page; it begins with sentistream-join-."


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """How a broker is reached.

    Attributes:
        host: Its name or address.
        port: Its port.
        tls: Whether the connection is encrypted.
        username: Login name; empty for none.
        password: Its password.
        ca: PEM of the authority that signed the broker's certificate; empty for the system's.
    """

    host: str
    port: int
    tls: bool = True
    username: str = ""
    password: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCode:
    """The content of a code.

    Attributes:
        broker: Where messages go.
        topic: Common prefix of all topics.
        site: The site's key at headquarters.
        name: Headquarters' name for the site.
        secret: Seed of the key that signs the join request, once; hexadecimal.
        headquarters: The public key of headquarters, hexadecimal.
        headquarters_name: Headquarters' own name.
    """

    broker: BrokerAddress
    topic: str
    site: str
    name: str
    secret: str
    headquarters: str
    headquarters_name: str = ""

    def encode(self) -> str:
        """The code as text."""
        text = json.dumps({"v": 1, **asdict(self)}, separators=(",", ":"))
        packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
        return PREFIX + packed

    @classmethod
    def decode(cls, text: str) -> JoinCode:
        """Reads a code; spaces and line breaks in it do not matter.

        Raises:
            InputError: It is not a code, or truncated.
        """
        packed = re.sub(r"\s+", "", text)
        if not packed.startswith(PREFIX) or len(packed) > _MAX_LENGTH:
            raise InputError(_UNFIT, _WAY_OUT)
        packed = packed.removeprefix(PREFIX)
        try:
            inflater = zlib.decompressobj()
            raw = base64.b64decode(packed + "=" * (-len(packed) % 4), b"-_", validate=True)
            values = json.loads(inflater.decompress(raw, 4 * _MAX_LENGTH))
            if not inflater.eof:
                raise ValueError("cut off")
            code = cls(**_known(cls, values) | {"broker": _broker(values["broker"])})
            code._check()
        except (binascii.Error, zlib.error, ValueError, KeyError, TypeError):
            raise InputError(_UNFIT, _WAY_OUT) from None
        return code

    def _check(self) -> None:
        if not (is_public_key(self.secret) and is_public_key(self.headquarters)):
            raise ValueError("a key is missing")
        for text in (self.topic, self.site, self.broker.host):
            if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9:._/-]{1,255}", text):
                raise ValueError("a name is missing")
        if not 1 <= int(self.broker.port) <= 65535:
            raise ValueError("the port is missing")


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """Only the fields that this release knows."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _broker(values: dict[str, Any]) -> BrokerAddress:
    return BrokerAddress(**_known(BrokerAddress, values))

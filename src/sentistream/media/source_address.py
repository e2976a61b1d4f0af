"""Which stream addresses are accepted."""

from __future__ import annotations

import ipaddress
import re

DEVICE = re.compile(r"/dev/(?:video[0-9]+|v4l/by-(?:id|path)/[^/\0]+)")
"""Paths of this machine's cameras."""

ADDRESSES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp", "rtp", "srt")
"""What a stream's address may begin with."""


_LOCAL_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain", ".fritz.box")


def scheme(text: str) -> str | None:
    """An address's scheme, in lower case; None if the text is not an address."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    return None if found is None else found[1].lower()


def is_local(host: str) -> bool:
    """Whether a host is on this network: a private address, or a local name."""
    name = host.strip("[]").partition("%")[0].lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_LOCAL_NAMES))
    return address.is_private or address.is_loopback or address.is_link_local

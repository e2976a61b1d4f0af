"""Addresses of streams: which are read, and how they may be shown."""

from __future__ import annotations

import re

ADDRESSES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp", "rtp", "srt")
"""What a stream's address may begin with."""


def scheme(text: str) -> str | None:
    """What an address begins with, in small letters; None where the text is none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    return None if found is None else found[1].lower()


def without_password(address: str) -> str:
    """The address as it may be shown: without user, password, query and fragment.

    Many cameras take their password in the query, so nothing of it is shown.
    """
    begin, separator, rest = address.partition("://")
    if not separator:
        return address
    host, slash, path = re.sub(r"[?#].*", "", rest, flags=re.DOTALL).partition("/")
    named = rest.partition("@")[0] if "@" not in host else ""
    if named and _holds_password(host):  # an unescaped / ? or # inside the password
        host, slash, path = rest.rpartition("@")[2].partition("/")
        path = re.sub(r"[?#].*", "", path, flags=re.DOTALL)
    return f"{begin}://{host.rpartition('@')[2]}{slash}{path}"


def _holds_password(host: str) -> bool:
    """Whether what stands before the first slash is no host and port."""
    return re.fullmatch(r"(\[[0-9A-Fa-f:.%]*\]|[^:]*)(:[0-9]*)?", host) is None

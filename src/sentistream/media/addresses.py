"""Addresses of streams: which are read."""

from __future__ import annotations

import re

ADDRESSES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp", "rtp", "srt")
"""What a stream's address may begin with."""


def scheme(text: str) -> str | None:
    """What an address begins with, in small letters; None where the text is none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    return None if found is None else found[1].lower()

"""Validation of a browser's SDP offer: one camera, one microphone, local candidates only."""

from __future__ import annotations

import re

from sentistream.errors import InputError

LONGEST = 64 * 1024
"""Most characters of an offer; browsers' have 3,000 to 8,000."""
MAX_CANDIDATES = 64
"""Most addresses that a browser may name for itself."""
_WAY_OUT = "Reload the page and try again with a current browser."
_HOST = re.compile(r"a=candidate:\S+ \d+ udp \d+ \S+ \d+ typ host\b.*", re.IGNORECASE)


def check_offer(offer: str) -> str:
    """The offer without candidates that would make this machine connect elsewhere.

    Candidates from servers, relays and TCP are removed; those of the browser's own network
    interfaces stay.

    Raises:
        InputError: It is not an offer of at most one camera and one microphone.
    """
    if not offer.startswith("v=0") or len(offer) > LONGEST or "\0" in offer:
        raise InputError("This is not a valid camera offer from a browser.", _WAY_OUT)
    lines = offer.replace("\r\n", "\n").rstrip("\n").split("\n")
    kinds = [line[2:].split(" ")[0] for line in lines if line.startswith("m=")]
    if kinds.count("video") != 1 or kinds.count("audio") > 1 or len(kinds) > 3:
        raise InputError("The offer is not of one camera and one microphone.", _WAY_OUT)
    if "a=fingerprint:" not in offer:
        raise InputError("The offer does not say how it is encrypted.", _WAY_OUT)
    kept = [line for line in lines if not line.startswith("a=candidate:") or _HOST.fullmatch(line)]
    if sum(line.startswith("a=candidate:") for line in kept) > MAX_CANDIDATES:
        raise InputError("The offer names too many addresses.", _WAY_OUT)
    return "\r\n".join(kept) + "\r\n"


def offer_error() -> InputError:
    """The error for an offer that WebRTC cannot accept."""
    return InputError("This browser's camera offer cannot be accepted.", _WAY_OUT)

"""How a webhook's receiver knows that a message is ours, whole and of now."""

from __future__ import annotations

import hmac
import time

SIGNATURE = "X-Sentistream-Signature"
TIMESTAMP = "X-Sentistream-Timestamp"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a dot and the body: ``sha256=`` and 64 hex digits."""
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, "sha256").hexdigest()


def is_signed(
    secret: str,
    timestamp: str,
    body: bytes,
    given: str,
    *,
    now: float | None = None,
    tolerance: float = 300,
) -> bool:
    """For receivers: whether a message was signed with the secret, and lately.

    Args:
        secret: As in the settings.
        timestamp: The header ``X-Sentistream-Timestamp``.
        body: The request's body, untouched.
        given: The header ``X-Sentistream-Signature``.
        now: Wall-clock seconds (UTC); the machine's without.
        tolerance: Seconds that the timestamp may be away from now.
    """
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance:
        return False
    return hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode())

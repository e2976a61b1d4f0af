"""Random secrets, and what is stored of them."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, as 43 characters that may stand in an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is stored of a random secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()

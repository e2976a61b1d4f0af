"""Names and passwords: what will do, and Argon2id."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sentistream.monitor.accounts.errors import UnfitPasswordError

SHORTEST = 10
LONGEST = 256
"""Characters of a password."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@\-]{0,62}$"
"""What a login name may be."""

_hasher = PasswordHasher()
"""RFC 9106's second recommended option: Argon2id, 64 MiB, 3 passes, 4 lanes."""


@cache
def _nobody() -> str:
    return _hasher.hash("the password of nobody")


def key_of(name: str) -> str:
    """A login name as it is compared."""
    return name.strip().casefold()


def check_name(name: str) -> None:
    """Raises ``UnfitPasswordError`` for what cannot be a login name."""
    if not re.fullmatch(NAME, name):
        raise UnfitPasswordError(
            "This login name will not do.",
            "Use up to 63 of the letters a to z, digits and . _ @ -, beginning with one of the "
            "first two.",
        )


def check_password(password: str, name: str) -> None:
    """Raises ``UnfitPasswordError`` for what is too short, too long or too plain."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise UnfitPasswordError(
            f"A password has {SHORTEST} to {LONGEST} characters.", "Take a few words, for instance."
        )
    if len(set(plain)) < 4 or key_of(name) in (key_of(plain), key_of(plain[::-1])):
        raise UnfitPasswordError(
            "This password is too easy to guess.", "Take a few words that do not belong together."
        )


def hash_password(password: str) -> str:
    """An Argon2id hash with its salt and parameters."""
    return _hasher.hash(_normal(password))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether it is the one that was hashed; takes as long where there is no hash."""
    if len(password) > 4 * LONGEST:
        password = ""
    try:
        fits = _hasher.verify(_nobody() if hashed is None else hashed, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return fits and hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def _normal(password: str) -> str:
    # keyboards and systems write the same letter in different ways
    return unicodedata.normalize("NFKC", password)

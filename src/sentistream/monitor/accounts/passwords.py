"""Login names and passwords: rules, and hashing with Argon2id."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sentistream.monitor.accounts.account_types import UnfitPasswordError

MIN_LENGTH = 10
MAX_LENGTH = 256
"""Characters of a password."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@\-]{0,62}$"
"""Pattern of login names."""

hasher: PasswordHasher = PasswordHasher()
"""RFC 9106's second recommended option: Argon2id, 64 MiB, 3 passes, 4 lanes."""


@cache
def _decoy_hash(used: PasswordHasher) -> str:
    """Verified instead of a missing hash, so that unknown names take as long as known ones."""
    return used.hash("the password of nobody")


def key_of(name: str) -> str:
    """A login name in the form in which names are compared."""
    return name.strip().casefold()


def check_name(name: str) -> None:
    """Raises ``UnfitPasswordError`` for an invalid login name."""
    if not re.fullmatch(NAME, name):
        raise UnfitPasswordError(
            "This login name will not do.",
            "Use up to 63 of the letters a to z, digits and . _ @ -, beginning with one of the "
            "first two.",
        )


def check_password(password: str, name: str) -> None:
    """Raises ``UnfitPasswordError`` for a password too short, too long or too simple."""
    normalized = _normal(password)
    if not MIN_LENGTH <= len(normalized) <= MAX_LENGTH:
        raise UnfitPasswordError(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.",
            "Take a few words, for instance.",
        )
    if len(set(normalized)) < 4 or key_of(name) in (key_of(normalized), key_of(normalized[::-1])):
        raise UnfitPasswordError(
            "This password is too easy to guess.", "Take a few words that do not belong together."
        )


def hash_password(password: str) -> str:
    """An Argon2id hash with its salt and parameters."""
    return hasher.hash(_normal(password))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether a password matches its hash; takes equally long without a hash."""
    if len(password) > 4 * MAX_LENGTH:
        password = ""
    try:
        fits = hasher.verify(_decoy_hash(hasher) if hashed is None else hashed, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return fits and hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether the hash was made with other parameters than the current ones."""
    return hasher.check_needs_rehash(hashed)


def _normal(password: str) -> str:
    # keyboards and systems encode the same letter differently
    return unicodedata.normalize("NFKC", password)

"""Reaching the tables: transactions that fail with one clear sentence."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from sentistream.errors import StorageError


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction; what violates a constraint is raised as it is.

    Raises:
        StorageError: The database does not answer.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except SQLAlchemyError:
        # the original message may hold what was being written
        raise StorageError(
            "The database of accounts does not answer.", "See whether it runs and has room."
        ) from None


def new_secret() -> str:
    """256 random bits, as 43 characters that may stand in an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is stored of a random secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()

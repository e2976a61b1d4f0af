"""Sessions, API tokens and the one-time setup link: random secrets of which hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from sentistream.monitor.accounts.account_tables import api_tokens, sessions, setup, users
from sentistream.monitor.accounts.account_types import (
    AccountConflictError,
    Identity,
    Role,
    Token,
    UnknownAccountError,
    User,
)
from sentistream.monitor.accounts.passwords import check_name, key_of
from sentistream.monitor.accounts.user_store import new_user_row
from sentistream.monitor.store.database import read_transaction, write_transaction


def new_secret() -> str:
    """256 random bits, as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """The SHA-256 of a random secret in hexadecimal, which is stored in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


MAX_SESSIONS = 50
"""Sessions of one user; a further login ends the oldest."""


class Sessions:
    """Sessions in the database. All methods raise ``StorageError`` if it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, user: int, hours: float) -> str:
        """Starts a session and deletes expired ones; returns the id for its cookie."""
        now, secret = time.time(), new_secret()
        with write_transaction(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            oldest = connection.scalars(
                select(sessions.c.digest)
                .where(sessions.c.user_id == user)
                .order_by(sessions.c.created.desc())
                .offset(MAX_SESSIONS - 1)
            ).all()
            connection.execute(delete(sessions).where(sessions.c.digest.in_(oldest)))
            connection.execute(
                insert(sessions).values(
                    digest=digest_of(secret), user_id=user, created=now, expires=now + hours * 3600
                )
            )
        return secret

    def end(self, digest: str) -> None:
        """Ends a session, if there is one."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def find(self, digest: str) -> Identity | None:
        """Who it belongs to; None if it is unknown or has expired."""
        with read_transaction(self._engine) as connection:
            row = connection.execute(
                select(sessions.c.expires, users.c.name, users.c.role)
                .join(users)
                .where(sessions.c.digest == digest)
            ).first()
        if row is None or row.expires <= time.time():
            return None
        user = User(row.name, Role(row.role))
        return Identity(user=user, digest=digest, expires=row.expires)


BEARER_PREFIX = "sentistream_"
"""Prefix of every token, so that scanners for leaked secrets find it."""


class Tokens:
    """API tokens in the database. All methods raise ``StorageError`` if it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Sequence[Token]:
        """All tokens, by name."""
        chosen = select(api_tokens, users.c.name.label("maker")).join(users)
        with read_transaction(self._engine) as connection:
            return [
                Token(
                    name=row.name,
                    role=Role(row.role),
                    created=row.created,
                    expires=row.expires,
                    maker=row.maker,
                )
                for row in connection.execute(chosen.order_by(api_tokens.c.name))
            ]

    def make(self, name: str, role: Role, *, maker: str, expires: float | None = None) -> str:
        """Creates a token; it is returned once and cannot be read again.

        Args:
            name: What it is for.
            role: What it allows.
            maker: The login name of its creator.
            expires: Wall-clock seconds (UTC) at which it expires; None for never.

        Raises:
            UnfitPasswordError: The name is invalid.
            AccountConflictError: The name is taken.
            UnknownAccountError: There is no user ``maker``.
        """
        check_name(name)
        token = BEARER_PREFIX + new_secret()
        values = {"name": name, "role": role.value, "created": time.time(), "expires": expires}
        with write_transaction(self._engine) as connection:
            user = connection.scalar(select(users.c.id).where(users.c.key == key_of(maker)))
            if user is None:
                raise UnknownAccountError("There is no such user.", "Log in again.")
            try:
                connection.execute(
                    insert(api_tokens).values(digest=digest_of(token), user_id=user, **values)
                )
            except IntegrityError:
                raise AccountConflictError(
                    f"There is a token {name} already.", "Take another name, or revoke it first."
                ) from None
        return token

    def revoke(self, name: str) -> None:
        """Revokes a token.

        Raises:
            UnknownAccountError: There is no such token.
        """
        with write_transaction(self._engine) as connection:
            gone = connection.execute(delete(api_tokens).where(api_tokens.c.name == name))
            if not gone.rowcount:
                raise UnknownAccountError("There is no such token.", "See the list of tokens.")

    def find(self, digest: str) -> Identity | None:
        """Who it belongs to; None if it is unknown or has expired."""
        with read_transaction(self._engine) as connection:
            row = connection.execute(
                select(api_tokens).where(api_tokens.c.digest == digest)
            ).first()
        if row is None or (row.expires is not None and row.expires <= time.time()):
            return None
        user = User(row.name, Role(row.role), by_token=True)
        return Identity(user=user, digest=digest, expires=row.expires)


SETUP_LIFETIME = 3600.0
"""Seconds for which a setup link can be used."""


class SetupLinks:
    """Links to create the first manager; each works once, for an hour, until a newer is made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new(self) -> str | None:
        """Creates a link and ends earlier ones; its secret, or None if there are users already."""
        secret = new_secret()
        with write_transaction(self._engine) as connection:
            connection.execute(delete(setup))
            if connection.execute(select(users.c.id).limit(1)).first() is not None:
                return None
            connection.execute(
                insert(setup).values(digest=digest_of(secret), expires=time.time() + SETUP_LIFETIME)
            )
        return secret

    def is_open(self, secret: str) -> bool:
        """Whether a link can be used now."""
        with read_transaction(self._engine) as connection:
            expires = connection.scalar(
                select(setup.c.expires).where(setup.c.digest == digest_of(secret))
            )
            somebody = connection.execute(select(users.c.id).limit(1)).first()
        return expires is not None and expires > time.time() and somebody is None

    def use(self, secret: str, name: str, password: str) -> bool:
        """Creates the first manager and ends the link; False if the link cannot be used.

        Raises:
            UnfitPasswordError: Name or password is invalid; the link stays.
        """
        row = new_user_row(name, password, Role.MANAGER)
        with write_transaction(self._engine) as connection:
            # whoever deletes the link's row creates the manager: never two
            taken = connection.execute(
                delete(setup).where(
                    setup.c.digest == digest_of(secret), setup.c.expires > time.time()
                )
            )
            somebody = connection.execute(select(users.c.id).limit(1)).first()
            if taken.rowcount != 1 or somebody is not None:
                return False
            connection.execute(insert(users).values(row))
        return True

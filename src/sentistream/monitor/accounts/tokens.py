"""API tokens: how programs come in."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from sentistream.monitor.accounts.errors import AccountConflictError, UnknownAccountError
from sentistream.monitor.accounts.passwords import check_name, key_of
from sentistream.monitor.accounts.secrets import digest_of, new_secret
from sentistream.monitor.accounts.tables import api_tokens, users
from sentistream.monitor.accounts.values import Identity, Role, Token, User
from sentistream.monitor.store.database import read_transaction, write_transaction

PREFIX = "sentistream_"
"""What every token begins with, so that scanners for leaked secrets find it."""


class Tokens:
    """The table of API tokens. Everything raises ``StorageError`` when it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Sequence[Token]:
        """Every token, by name."""
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
        """A new token; it is returned this once and cannot be asked for again.

        Args:
            name: What it is for.
            role: What it allows.
            maker: The login name of who makes it.
            expires: Wall-clock seconds (UTC) at which it ends; None for never.

        Raises:
            UnfitPasswordError: The name will not do.
            AccountConflictError: The name is taken.
            UnknownAccountError: There is no user ``maker``.
        """
        check_name(name)
        token = PREFIX + new_secret()
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
        """Ends a token.

        Raises:
            UnknownAccountError: There is no such token.
        """
        with write_transaction(self._engine) as connection:
            gone = connection.execute(delete(api_tokens).where(api_tokens.c.name == name))
            if not gone.rowcount:
                raise UnknownAccountError("There is no such token.", "See the list of tokens.")

    def find(self, digest: str) -> Identity | None:
        """Whose it is; None where there is none or it has ended."""
        with read_transaction(self._engine) as connection:
            row = connection.execute(
                select(api_tokens).where(api_tokens.c.digest == digest)
            ).first()
        if row is None or (row.expires is not None and row.expires <= time.time()):
            return None
        user = User(row.name, Role(row.role), by_token=True)
        return Identity(user=user, digest=digest, expires=row.expires)

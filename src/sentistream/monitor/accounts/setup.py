"""The first start: a link, shown in the terminal, that makes the first manager."""

from __future__ import annotations

import time

from sqlalchemy import Engine, delete, insert, select

from sentistream.monitor.accounts.secrets import digest_of, new_secret
from sentistream.monitor.accounts.tables import setup, users
from sentistream.monitor.accounts.users import prepared
from sentistream.monitor.accounts.values import Role
from sentistream.monitor.store.database import read_transaction, write_transaction

LASTS = 3600.0
"""Seconds for which a link can be used."""


class Setup:
    """Links that make the first manager; each works once, for an hour, until a newer is made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new(self) -> str | None:
        """A new link's secret, earlier ones end; None where somebody can log in already."""
        secret = new_secret()
        with write_transaction(self._engine) as connection:
            connection.execute(delete(setup))
            if connection.execute(select(users.c.id).limit(1)).first() is not None:
                return None
            connection.execute(
                insert(setup).values(digest=digest_of(secret), expires=time.time() + LASTS)
            )
        return secret

    def is_open(self, secret: str) -> bool:
        """Whether this link can be used now."""
        with read_transaction(self._engine) as connection:
            expires = connection.scalar(
                select(setup.c.expires).where(setup.c.digest == digest_of(secret))
            )
            somebody = connection.execute(select(users.c.id).limit(1)).first()
        return expires is not None and expires > time.time() and somebody is None

    def use(self, secret: str, name: str, password: str) -> bool:
        """Makes the first manager and ends the link; False where it cannot be used.

        Raises:
            UnfitPasswordError: Name or password will not do; the link stays.
        """
        row = prepared(name, password, Role.MANAGER)
        with write_transaction(self._engine) as connection:
            # whoever deletes the link's row makes the manager: two at once cannot
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

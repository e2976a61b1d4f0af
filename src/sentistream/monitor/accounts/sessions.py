"""Sessions: how people stay logged in."""

from __future__ import annotations

import time

from sqlalchemy import Engine, delete, insert, select

from sentistream.monitor.accounts.secrets import digest_of, new_secret
from sentistream.monitor.accounts.tables import sessions, users
from sentistream.monitor.accounts.values import Identity, Role, User
from sentistream.monitor.store.database import read_transaction, write_transaction

MOST = 50
"""Sessions of one user; a further login ends the oldest."""


class Sessions:
    """The table of sessions. Everything raises ``StorageError`` when it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, user: int, hours: float) -> str:
        """A new session's id for its cookie; ended sessions are swept away."""
        now, secret = time.time(), new_secret()
        with write_transaction(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            oldest = connection.scalars(
                select(sessions.c.digest)
                .where(sessions.c.user_id == user)
                .order_by(sessions.c.created.desc())
                .offset(MOST - 1)
            ).all()
            connection.execute(delete(sessions).where(sessions.c.digest.in_(oldest)))
            connection.execute(
                insert(sessions).values(
                    digest=digest_of(secret), user_id=user, created=now, expires=now + hours * 3600
                )
            )
        return secret

    def end(self, digest: str) -> None:
        """Ends a session; nothing where there is none."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def find(self, digest: str) -> Identity | None:
        """Whose it is; None where there is none or it has ended."""
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

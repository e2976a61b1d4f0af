"""Users: who may log in."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sentistream.monitor.accounts.errors import AccountConflictError, UnknownAccountError
from sentistream.monitor.accounts.passwords import (
    check_name,
    check_password,
    hash_password,
    is_outdated,
    is_password,
    key_of,
)
from sentistream.monitor.accounts.tables import api_tokens, sessions, users
from sentistream.monitor.accounts.values import Account, Role
from sentistream.monitor.store.database import read_transaction, write_transaction


class Users:
    """The table of users. Everything raises ``StorageError`` when it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changing = threading.Lock()

    def all(self) -> Sequence[Account]:
        """Everybody, by name."""
        with read_transaction(self._engine) as connection:
            return [
                Account(name=row.name, role=Role(row.role), created=row.created)
                for row in connection.execute(select(users).order_by(users.c.key))
            ]

    def add(self, name: str, password: str, role: Role) -> Account:
        """A new user.

        Raises:
            UnfitPasswordError: The name or the password will not do.
            AccountConflictError: The name is taken.
        """
        values = prepared(name, password, role)
        with write_transaction(self._engine) as connection:
            try:
                connection.execute(insert(users).values(values))
            except IntegrityError:
                raise AccountConflictError(
                    f"There is a user {name} already.", "Take another name."
                ) from None
        return Account(name=name, role=role, created=float(str(values["created"])))

    def check(self, name: str, password: str) -> int | None:
        """The user's id where name and password belong together; None else.

        Takes as long for names that nobody has.
        """
        with read_transaction(self._engine) as connection:
            row = connection.execute(select(users).where(users.c.key == key_of(name))).first()
        if not is_password(password, None if row is None else row.password) or row is None:
            return None
        if is_outdated(row.password):
            with write_transaction(self._engine) as connection:
                connection.execute(
                    update(users)
                    .where(users.c.id == row.id, users.c.password == row.password)
                    .values(password=hash_password(password))
                )
        return int(row.id)

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        password: str | None = None,
        keep: str = "",
    ) -> None:
        """Changes what is given, all or nothing.

        A new password ends the user's sessions, except the one with digest ``keep``; who becomes
        a viewer keeps no tokens made before.

        Raises:
            UnknownAccountError: There is no such user.
            UnfitPasswordError: The password will not do.
            AccountConflictError: No manager would be left.
        """
        hashed = None
        if password is not None:
            check_password(password, name)
            hashed = hash_password(password)
        with self._changing, write_transaction(self._engine) as connection:
            user = _id(connection, name)
            chosen = update(users).where(users.c.id == user)
            if role is not None:
                if role is not Role.MANAGER:
                    _others_manage(connection, user)
                    connection.execute(delete(api_tokens).where(api_tokens.c.user_id == user))
                connection.execute(chosen.values(role=role.value))
            if hashed is not None:
                connection.execute(chosen.values(password=hashed))
                connection.execute(
                    delete(sessions).where(sessions.c.user_id == user, sessions.c.digest != keep)
                )

    def remove(self, name: str) -> None:
        """Removes a user with all sessions, and the tokens the user made.

        Raises:
            UnknownAccountError: There is no such user.
            AccountConflictError: No manager would be left.
        """
        with self._changing, write_transaction(self._engine) as connection:
            user = _id(connection, name)
            _others_manage(connection, user)
            for table in (sessions, api_tokens):
                connection.execute(delete(table).where(table.c.user_id == user))
            connection.execute(delete(users).where(users.c.id == user))


def prepared(name: str, password: str, role: Role) -> dict[str, str | float]:
    """A row for a new user, name and password checked."""
    check_name(name)
    check_password(password, name)
    return {
        "key": key_of(name),
        "name": name,
        "password": hash_password(password),
        "role": role.value,
        "created": time.time(),
    }


def _id(connection: Connection, name: str) -> int:
    found: int | None = connection.scalar(select(users.c.id).where(users.c.key == key_of(name)))
    if found is None:
        raise UnknownAccountError("There is no such user.", "See the list of users.")
    return found


def _others_manage(connection: Connection, user: int) -> None:
    others = connection.scalar(
        select(func.count()).where(users.c.role == Role.MANAGER.value, users.c.id != user)
    )
    if not others:
        raise AccountConflictError(
            "Then nobody could manage the monitor.", "Make somebody else a manager first."
        )

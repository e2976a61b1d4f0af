"""The table of users."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sentistream.monitor.accounts.account_tables import api_tokens, sessions, users
from sentistream.monitor.accounts.account_types import (
    Account,
    AccountConflictError,
    Role,
    UnknownAccountError,
)
from sentistream.monitor.accounts.passwords import (
    check_name,
    check_password,
    hash_password,
    is_outdated,
    is_password,
    key_of,
)
from sentistream.monitor.store.database import read_transaction, write_transaction


class Users:
    """Users in the database. All methods raise ``StorageError`` if it cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changing = threading.Lock()

    def all(self) -> Sequence[Account]:
        """All users, by name."""
        with read_transaction(self._engine) as connection:
            return [
                Account(name=row.name, role=Role(row.role), created=row.created)
                for row in connection.execute(select(users).order_by(users.c.key))
            ]

    def add(self, name: str, password: str, role: Role) -> Account:
        """Adds a user.

        Raises:
            UnfitPasswordError: The name or the password is invalid.
            AccountConflictError: The name is taken.
        """
        values = new_user_row(name, password, role)
        with write_transaction(self._engine) as connection:
            try:
                connection.execute(insert(users).values(values))
            except IntegrityError:
                raise AccountConflictError(
                    f"There is a user {name} already.", "Take another name."
                ) from None
        return Account(name=name, role=role, created=float(str(values["created"])))

    def check(self, name: str, password: str) -> int | None:
        """The user's id if the password is right, else None; unknown names take as long."""
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
        """Changes role, password or both in one transaction.

        A new password ends the user's sessions, except the one with digest ``keep``; becoming a
        viewer revokes the tokens that the user has made.

        Raises:
            UnknownAccountError: There is no such user.
            UnfitPasswordError: The password is invalid.
            AccountConflictError: No manager would be left.
        """
        hashed = None
        if password is not None:
            check_password(password, name)
            hashed = hash_password(password)
        with self._changing, write_transaction(self._engine) as connection:
            user = _user_id(connection, name)
            chosen = update(users).where(users.c.id == user)
            if role is not None:
                if role is not Role.MANAGER:
                    _require_other_manager(connection, user)
                    connection.execute(delete(api_tokens).where(api_tokens.c.user_id == user))
                connection.execute(chosen.values(role=role.value))
            if hashed is not None:
                connection.execute(chosen.values(password=hashed))
                connection.execute(
                    delete(sessions).where(sessions.c.user_id == user, sessions.c.digest != keep)
                )

    def remove(self, name: str) -> None:
        """Removes a user with all sessions and the tokens the user has made.

        Raises:
            UnknownAccountError: There is no such user.
            AccountConflictError: No manager would be left.
        """
        with self._changing, write_transaction(self._engine) as connection:
            user = _user_id(connection, name)
            _require_other_manager(connection, user)
            for table in (sessions, api_tokens):
                connection.execute(delete(table).where(table.c.user_id == user))
            connection.execute(delete(users).where(users.c.id == user))


def new_user_row(name: str, password: str, role: Role) -> dict[str, str | float]:
    """The row of a new user, after checking name and password."""
    check_name(name)
    check_password(password, name)
    return {
        "key": key_of(name),
        "name": name,
        "password": hash_password(password),
        "role": role.value,
        "created": time.time(),
    }


def _user_id(connection: Connection, name: str) -> int:
    found: int | None = connection.scalar(select(users.c.id).where(users.c.key == key_of(name)))
    if found is None:
        raise UnknownAccountError("There is no such user.", "See the list of users.")
    return found


def _require_other_manager(connection: Connection, user: int) -> None:
    others = connection.scalar(
        select(func.count()).where(users.c.role == Role.MANAGER.value, users.c.id != user)
    )
    if not others:
        raise AccountConflictError(
            "Then nobody could manage the monitor.", "Make somebody else a manager first."
        )

"""Resets a forgotten password; needs write access to the database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sentistream.errors import InputError
from sentistream.monitor.accounts import Accounts, UnknownAccountError
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import SQLITE_FILE, database_url, open_database


def reset_password(settings: Settings, state: Path, name: str, password: str) -> None:
    """Sets a user's password and ends the user's sessions; the monitor may be running.

    Args:
        settings: Name the database.
        state: The state folder.
        name: The user's login name.
        password: The new password.

    Raises:
        InputError: There is no database yet, or no such user.
        UnfitPasswordError: The password is not acceptable.
        StorageError: The database cannot be reached.
    """
    if not settings.storage.url.get_secret_value() and not (state / SQLITE_FILE).exists():
        raise InputError(
            f"There is no database in {state} yet.",
            "Name the folder with --state, or start the monitor: it prints a link to begin with.",
        )
    with ExitStack() as stack:
        engine = open_database(database_url(settings, state))
        stack.callback(engine.dispose)
        accounts = Accounts(engine)
        names = [user.name for user in accounts.users()]
        if not names:
            raise InputError(
                "Nobody can log in yet.", "Start the monitor: it prints a link to begin with."
            )
        try:
            accounts.change_user(name, password=password)
        except UnknownAccountError:
            raise InputError(
                f"There is no user {name}.", f"There are: {', '.join(names)}."
            ) from None

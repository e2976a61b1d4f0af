"""Translates database drivers' errors into what the owner can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sentistream.errors import StorageError
from sentistream.redaction import shown_address

_CORRUPT = (
    "Stop the monitor, move the file aside with those ending in -wal and -shm, and put the newest "
    "backup in its place, or start with an empty one; sqlite3 FILE .recover may save more."
)

_SQLITE = {
    "SQLITE_BUSY": ("is locked by another program", "Close whatever else has it open."),
    "SQLITE_LOCKED": ("is locked by another program", "Close whatever else has it open."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free some space; nothing needs a restart."),
    "SQLITE_CORRUPT": ("is damaged", _CORRUPT),
    "SQLITE_NOTADB": ("is not an SQLite database, or a damaged one", _CORRUPT),
    "SQLITE_READONLY": ("cannot be written", "See who owns the file and its folder."),
    "SQLITE_PERM": ("may not be opened by this user", "See who owns the file and its folder."),
    "SQLITE_CANTOPEN": ("cannot be opened", "See whether its folder exists and who owns it."),
    "SQLITE_IOERR": ("cannot be read or written", "See whether the disk is full or failing."),
}

_POSTGRESQL = {
    "28P01": ("refuses the password", "Check user and password in storage.url."),
    "28000": ("refuses the user", "Check storage.url and the server's pg_hba.conf."),
    "3D000": ("has no such database", "Create it (createdb) or correct storage.url."),
    "42501": ("denies this user access to its tables", "Make it the owner of the database."),
    "53100": ("is on a full disk", "Free some space there; nothing needs a restart."),
    "53300": ("has no connection left", "Raise max_connections there."),
    "55P03": ("is locked by another program", "See what else uses it."),
    "57014": ("takes too long", "See what else uses it."),
    "40P01": ("is locked by another program", "See what else uses it."),
    "25006": ("is read-only", "Name the primary server in storage.url."),
}
_UNREACHABLE = (
    "cannot be reached",
    "Check that the server runs and that storage.url names it; the monitor keeps trying.",
)


@contextmanager
def storage_errors(engine: Engine) -> Iterator[None]:
    """Converts driver errors to StorageError, without secrets or readings in the message.

    ``IntegrityError`` and ``DataError`` pass through: they concern the data, not the database.
    So do SQLAlchemy's own errors, which are bugs.
    """
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except (DBAPIError, DisconnectionError, PoolTimeout, sqlite3.Error) as error:
        raise storage_error(error, engine.url) from None


def storage_error(error: Exception, url: URL) -> StorageError:
    """A driver's error as a problem of the database at ``url`` and a way out."""
    name = display_name(url)
    if isinstance(error, PoolTimeout):
        return StorageError(f"{name} is too busy.", "Ask for less at once, or try again.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorname", None) or ""
        problem, way_out = next(
            (text for key, text in _SQLITE.items() if code.startswith(key)),
            (f"reports an error ({cause})", "See whether its disk is sound."),
        )
        return StorageError(f"{name} {problem}.", way_out)
    problem, way_out = _of_postgresql(error, cause)
    return StorageError(f"{name} {problem}.", way_out)


def display_name(url: URL) -> str:
    """The database's file or address, without secrets."""
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return f"The PostgreSQL database {shown_address(address)}"


def _of_postgresql(error: Exception, cause: object) -> tuple[str, str]:
    state = getattr(cause, "sqlstate", None)
    text = str(cause)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    if state is None:  # the server never answered with a code
        for needle, code in (
            ("password authentication failed", "28P01"),
            ("no password supplied", "28P01"),
            ("no pg_hba.conf entry", "28000"),
            ('role "', "28000"),
            ("does not exist", "3D000"),
            ("too many clients", "53300"),
        ):
            if needle in text:
                return _POSTGRESQL[code]
        return _UNREACHABLE
    if state.startswith(("08", "57P")):
        return _UNREACHABLE
    if state.startswith("53"):
        return "is out of resources", "See the server's log."
    return f"reports an error (SQLSTATE {state})", "See the server's log."

"""What a database driver complains of, told to the owner: what is wrong and the way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sentistream.errors import StorageError
from sentistream.redaction import shown_address

_DAMAGED = (
    "Stop the monitor, move the file aside together with those ending in -wal and -shm, and put "
    "the newest backup in its place or let it start anew; sqlite3 FILE .recover may save more."
)

_SQLITE = {
    "SQLITE_BUSY": ("is locked by another program", "Close whatever else has it open."),
    "SQLITE_LOCKED": ("is locked by another program", "Close whatever else has it open."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free some space; nothing needs a restart."),
    "SQLITE_CORRUPT": ("is damaged", _DAMAGED),
    "SQLITE_NOTADB": ("is no SQLite database, or a damaged one", _DAMAGED),
    "SQLITE_READONLY": ("cannot be written", "See who owns the file and its folder."),
    "SQLITE_PERM": ("may not be opened", "See who owns the file and its folder."),
    "SQLITE_CANTOPEN": ("cannot be opened", "See whether its folder exists and who owns it."),
    "SQLITE_IOERR": ("cannot be read or written", "See whether the disk is full or failing."),
}

_POSTGRESQL = {
    "28P01": ("refuses the password", "Check user and password in storage.url."),
    "28000": ("refuses the user", "Check storage.url and the server's pg_hba.conf."),
    "3D000": ("has no such database", "Create it (createdb) or correct storage.url."),
    "42501": ("does not let this user do that", "Make it the owner of the database."),
    "53100": ("has a full disk", "Free some space there; nothing needs a restart."),
    "53300": ("has no connection left", "Raise max_connections there."),
    "55P03": ("is locked by another program", "See what else works with it."),
    "57014": ("takes too long", "See what else works with it."),
    "40P01": ("is locked by another program", "See what else works with it."),
    "25006": ("only allows reading", "Name the primary server in storage.url."),
}
_GONE = (
    "cannot be reached",
    "See whether the server runs and whether storage.url names it; it is tried again.",
)


@contextmanager
def storage_errors(engine: Engine) -> Iterator[None]:
    """Inside it the driver's errors are StorageErrors; secrets and readings are not in them.

    ``IntegrityError`` and ``DataError`` pass: they are about what was given, not the database;
    so do SQLAlchemy's own errors, which are faults of the program.
    """
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except (DBAPIError, DisconnectionError, PoolTimeout, sqlite3.Error) as error:
        raise storage_error(error, engine.url) from None


def storage_error(error: Exception, url: URL) -> StorageError:
    """What is wrong with the database at ``url``, and what to do."""
    name = shown(url)
    if isinstance(error, PoolTimeout):
        return StorageError(f"{name} is too busy.", "Ask for less at once, or try again.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorname", None) or ""
        problem, way_out = next(
            (told for key, told in _SQLITE.items() if code.startswith(key)),
            (f"reports an error ({cause})", "See whether its disk is sound."),
        )
        return StorageError(f"{name} {problem}.", way_out)
    problem, way_out = _of_postgresql(error, cause)
    return StorageError(f"{name} {problem}.", way_out)


def shown(url: URL) -> str:
    """The database's name as it may be shown: a file, or an address."""
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return f"The PostgreSQL database {shown_address(address)}"


def _of_postgresql(error: Exception, cause: object) -> tuple[str, str]:
    state = getattr(cause, "sqlstate", None)
    text = str(cause)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    if state is None:  # it never got as far as an answer with a code
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
        return _GONE
    if state.startswith(("08", "57P")):
        return _GONE
    if state.startswith("53"):
        return "is out of means", "See the server's log."
    return f"reports an error (SQLSTATE {state})", "See the server's log."

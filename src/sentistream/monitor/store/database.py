"""Opens the database, SQLite or PostgreSQL, and brings it up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from sentistream.errors import MissingExtraError, StorageError
from sentistream.monitor.settings import Settings
from sentistream.monitor.store.failures import shown, storage_errors

PATIENCE = 5.0
"""Seconds to wait for a lock or a connection."""

STATEMENT_TIMEOUT = 60
"""Seconds after which PostgreSQL gives a statement up."""

_READS = "sentistream_reads"
_PRAGMAS = (
    "PRAGMA auto_vacuum = INCREMENTAL",  # takes only before the first table
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten
    "PRAGMA cache_size = -8000",
    "PRAGMA journal_size_limit = 33554432",
)


DATABASE = "monitor.db"
"""The SQLite file's name in the state folder."""


def database_url(settings: Settings, state: Path) -> str:
    """The database that the settings name, or the one in the state folder."""
    return settings.storage.url.get_secret_value() or f"sqlite:///{state / DATABASE}"


def open_database(url: str) -> Engine:
    """A pool of connections, safe from several threads; makes an SQLite file where there is none.

    Transactions of ``engine.begin()`` take SQLite's write lock at once, so that none fails half
    way because of another; those that only read use :func:`reading`, which waits for nobody.

    Args:
        url: ``sqlite:///FILE`` (four slashes for an absolute path) or
            ``postgresql://USER:PASSWORD@HOST/NAME``.

    Raises:
        StorageError: The address is of neither kind, or the file cannot be made. A server is
            not asked before the first connection.
        MissingExtraError: PostgreSQL's driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend == "sqlite":
        return _open_sqlite(parsed)
    if backend in ("postgresql", "postgres"):
        return _open_postgresql(parsed)
    raise StorageError(
        "storage.url is no address of a database.",
        "Leave it empty for SQLite, or write postgresql://user:password@host/name.",
    )


def migrate(engine: Engine) -> None:
    """Brings the tables up to date, all or nothing; does nothing where they are.

    Raises:
        StorageError: A newer version made the database, or it cannot be reached or written.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with storage_errors(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7395021)")
        for revision in MigrationContext.configure(connection).get_current_heads():
            if revision not in known:
                raise StorageError(
                    f"{shown(engine.url)} was made by a newer version (its state is {revision}).",
                    "Install that version again, or put a backup from before it in its place.",
                )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one state of the database, and no waiting for writers.

    Raises:
        StorageError: The database cannot be reached or read.
    """
    with storage_errors(engine), engine.connect() as connection:
        options: dict[str, Any] = {_READS: True}
        with connection.execution_options(**options).begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is written when the block ends, or not at all.

    Raises:
        StorageError: The database cannot be reached, is locked, full or damaged.
    """
    with storage_errors(engine), engine.begin() as connection:
        yield connection


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StorageError("storage.url names no file.", "Write sqlite:///FILE.")
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StorageError(
            f"The database {path} cannot be opened ({error.strerror}).",
            "See whether its folder exists and who owns it.",
        ) from None
    engine = create_engine(
        url.set(drivername="sqlite"),
        connect_args={"timeout": PATIENCE},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not the driver
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


def _open_postgresql(url: URL) -> Engine:
    arguments = {
        "connect_timeout": int(PATIENCE),
        "application_name": "sentistream",
        "options": f"-c lock_timeout={int(PATIENCE)}s -c statement_timeout={STATEMENT_TIMEOUT}s",
        "keepalives_idle": 30,
        "tcp_user_timeout": 15_000,
    }
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={k: v for k, v in arguments.items() if k not in url.query},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ImportError:
        raise MissingExtraError("PostgreSQL", "postgresql") from None

"""Opens and migrates the database, SQLite or PostgreSQL, and begins its transactions."""

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
from sentistream.monitor.store.storage_errors import display_name, storage_errors

LOCK_TIMEOUT = 5.0
"""Seconds to wait for a lock or a connection."""

STATEMENT_TIMEOUT = 60
"""Seconds after which PostgreSQL gives a statement up."""

_READ_ONLY = "sentistream_read_only"
_PRAGMAS = (
    "PRAGMA auto_vacuum = INCREMENTAL",  # only takes effect before the first table exists
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # deleted data is overwritten
    "PRAGMA cache_size = -8000",
    "PRAGMA journal_size_limit = 33554432",
)

SQLITE_FILE = "monitor.db"
"""The SQLite file's name in the state folder."""


def database_url(settings: Settings, state: Path) -> str:
    """The URL of the database in the settings, or of the SQLite file in the state folder."""
    return settings.storage.url.get_secret_value() or f"sqlite:///{state / SQLITE_FILE}"


def open_database(url: str) -> Engine:
    """A thread-safe connection pool; creates the SQLite file if it does not exist.

    Transactions of ``engine.begin()`` take SQLite's write lock immediately, so that none fails
    half way because of another; :func:`read_transaction` takes no lock and never waits.

    Args:
        url: ``sqlite:///FILE`` (four slashes for an absolute path) or
            ``postgresql://USER:PASSWORD@HOST/NAME``.

    Raises:
        StorageError: The URL is of neither kind, or the file cannot be created. A server is not
            contacted before the first connection.
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
        "storage.url is not the address of a database.",
        "Leave it empty for SQLite, or write postgresql://user:password@host/name.",
    )


MIGRATIONS = Path(__file__).parent / "migrations"
"""The migrations of the store; the newest is what this release works with."""


def migrate(engine: Engine, migrations: Path = MIGRATIONS) -> None:
    """Applies the migrations that are missing, in one transaction.

    Args:
        engine: The database.
        migrations: Folder of the migrations, with Alembic's ``env.py``.

    Raises:
        StorageError: A newer version created the database, or it cannot be reached or written.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    version_table = (
        f"{migrations.parent.name}_version" if migrations != MIGRATIONS else "alembic_version"
    )
    config.attributes["version_table"] = version_table
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with storage_errors(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7395021)")
        context = MigrationContext.configure(connection, opts={"version_table": version_table})
        for revision in context.get_current_heads():
            if revision not in known:
                raise StorageError(
                    f"{display_name(engine.url)} was made by a newer version "
                    f"(its state is {revision}).",
                    "Install that version again, or put a backup from before it in its place.",
                )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction: a consistent snapshot that never waits for writers.

    Raises:
        StorageError: The database cannot be reached or read.
    """
    with storage_errors(engine), engine.connect() as connection:
        options: dict[str, Any] = {_READ_ONLY: True}
        with connection.execution_options(**options).begin():
            yield connection


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits when the block ends, and rolls back on any error.

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
        connect_args={"timeout": LOCK_TIMEOUT},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions, not the driver
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _open_postgresql(url: URL) -> Engine:
    arguments = {
        "connect_timeout": int(LOCK_TIMEOUT),
        "application_name": "sentistream",
        "options": (
            f"-c lock_timeout={int(LOCK_TIMEOUT)}s -c statement_timeout={STATEMENT_TIMEOUT}s"
        ),
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

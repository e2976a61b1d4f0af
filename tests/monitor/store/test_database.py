"""Opening and migrating databases, and errors for unusable ones."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError, ObjectNotExecutableError

import sentistream.monitor.store
from sentistream.errors import StorageError
from sentistream.monitor.store.database import (
    migrate,
    open_database,
    read_transaction,
    write_transaction,
)
from sentistream.monitor.store.reading_tables import METADATA
from store.postgres import PASSWORD, Server

SCRIPTS = Path(sentistream.monitor.store.__file__).parent / "migrations"


def upgrade(engine: Engine, revision: str) -> None:
    """Migrate to one revision, up or down."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def revisions() -> list[str]:
    """The revisions from the oldest on."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    return [s.revision for s in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def differences(engine: Engine) -> list[object]:
    """Differences between the tables in the database and in the code."""
    ours = set(METADATA.tables)
    with read_transaction(engine) as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _parents: kind != "table" or name in ours},
        )
        return list(compare_metadata(context, METADATA))


def test_migrations_create_the_tables_of_the_code(engine: Engine) -> None:
    assert differences(engine) == []


@pytest.mark.parametrize("revision", revisions())
def test_every_earlier_revision_is_migrated(url: str, revision: str) -> None:
    engine = open_database(url)
    upgrade(engine, revision)
    with write_transaction(engine) as connection:
        connection.execute(
            text("INSERT INTO watches (begin, camera, seconds) VALUES (60, 'door', 7)")
        )
    migrate(engine)
    migrate(engine)
    assert differences(engine) == []
    with read_transaction(engine) as connection:
        assert connection.scalar(text("SELECT seconds FROM watches WHERE camera = 'door'")) == 7
    engine.dispose()


def test_newer_database_is_refused_and_unchanged(url: str) -> None:
    engine = open_database(url)
    migrate(engine)
    with write_transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer version.*9999.*backup"):
        migrate(engine)
    with read_transaction(engine) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_interrupted_migration_is_rolled_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(url)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    from alembic.operations import Operations

    with monkeypatch.context() as patch:
        patch.setattr(Operations, "create_index", fails)
        with pytest.raises(RuntimeError, match="power cut"):
            migrate(engine)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert differences(engine) == []
    engine.dispose()


def test_concurrent_starts_migrate_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    upgrade_all = command.upgrade

    def slowly(config: Config, revision: str) -> None:
        upgrade_all(config, revision)
        time.sleep(0.3)  # not yet written when the other one checks

    def starts() -> None:
        engine = open_database(url)
        try:
            migrate(engine)
            outcomes.append(differences(engine))
        finally:
            engine.dispose()

    monkeypatch.setattr(command, "upgrade", slowly)
    first, second = threading.Thread(target=starts), threading.Thread(target=starts)
    first.start()
    second.start()
    first.join(60)
    second.join(60)
    assert outcomes == [[], []]


def test_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "readings.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in path.parent.iterdir()} == {
        "readings.sqlite3": "0o600",
        "readings.sqlite3-wal": "0o600",
        "readings.sqlite3-shm": "0o600",
    }
    assert path.parent.stat().st_mode & 0o777 == 0o700
    engine.dispose()
    path.chmod(0o644)
    open_database(f"sqlite:///{path}").dispose()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://me:hush-2718@host/x", "not the address of a database"),
        ("nonsense hush-2718", "not the address of a database"),
        ("postgresql://me:hush-2718@host:port/x", "not the address of a database"),
        ("", "not the address of a database"),
        ("sqlite://", "names no file"),
        ("sqlite:////proc/nowhere/x.db", "cannot be opened"),
    ],
)
def test_invalid_urls_are_refused_without_repeating_them(url: str, expected: str) -> None:
    with pytest.raises(StorageError, match=expected) as caught:
        open_database(url)
    assert PASSWORD not in str(caught.value)


def test_non_database_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "readings.sqlite3"
    path.write_bytes(os.urandom(8192))
    engine = open_database(f"sqlite:///{path}")
    with pytest.raises(StorageError, match=r"damaged one.*newest backup"):
        migrate(engine)


def test_damaged_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "readings.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"is damaged.*move the file aside.*newest backup"):
        migrate(engine)


def test_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(f"sqlite:///{tmp_path}")


def test_locked_database_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentistream.monitor.store.database.LOCK_TIMEOUT", 0.1)
    path = tmp_path / "readings.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"), write_transaction(engine):
        pass
    with read_transaction(engine) as connection:  # readers do not wait
        assert connection.scalar(text("SELECT COUNT(*) FROM readings")) == 0
    other.close()
    with write_transaction(engine):
        pass
    engine.dispose()


def test_wrong_passwords_and_names_are_reported_without_secrets(postgresql: Server) -> None:
    for url, expected in (
        (postgresql.url_of("sentistream", "wrong-31415"), "refuses the password"),
        (postgresql.url_of("nothing"), "no such database"),
        (f"postgresql://me:wrong-31415@127.0.0.1:{postgresql.port}/x", "refuses the password"),
        ("postgresql://me:wrong-31415@127.0.0.1:9/x", "cannot be reached"),
    ):
        engine = open_database(url)
        with pytest.raises(StorageError, match=expected) as caught:
            migrate(engine)
        message = f"{caught.value!r} {caught.value.__cause__!r}"
        assert "wrong-31415" not in message
        assert PASSWORD not in message
        assert caught.value.way_out
        engine.dispose()


def test_sqlite_pragmas_are_set(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(engine)
    with read_transaction(engine) as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        values["auto_vacuum"] = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar()
        values["busy_timeout"] = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert values == {
        "journal_mode": "wal",
        "synchronous": 1,  # NORMAL: consistent after a power cut, and spares memory cards
        "foreign_keys": 1,
        "secure_delete": 1,
        "auto_vacuum": 2,  # incremental
        "busy_timeout": 5000,
    }
    engine.dispose()


def test_error_does_not_repeat_the_values(engine: Engine) -> None:
    insertion = text("INSERT INTO pulse (id, time) VALUES (:id, :time)")
    with pytest.raises(IntegrityError) as caught, write_transaction(engine) as connection:
        for _ in range(2):
            connection.execute(insertion, {"id": 1, "time": 27182.5})
    assert "27182" not in str(caught.value)
    with read_transaction(engine) as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM pulse")) == 0


def test_internal_error_is_not_reported_as_a_database_error(engine: Engine) -> None:
    with pytest.raises(ObjectNotExecutableError), read_transaction(engine) as connection:
        connection.execute(7)  # type: ignore[call-overload]

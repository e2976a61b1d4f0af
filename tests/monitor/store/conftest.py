"""Fixtures of both databases for the same tests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from sentistream.monitor.store import DatabaseStore
from sentistream.monitor.store.database import migrate, open_database, write_transaction
from sentistream.monitor.store.reading_tables import METADATA
from store.postgres import Server
from store.sample_readings import settings

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One server for all tests that need it; skipped if PostgreSQL is not installed."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'readings.sqlite3'}"
    server: Server = request.getfixturevalue("postgresql")
    name = f"test{next(_NUMBERS)}"
    server.create(name)
    return server.url_of(name)


@pytest.fixture(scope="session")
def postgresql_engine(postgresql: Server) -> Iterator[Engine]:
    """One migrated database for many tests."""
    engine = open_database(postgresql.url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated, empty database of each kind."""
    if request.param == "postgresql":
        engine: Engine = request.getfixturevalue("postgresql_engine")
        with write_transaction(engine) as connection:
            for table in METADATA.sorted_tables:
                connection.execute(delete(table))
    else:
        engine = open_database(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
        migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> DatabaseStore:
    """A store of each kind that withholds nothing."""
    return DatabaseStore(engine, settings)


@pytest.fixture(params=["UTC"])
def zone_of_the_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The machine's time zone; parametrize it indirectly for others."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()

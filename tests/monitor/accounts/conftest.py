"""Accounts on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, delete
from store.postgres import Server

from sentistream.monitor.accounts import Accounts, passwords
from sentistream.monitor.accounts.account_tables import metadata
from sentistream.monitor.store import migrate, open_database


@pytest.fixture(scope="package")
def on_a_server() -> Iterator[Engine]:
    """A database on a real PostgreSQL server; skipped if that is not installed."""
    server = Server()
    try:
        server.create("accounts")
        engine = open_database(server.url_of("accounts"))
        migrate(engine)
        yield engine
        engine.dispose()
    finally:
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "postgresql":
        engine: Engine = request.getfixturevalue("on_a_server")
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        yield engine
        return
    engine = open_database(f"sqlite:///{tmp_path / 'accounts.sqlite3'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def quick_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast password hashes, except for tests that request the real ones."""
    if "real_hashes" not in request.fixturenames:
        monkeypatch.setattr(passwords, "hasher", PasswordHasher(1, 8, 1))


@pytest.fixture
def real_hashes() -> None:
    """Password hashes with production parameters."""


@pytest.fixture
def accounts(engine: Engine) -> Accounts:
    return Accounts(engine)

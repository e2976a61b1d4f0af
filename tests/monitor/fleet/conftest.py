"""A broker with TLS, a headquarters on each kind of database, and a shop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from api.conftest import quick_hashes
from sqlalchemy import Engine
from store.conftest import postgresql
from store.postgres import Server

from fleet.fleet_sites import BrokerTap, Shop, headquarters
from mqtt_broker import Mosquitto, mosquitto
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.store import open_database

__all__ = ["postgresql", "quick_hashes"]

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker, for all tests that leave it running."""
    with mosquitto(tmp_path_factory.mktemp("broker"), tls=True) as broker:
        yield broker


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A separate broker that a test may kill."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with mosquitto(folder, tls=True) as broker:
        yield broker


@pytest.fixture
def postgresql_fleet(postgresql: Server) -> Iterator[Engine]:
    """An empty PostgreSQL database."""
    name = f"fleet{next(_NUMBERS)}"
    postgresql.create(name)
    engine = open_database(postgresql.url_of(name))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgresql_fleet")
        return
    engine = open_database(f"sqlite:///{tmp_path / 'headquarters.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def hq(engine: Engine, broker: Mosquitto) -> Iterator[Headquarters]:
    with headquarters(engine, broker) as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "north")
    yield shop
    shop.close()


@pytest.fixture
def tap(broker: Mosquitto) -> Iterator[BrokerTap]:
    tap = BrokerTap(broker)
    yield tap
    tap.close()

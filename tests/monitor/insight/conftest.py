"""A database of synthetic visitors, filled once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine

from insight.synthetic_visits import CAMERAS, DAY, ZONES, fill
from sentistream.monitor.insight import Insight
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import DatabaseStore, migrate, open_database

NOW = int(datetime(2026, 11, 25, 14, 20).timestamp())
"""A Wednesday; visitors come until then."""
WEEKS = 10


def shop_settings(smallest_group: int = 5) -> Settings:
    """The shop's cameras and zones."""
    corners = [[0, 0], [0, 0.1], [0.1, 0.1]]
    return Settings.model_validate(
        {
            "cameras": {
                key: {
                    "name": key.title(),
                    "source": "demo:",
                    "zones": [{"name": zone, "points": corners} for zone in ZONES],
                }
                for key in CAMERAS
            },
            "privacy": {"smallest_group": smallest_group},
        }
    )


@pytest.fixture(scope="session")
def ten_weeks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Ten weeks of visitors at four cameras; few, so that it is filled quickly."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('weeks') / 'monitor.sqlite3'}")
    migrate(engine)
    fill(engine, NOW - WEEKS * 7 * DAY, NOW, an_hour=8)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def insight(ten_weeks: Engine) -> Insight:
    """Queries on it; groups below five are withheld."""
    settings = shop_settings()
    return Insight(DatabaseStore(ten_weeks, lambda: settings), settings, CAMERAS)


@pytest.fixture(scope="session")
def busy_week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Insight]:
    """One week in a shop with many visitors."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('busy') / 'monitor.sqlite3'}")
    migrate(engine)
    fill(engine, NOW - 7 * DAY, NOW, an_hour=60)
    settings = shop_settings()
    yield Insight(DatabaseStore(engine, lambda: settings), settings, CAMERAS)
    engine.dispose()

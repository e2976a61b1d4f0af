"""A shared running monitor for tests that do not change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from store.sample_readings import TEN, alert, crowd

from api.served_monitor import ServedMonitor, settings
from sentistream.monitor.accounts import passwords


@pytest.fixture(scope="package", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Fast password hashes; the production parameters are tested with the accounts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(1, 8, 1))
        yield


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    with ServedMonitor(tmp_path_factory.mktemp("monitor")) as served:
        yield served


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    """Five people at the door for ten minutes, two at the till: too few to be shown."""
    custom_settings = settings(privacy={"smallest_group": 5})
    with ServedMonitor(tmp_path_factory.mktemp("lived"), custom_settings) as served:
        served.store.add(crowd(TEN, TEN + 600))
        served.store.add(crowd(TEN, TEN + 600, ("x", "y"), camera="till"))
        served.store.add_alert(alert(TEN + 300))
        served.store.add_alert(alert(TEN + 500, active=False))
        served.publish_observation()
        yield served

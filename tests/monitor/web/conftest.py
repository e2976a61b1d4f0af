"""What the tests of the page share: a made-up monitor each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from web.fake_monitor import FakeMonitor
from web.fake_people import live


@pytest.fixture
def house(tmp_path: Path) -> Iterator[FakeMonitor]:
    """Nothing happens in it by itself."""
    house = FakeMonitor(tmp_path)
    yield house
    house.stop()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[FakeMonitor]:
    """A monitor that nobody has set up."""
    house = FakeMonitor(tmp_path, {})
    yield house
    house.stop()


@pytest.fixture
def lively(house: FakeMonitor) -> Iterator[FakeMonitor]:
    """People come and go at its cameras."""
    ended = threading.Event()
    thread = threading.Thread(target=live, args=(house, ended))
    thread.start()
    yield house
    ended.set()
    thread.join()

"""Shared fixtures of the page tests: one fake monitor each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from web.fake_monitor import FakeMonitor
from web.fake_people import live


@pytest.fixture
def house(tmp_path: Path) -> Iterator[FakeMonitor]:
    """A fake monitor where nothing happens by itself."""
    house = FakeMonitor(tmp_path)
    yield house
    house.stop()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[FakeMonitor]:
    """A monitor before its first set-up."""
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

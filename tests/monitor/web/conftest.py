"""Shared fixtures of the page tests: one fake monitor each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from web.fake_monitor import FakeMonitor
from web.fake_people import live


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[FakeMonitor]:
    """A fake monitor where nothing happens by itself."""
    monitor = FakeMonitor(tmp_path)
    yield monitor
    monitor.stop()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[FakeMonitor]:
    """A monitor before its first set-up."""
    monitor = FakeMonitor(tmp_path, {})
    yield monitor
    monitor.stop()


@pytest.fixture
def busy_monitor(monitor: FakeMonitor) -> Iterator[FakeMonitor]:
    """People come and go at its cameras."""
    ended = threading.Event()
    thread = threading.Thread(target=live, args=(monitor, ended))
    thread.start()
    yield monitor
    ended.set()
    thread.join()

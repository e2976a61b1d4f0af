"""The store writer: no data is lost while the database is down, up to the memory limit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import Alert, CameraHealth, CameraState, Seconds
from sentistream.monitor.store import DatabaseStore, StoreWriter
from store.sample_readings import TEN, alert, crowd, reading, seconds
from waiting import wait_until


class FakeStore:
    """A store that accepts or refuses batches on demand."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.unfit: set[int] = set()
        self.batches: list[list[Seconds]] = []
        self.added_alerts: list[Alert] = []
        self.tries = 0

    def add(self, batch: Sequence[Seconds]) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        if any(some.second in self.unfit for some in batch):
            raise ValueError("unfit")
        self.batches.append(list(batch))

    def add_alert(self, alert: Alert) -> None:
        if self.error is not None:
            raise self.error
        self.added_alerts.append(alert)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    @property
    def seconds(self) -> list[int]:
        """All stored seconds, in order of arrival."""
        return [some.second for batch in self.batches for some in batch]


def writer_of(bus: EventBus, fake_store: FakeStore, **options: Any) -> StoreWriter:
    return StoreWriter(bus, fake_store, **{"retry_delays": (0.05,), **options})


def test_seconds_and_alerts_are_written_as_they_arrive(store: DatabaseStore) -> None:
    bus = EventBus()
    writer = StoreWriter(bus, store)
    bus.publish(CameraHealth(camera="door", state=CameraState.RUNNING, since=0))
    for one in crowd(TEN, TEN + 5, "ab"):
        bus.publish(one)
    bus.publish(alert(TEN + 3))
    wait_until(lambda: writer.state.written == 6)
    assert len(store.readings(begin=TEN, end=TEN + 9)) == 10
    assert len(store.alerts()) == 1
    state = writer.state
    assert (state.waiting, state.dropped, state.failures, state.last_error) == (0, 0, 0, "")
    bus.publish(crowd(TEN + 5, TEN + 6, "ab")[0])
    writer.close()
    writer.close()
    assert len(store.readings(begin=TEN, end=TEN + 9)) == 12
    assert store.history(Step.HOUR, begin=TEN, end=TEN + 1)[0].watched == 6


def test_simultaneous_cameras_are_written_in_one_batch() -> None:
    bus, fake_store = EventBus(), FakeStore()
    writer = writer_of(bus, fake_store)
    for camera in ("door", "till", "shelf", "yard"):
        bus.publish(crowd(TEN, TEN + 1, "a", camera=camera)[0])
    wait_until(lambda: writer.state.written == 4)
    assert len(fake_store.batches) <= 2
    writer.close()


def test_queued_seconds_are_written_in_order_once_the_database_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, fake_store = EventBus(), FakeStore()
    fake_store.error = StorageError("It is gone.", "Wait.")
    writer = writer_of(bus, fake_store)
    with caplog.at_level(logging.INFO):
        for one in crowd(TEN, TEN + 3_000, "ab"):
            bus.publish(one)
        wait_until(lambda: fake_store.tries > 3 and writer.state.waiting == 3_000)
        assert writer.state.failing_since is not None
        assert writer.state.last_error == "It is gone. Wait."
        fake_store.error = None
        wait_until(lambda: writer.state.written == 3_000)
    assert fake_store.seconds == list(range(TEN, TEN + 3_000))
    assert max(len(batch) for batch in fake_store.batches) < 1_000  # no batch locks it for long
    state = writer.state
    assert (state.waiting, state.dropped, state.failing_since) == (0, 0, None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    writer.close()


def test_excess_is_dropped_oldest_first_and_counted() -> None:
    bus, fake_store = EventBus(), FakeStore()
    fake_store.error = StorageError("It is gone.")
    writer = writer_of(bus, fake_store, max_buffered=30)
    for one in crowd(TEN, TEN + 25, "ab"):  # each counts as three
        bus.publish(one)
    wait_until(lambda: writer.state.waiting + writer.state.dropped == 25)
    assert writer.state.waiting == 10
    fake_store.error = None
    wait_until(lambda: writer.state.written == 10)
    assert fake_store.seconds == list(range(TEN + 15, TEN + 25))
    assert writer.state.dropped == 15
    writer.close()


def test_unstorable_second_does_not_block_others() -> None:
    bus, fake_store = EventBus(), FakeStore()
    fake_store.unfit = {TEN + 3}
    writer = writer_of(bus, fake_store)
    for one in crowd(TEN, TEN + 6, "a"):
        bus.publish(one)
    wait_until(lambda: writer.state.written == 5)
    assert fake_store.seconds == [TEN, TEN + 1, TEN + 2, TEN + 4, TEN + 5]
    state = writer.state
    assert (state.dropped, state.waiting) == (1, 0)
    assert state.last_error == "Seconds of door cannot be stored: ValueError."
    writer.close()


def test_nan_is_dropped_by_the_real_store(store: DatabaseStore) -> None:
    bus = EventBus()
    writer = StoreWriter(bus, store)
    bus.publish(seconds(TEN, reading(TEN, seen=float("nan"))))
    bus.publish(seconds(TEN + 1, reading(TEN + 1)))
    bus.publish(seconds(TEN + 2, reading(TEN + 2, camera="nul\0nul" * 20)))
    bus.publish(seconds(TEN + 3, reading(TEN + 3)))
    wait_until(lambda: writer.state.written + writer.state.dropped == 4)
    found = {one.second for one in store.readings(begin=TEN, end=TEN + 9, camera="door")}
    assert found == {TEN + 1, TEN + 3}
    assert writer.state.failing_since is None
    writer.close()


def test_closing_gives_up_if_the_database_stays_down() -> None:
    bus, fake_store = EventBus(), FakeStore()
    fake_store.error = StorageError("It is gone.")
    writer = writer_of(bus, fake_store)
    for one in crowd(TEN, TEN + 4, "a"):
        bus.publish(one)
    writer.close(timeout=0.3)
    assert (writer.state.waiting, writer.state.dropped) == (0, 4)
    assert not any(thread.name == "store-writer" for thread in threading.enumerate())
    bus.publish(crowd(TEN, TEN + 1, "a")[0])  # no longer subscribed

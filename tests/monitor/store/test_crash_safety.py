"""Killed, locked, full, deleted: the database stays consistent and readings are kept."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

import sentistream
from full_disk import small_disk
from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Step
from sentistream.monitor.store import DatabaseStore, StoreWriter, migrate, open_database
from sentistream.monitor.store.database import write_transaction
from store.postgres import Server
from store.sample_readings import TEN, crowd, settings
from waiting import wait_until

TESTS = Path(__file__).parents[1]
SOURCE = Path(sentistream.__file__).parents[1]


def written(store: DatabaseStore) -> list[int]:
    """Every second with a reading of one face."""
    found = store.readings(begin=0, end=4e9, limit=10**6)
    return [one.second for one in found if one.track == "a"]


def is_consistent(store: DatabaseStore) -> bool:
    """Whether the aggregates match the readings."""
    readings = store.readings(begin=0, end=4e9, limit=10**6)
    days = store.history(Step.DAY, begin=0, end=4e9)
    hours = store.history(Step.HOUR, begin=0, end=4e9)
    seen = sum(one.seen for one in readings)
    return sum(s.seen or 0 for s in days) == seen == sum(s.seen or 0 for s in hours)


def test_sigkill_loses_at_most_the_last_second(url: str) -> None:
    first = TEN
    lost = set()
    for _ in range(2):
        program = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", "store.writing_until_killed", url, str(first)],
            env=os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        published: list[tuple[int, float]] = []
        assert program.stdout is not None
        for line in program.stdout:
            second, moment = line.split()
            published.append((int(second), float(moment)))
            if len(published) == 40:
                program.send_signal(signal.SIGKILL)
                killed = time.time()
        program.wait()
        assert program.returncode == -signal.SIGKILL
        engine = open_database(url)
        migrate(engine)
        store = DatabaseStore(engine, settings)
        stored = set(written(store))
        lost |= {second for second, _ in published} - stored
        assert {second for second, moment in published if moment < killed - 1} <= stored
        assert is_consistent(store)
        if engine.dialect.name == "sqlite":
            with write_transaction(engine) as connection:
                assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
        store.close()
        first = published[-1][0] + 100
    assert len(lost) < 2 * 20


def test_sigkill_of_postgresql_loses_nothing(postgresql: Server, postgresql_engine: Engine) -> None:
    with write_transaction(postgresql_engine) as connection:
        for name in ("readings", "sums", "presences", "watches"):
            connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - our own names
    store = DatabaseStore(postgresql_engine, settings)
    bus = EventBus()
    writer = StoreWriter(bus, store, retry_delays=(0.2,))
    result = threading.Event()
    published = [TEN]

    def publishes() -> None:
        while not result.wait(0.01):
            bus.publish(crowd(published[0], published[0] + 1, "abc")[0])
            published[0] += 1

    cameras = threading.Thread(target=publishes)
    cameras.start()
    try:
        for _ in range(2):
            before = writer.state
            wait_until(lambda b=before: writer.state.written > b.written + 50)  # type: ignore[misc]
            postgresql.kill()
            wait_until(lambda: writer.state.failing_since is not None)
            assert "cannot be reached" in writer.state.last_error
            assert not store.is_writable()
            with pytest.raises(StorageError, match="cannot be reached"):
                store.history(Step.HOUR, begin=0, end=4e9)
            postgresql.start()
            wait_until(lambda: writer.state.failing_since is None)
            assert store.is_writable()
    finally:
        result.set()
        cameras.join()
        writer.close()
    assert written(store) == list(range(TEN, published[0]))
    assert is_consistent(store)
    assert writer.state.dropped == 0


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentistream.monitor.store.database.LOCK_TIMEOUT", 0.2)


@pytest.mark.usefixtures("short_timeouts")
def test_lock_of_some_seconds_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    bus = EventBus()
    writer = StoreWriter(bus, store, retry_delays=(0.2,))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for one in crowd(TEN, TEN + 50, "a"):
        bus.publish(one)
    wait_until(lambda: writer.state.failures >= 2)
    assert "locked" in writer.state.last_error
    assert store.history(Step.DAY, begin=0, end=4e9) == []  # readers are not blocked
    assert not store.is_writable()
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: writer.state.written == 50)
    assert written(store) == list(range(TEN, TEN + 50))
    assert writer.state.dropped == 0
    writer.close()
    store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    with small_disk(tmp_path / "disk", "2m") as folder:
        yield folder


def test_full_disk_keeps_readings_in_memory(disk: Path) -> None:
    path = disk / "r.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    store.add(crowd(TEN, TEN + 10, "abc"))
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(bytes(4096))
    bus = EventBus()
    writer = StoreWriter(bus, store, retry_delays=(0.1,))
    wait_until(lambda: _publish_until_full(bus, writer), limit=60)
    assert "full" in writer.state.last_error
    assert not store.is_writable()
    with pytest.raises(StorageError, match="backup"):
        store.backup(disk / "copy.sqlite3")
    assert {p.name for p in disk.iterdir()} <= {
        "filler",
        *(f"r.sqlite3{end}" for end in ("", "-wal", "-shm")),
    }
    assert store.readings(begin=TEN, end=TEN + 1)  # existing data can still be read
    filler.unlink()
    wait_until(lambda: writer.state.failing_since is None and not writer.state.waiting)
    assert writer.state.dropped == 0
    stored = written(store)
    assert stored == list(range(TEN, stored[-1] + 1))
    assert is_consistent(store)
    with write_transaction(engine) as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    writer.close()
    store.close()


_NEXT = [TEN + 10]


def _publish_until_full(bus: EventBus, writer: StoreWriter) -> bool:
    if writer.state.waiting < 500:
        for one in crowd(_NEXT[0], _NEXT[0] + 100, "abc"):
            bus.publish(one)
        _NEXT[0] += 100
    return writer.state.failures > 1


def test_full_database_file_stores_nothing_until_it_may_grow(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    with write_transaction(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 30")  # of the only pooled connection
    with pytest.raises(StorageError, match=r"disk is full.*Free some space"):
        store.add(crowd(TEN, TEN + 5_000, "abc"))
    assert store.readings(begin=0, end=4e9) == []
    with write_transaction(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    store.add(crowd(TEN, TEN + 5_000, "abc"))
    assert is_consistent(store)
    store.close()


def test_readers_see_a_consistent_state_during_writes(engine: Engine) -> None:
    store = DatabaseStore(engine, settings)
    store.add(crowd(TEN, TEN + 2, "abc"))
    result = threading.Event()
    problems: list[str] = []
    looks = [0, 0, 0]

    def reads(number: int) -> None:
        while not result.is_set():
            try:
                found = [
                    *store.history(Step.MINUTE, begin=TEN, end=TEN + 900),
                    *store.aggregate(begin=TEN, end=TEN + 900),
                ]
                problems.extend(
                    f"{s}" for s in found if s.seen != 3 * s.watched or s.appearances != 3
                )
            except StorageError as error:
                problems.append(str(error))
            looks[number] += 1

    readers = [threading.Thread(target=reads, args=(number,)) for number in range(3)]
    for reader in readers:
        reader.start()
    try:
        for second in range(TEN + 2, TEN + 90):
            store.add(crowd(second, second + 1, "abc"))
            if second % 20 == 0:  # however busy the machine, each reader runs while it grows
                before = list(looks)
                wait_until(
                    lambda b=before: all(n > m for n, m in zip(looks, b, strict=True)),  # type: ignore[misc]
                    limit=120,
                )
    finally:
        result.set()
        for reader in readers:
            reader.join()
    assert problems == []
    assert min(looks) > 2

"""Readings, alerts, forgetting, retention."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from sentistream.monitor.interfaces import Step, Store
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store.database import read_transaction
from sentistream.monitor.store.reading_tables import PRESENCES, READINGS, WATCHES
from store.sample_readings import TEN, alert, crowd, reading, seconds, settings

DAY = 86_400


def test_database_store_implements_the_protocol(store: DatabaseStore) -> None:
    as_store: Store = store
    assert as_store.is_writable()


def test_readings_are_stored_unchanged(store: DatabaseStore) -> None:
    originals = [
        reading(TEN, "b", shares=(0.1234, 0.8, 0.0766), seen=0.333, speaking=0.1),
        reading(TEN, "a", zone="shelf"),
        reading(TEN, "a", camera="till"),
        reading(TEN + 1, "a"),
    ]
    for one in originals:
        store.add([seconds(one.second, one, camera=one.camera)])
    assert list(store.readings(begin=TEN, end=TEN + 2)) == originals
    assert list(store.readings(begin=TEN, end=TEN + 1, camera="till")) == originals[2:3]
    assert list(store.readings(begin=TEN + 0.5, end=TEN + 1.5)) == originals[3:]
    assert list(store.readings(begin=TEN, end=TEN + 2, limit=2)) == originals[:2]
    assert list(store.readings(begin=float("-inf"), end=float("inf"))) == originals


def test_out_of_range_reading_is_clamped(store: DatabaseStore) -> None:
    store.add([seconds(TEN, reading(TEN, shares=(1.00001, -0.00001, 0), seen=1.2, speaking=2))])
    (one,) = store.readings(begin=TEN, end=TEN + 1)
    assert (one.positive, one.neutral, one.seen, one.speaking) == (1, 0, 1, 1)


def test_batch_with_nan_is_refused_as_a_whole(store: DatabaseStore) -> None:
    good = seconds(TEN, reading(TEN))
    with pytest.raises(ValueError, match="NaN"):
        store.add([good, seconds(TEN + 1, reading(TEN + 1, seen=float("nan")))])
    assert store.readings(begin=TEN, end=TEN + 9) == []
    assert store.history(Step.DAY, begin=0, end=4e9) == []


def test_alerts_are_stored_once_newest_first(store: DatabaseStore) -> None:
    first, second = alert(TEN + 0.25), alert(TEN + 600, active=False)
    for one in (first, second, first):
        store.add_alert(one)
    assert list(store.alerts()) == [second, first]
    assert list(store.alerts(since=TEN + 1)) == [second]
    assert list(store.alerts(limit=1)) == [second]


def test_erasing_deletes_readings_and_track_names_but_keeps_sums(
    engine: Engine, store: DatabaseStore
) -> None:
    store.add(crowd(TEN, TEN + 1500, "ab"))
    store.add(crowd(TEN, TEN + 1500, "c", camera="till"))
    store.add(crowd(TEN + 1400, TEN + 1600, "d"))
    before = store.history(Step.HOUR, begin=TEN, end=TEN + 1)
    assert store.erase(begin=TEN, end=TEN + 1450, camera="door") == 2 * 1450 + 50
    assert store.erase(begin=TEN, end=TEN + 1450, camera="door") == 0
    left = store.readings(begin=0, end=4e9)
    assert {one.track for one in left if one.second < TEN + 1450} == {"c"}
    assert store.history(Step.HOUR, begin=TEN, end=TEN + 1) == before
    assert store.erase(begin=TEN + 1450, end=TEN + 1500) == 3 * 50 + 50
    with read_transaction(engine) as connection:
        names = set(connection.scalars(select(PRESENCES.c.track).distinct()))
    assert names == {"c", "d"}  # both have readings left
    assert store.erase(begin=0, end=4e9) > 0
    with read_transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(PRESENCES)) == 0


def test_erased_data_is_not_left_in_the_file(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    name = "Zq7xN0bodyElse"
    store.add(crowd(TEN, TEN + 50, [name, "other"]))

    def found() -> bool:
        return any(name.encode() in path.read_bytes() for path in tmp_path.iterdir())

    assert found()
    store.erase(begin=TEN, end=TEN + 50)
    assert not found()
    store.close()


def test_each_kind_of_data_has_its_retention(engine: Engine) -> None:
    keep = settings(seconds_days=2, minutes_days=5, hours_days=10)
    store = DatabaseStore(engine, lambda: keep)
    now = TEN + 20 * DAY
    for days in range(15):
        store.add(crowd(now - days * DAY - 30, now - days * DAY - 20, "abc"))
        store.add_alert(alert(now - days * DAY - 30))
    store.apply_retention(now)
    store.apply_retention(now)

    def ages(moments: list[float]) -> list[int]:
        return sorted({int((now - moment) // DAY) for moment in moments})

    ever = {"begin": 0.0, "end": 4e9}
    assert ages([one.second for one in store.readings(**ever)]) == [0, 1]  # type: ignore[arg-type]
    minutes = store.history(Step.MINUTE, **ever)  # type: ignore[arg-type]
    assert ages([one.begin for one in minutes]) == [0, 1, 2, 3, 4]
    for step in (Step.HOUR, Step.DAY):
        oldest = min(one.begin for one in store.history(step, **ever))  # type: ignore[arg-type]
        assert now - 10 * DAY <= oldest < now - 9 * DAY
    assert ages([one.time for one in store.alerts()]) == list(range(10))
    with read_transaction(engine) as connection:
        assert connection.scalar(select(func.min(WATCHES.c.begin))) or now - 2 * DAY <= 0
        assert connection.scalar(select(func.min(PRESENCES.c.begin))) or now - 2 * DAY <= 0


def test_retention_does_not_block_writers_and_frees_space(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    store = DatabaseStore(engine, lambda: settings(seconds_days=1))
    for start in range(0, 10_000, 2_000):
        store.add(crowd(TEN + start, TEN + start + 2_000, [f"{start}-{n}" for n in range(3)]))
    with read_transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(READINGS)) == 30_000
    engine.dispose()  # the write-ahead log is checkpointed
    before = path.stat().st_size
    result = threading.Event()
    waits: list[float] = []

    def writes() -> None:
        second = TEN + 3 * DAY
        while not result.is_set():
            began = time.monotonic()
            store.add(crowd(second, second + 1, "z"))
            waits.append(time.monotonic() - began)
            second += 1
            result.wait(0.02)

    writer = threading.Thread(target=writes)
    writer.start()
    try:
        store.apply_retention(TEN + 3 * DAY)
    finally:
        result.set()
        writer.join()
    with read_transaction(engine) as connection:
        assert connection.scalar(select(func.min(READINGS.c.second))) == TEN + 3 * DAY
    assert len(waits) > 5
    assert max(waits) < 4.0
    engine.dispose()
    assert path.stat().st_size < before / 3


def test_deleted_database_file_is_unhealthy(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    assert store.is_writable()
    path.unlink()
    assert not store.is_writable()
    store.close()

"""Backups taken during writes, and their schedule."""

from __future__ import annotations

import logging
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sentistream.errors import StorageError
from sentistream.monitor.store import (
    DatabaseStore,
    Housekeeper,
    migrate,
    open_database,
)
from sentistream.monitor.store import backups as backups_module
from store.postgres import Server
from store.sample_readings import TEN, crowd, settings
from waiting import wait_until

HOUR = 3600.0


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Engine:
    engine = open_database(f"sqlite:///{tmp_path / 'state' / 'r.sqlite3'}")
    migrate(engine)
    return engine


def test_backup_taken_during_writes_is_consistent(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups_module, "PAGES_PER_STEP", 8)  # so that many writes happen during it
    store = DatabaseStore(sqlite_engine, settings)
    for start in range(0, 4_000, 500):
        store.add(crowd(TEN + start, TEN + start + 500, "abc"))
    result = threading.Event()
    written = [0]

    def writes() -> None:
        while not result.is_set():
            second = TEN + 4_000 + written[0]
            store.add(crowd(second, second + 1, "abc"))
            written[0] += 1

    writer = threading.Thread(target=writes)
    writer.start()
    target = tmp_path / "copies" / "one.sqlite3"
    try:
        before = written[0]
        store.backup(target)
        during = written[0] - before
    finally:
        result.set()
        writer.join()
    assert during > 3
    assert [path.name for path in target.parent.iterdir()] == ["one.sqlite3"]
    assert target.stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(target)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    readings, seen = (
        copy.execute("SELECT COUNT(*) FROM readings").fetchone()[0],
        copy.execute("SELECT SUM(seen) FROM sums WHERE step = 'day' AND zone = ''").fetchone()[0],
    )
    copy.close()
    assert readings >= 12_000
    assert (
        seen == readings * 1000
    )  # one state of the database, not the beginning of one and the end of another
    again = open_database(f"sqlite:///{target}")
    migrate(again)
    assert DatabaseStore(again, settings).is_writable()
    again.dispose()
    store.close()


def test_unwritable_folder_is_reported_and_leaves_no_partial_backup(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store = DatabaseStore(sqlite_engine, settings)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="No backup can be written"):
        store.backup(tmp_path / "file" / "copy.sqlite3")
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError, match="No backup can be written"):
        store.backup(tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "state", "taken"]


def test_postgresql_backup_refers_to_its_own_tools(postgresql: Server, tmp_path: Path) -> None:
    store = DatabaseStore(open_database(postgresql.url), settings)
    with pytest.raises(StorageError, match="pg_dump"):
        store.backup(tmp_path / "copy")
    store.close()


def test_backups_are_made_when_due_and_old_ones_deleted(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    store = DatabaseStore(sqlite_engine, settings)
    keep = settings(backup_folder=folder, backup_hours=6, backups_kept=3)
    housekeeper = Housekeeper(store, lambda: keep)

    def backups() -> list[str]:
        return sorted(path.name for path in folder.iterdir())

    housekeeper.run_due(TEN, 100.0)
    assert backups() == ["sentistream-20260105T100000Z.sqlite3"]
    housekeeper.run_due(TEN + 5 * HOUR, 100.0 + 5 * HOUR)
    assert len(backups()) == 1
    # after a program restart, the backup schedule continues
    housekeeper = Housekeeper(store, lambda: keep)
    housekeeper.run_due(TEN + 5.5 * HOUR, 7.0)
    assert len(backups()) == 1
    (folder / "notes.txt").write_text("mine")
    for number in range(1, 6):
        housekeeper.run_due(TEN + (6 * number + 1) * HOUR, 7.0 + 6 * number * HOUR)
    names = [name for name in backups() if name != "notes.txt"]
    assert (folder / "notes.txt").exists()
    times = [datetime.fromtimestamp(TEN + (6 * n + 1) * HOUR, UTC) for n in (3, 4, 5)]
    assert names == [f"sentistream-{time:%Y%m%dT%H%M%SZ}.sqlite3" for time in times]
    assert housekeeper.last_error == ""
    store.close()


def test_failed_backup_is_reported_once_and_retried(
    sqlite_engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "copies").write_text("in the way")
    store = DatabaseStore(sqlite_engine, settings)
    housekeeper = Housekeeper(store, lambda: settings(backup_folder=tmp_path / "copies"))
    with caplog.at_level(logging.WARNING):
        for minute in range(0, 60, 5):
            housekeeper.run_due(TEN + minute * 60, minute * 60)
    assert len(caplog.records) == 1
    assert "No backup can be written" in housekeeper.last_error
    (tmp_path / "copies").unlink()
    housekeeper.run_due(TEN + HOUR, HOUR)
    assert housekeeper.last_error == ""
    assert len(list((tmp_path / "copies").iterdir())) == 1
    store.close()


def test_clock_jump_ahead_deletes_nothing(sqlite_engine: Engine) -> None:
    store = DatabaseStore(sqlite_engine, settings)
    store.add(crowd(TEN, TEN + 10, "a"))
    housekeeper = Housekeeper(store, settings)
    years = 20 * 365 * 24 * HOUR
    for second in range(0, 9_000, 20):  # for minutes the clock is wrong, repeatedly
        housekeeper.run_due(TEN + second + years * (second // 500 % 2), float(second))
    assert len(store.readings(begin=TEN, end=TEN + 10)) == 10
    for second in range(9_000, 10_000, 20):  # and now it truly is that late
        housekeeper.run_due(TEN + second + years, float(second))
    assert store.readings(begin=TEN, end=TEN + 10) == []
    store.close()


def test_backup_thread_runs_and_stops_when_closed(sqlite_engine: Engine, tmp_path: Path) -> None:
    store = DatabaseStore(sqlite_engine, settings)
    housekeeper = Housekeeper(
        store, lambda: settings(backup_folder=tmp_path / "copies"), poll_interval=0.01
    )
    housekeeper.start()
    wait_until(
        lambda: (
            (tmp_path / "copies").is_dir()
            and len(backups_module.list_backups(tmp_path / "copies")) == 1
        )
    )
    housekeeper.close()
    assert not any(thread.name == "housekeeper" for thread in threading.enumerate())
    store.close()

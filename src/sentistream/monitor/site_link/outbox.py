"""Records waiting to be sent to headquarters: an SQLite file beside the store, kept for weeks.

A record stays until headquarters confirms that it is stored. The file also remembers which sums
were added, so that a minute is resent, with a higher revision, only if it has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentistream.errors import StorageError
from sentistream.monitor.fleet.records import SumRow, check_record, sums_record
from sentistream.translatable import Translatable

OUTBOX_FILE = "headquarters-outbox.db"
"""The file's name in the state folder."""

MAX_DAYS = 60
"""Days for which records wait; older ones are dropped and counted."""

MAX_RECORDS = 200_000
"""Records that wait; beyond that the oldest are dropped and counted. A minute is one record."""

_REMEMBERED = 7 * 24 * 3600
"""Seconds for which an added sum is remembered."""

_TABLES = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    created REAL NOT NULL,
    replaces TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_records_replaces ON records (replaces);
CREATE TABLE IF NOT EXISTS sums (
    length INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (length, begin)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting record.

    Attributes:
        seq: Its sequence number in the outbox.
        created: Wall-clock seconds at which it was added.
        body: Its JSON.
    """

    seq: int
    created: float
    body: str


class Outbox:
    """Safe from several threads. All methods raise ``StorageError`` if the file is not usable.

    Args:
        path: The file; made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=5.0
            )
            self._connection.execute("PRAGMA journal_mode = WAL").close()
            self._connection.execute("PRAGMA synchronous = FULL").close()
            self._connection.executescript(_TABLES)

    def put(self, record: Mapping[str, Any], now: float, *, replaces: str = "") -> None:
        """Adds a record.

        Args:
            record: Made by ``fleet.records``.
            now: Wall-clock seconds.
            replaces: A waiting record with the same name is superseded; empty for none.

        Raises:
            ForbiddenRecordError: It contains something that must not leave the site.
        """
        check_record(record)
        with self._transaction() as connection:
            _insert(connection, record, now, replaces)

    def put_sums(self, begin: int, length: int, rows: Sequence[SumRow], now: float) -> bool:
        """Adds the sums of a minute or hour if they are new or changed; returns whether they were.

        They count as created when the minute or hour ended, so that old ones are not new.
        """
        made = min(now, float(begin + length))
        text = json.dumps([row.as_list() for row in rows])
        digest = hashlib.sha256(text.encode()).hexdigest()[:24]
        with self._transaction() as connection:
            known = connection.execute(
                "SELECT revision, digest FROM sums WHERE length = ? AND begin = ?", (length, begin)
            ).fetchone()
            if known is not None and known[1] == digest:
                return False
            if known is None and not rows:
                return False
            revision = 1 if known is None else known[0] + 1
            record = sums_record(begin, length, revision, rows)
            check_record(record)
            connection.execute(
                "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)",
                (length, begin, revision, digest),
            )
            # an older revision need not be sent
            _insert(connection, record, made, f"sums {length} {begin}")
        return True

    def waiting(
        self, after: int, limit: int, *, since: float = 0.0, before: float = float("inf")
    ) -> list[Waiting]:
        """Records after a position in the outbox, in order.

        Args:
            after: Only those with a higher ``seq``.
            limit: At most this many.
            since, before: Only those created in [since, before), wall-clock seconds.
        """
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT seq, created, body FROM records "
                "WHERE seq > ? AND created >= ? AND created < ? ORDER BY seq LIMIT ?",
                (after, since, before, limit),
            ).fetchall()
        return [Waiting(*row) for row in found]

    def remove(self, seqs: Collection[int]) -> None:
        """Deletes records that headquarters has stored."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM records WHERE seq = ?", [(seq,) for seq in seqs])

    def clear(self) -> None:
        """Deletes everything, as when the site has left."""
        with self._transaction() as connection:
            for table in ("records", "sums", "counters"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant

    def count(self) -> int:
        """How many records wait."""
        with self._transaction() as connection:
            return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])

    def oldest(self) -> float | None:
        """When the oldest of them was added; None if nothing waits."""
        with self._transaction() as connection:
            found = connection.execute("SELECT min(created) FROM records").fetchone()[0]
        return None if found is None else float(found)

    def counter(self, name: str) -> int:
        """A persistent number; 0 at first."""
        with self._transaction() as connection:
            return _counter(connection, name)

    def set_counter(self, name: str, value: int) -> None:
        """Stores a number."""
        with self._transaction() as connection:
            _set_counter(connection, name, value)

    def next_number(self, now: float) -> int:
        """The number of the next message: higher than all before, even if this file was lost."""
        with self._transaction() as connection:
            number = max(_counter(connection, "number") + 1, int(now * 1000))
            _set_counter(connection, "number", number)
        return number

    def prune(self, now: float) -> int:
        """Drops what is older than ``MAX_DAYS`` or exceeds ``MAX_RECORDS``; returns how many."""
        with self._transaction() as connection:
            dropped = connection.execute(
                "DELETE FROM records WHERE created < ?", (now - MAX_DAYS * 86_400,)
            ).rowcount
            dropped += connection.execute(
                "DELETE FROM records WHERE seq <= "
                "(SELECT seq FROM records ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (MAX_RECORDS,),
            ).rowcount
            connection.execute("DELETE FROM sums WHERE begin < ?", (int(now) - _REMEMBERED,))
            if dropped:
                _set_counter(connection, "dropped", _counter(connection, "dropped") + dropped)
        return dropped

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                Translatable(
                    "The outbox {path} cannot be used ({words}).", path=self.path, words=error
                ),
                "See who owns the file and how full its disk is.",
            ) from None


def _insert(
    connection: sqlite3.Connection, record: Mapping[str, Any], now: float, replaces: str
) -> None:
    if replaces:
        connection.execute("DELETE FROM records WHERE replaces = ?", (replaces,))
    body = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    connection.execute(
        "INSERT INTO records (created, replaces, body) VALUES (?, ?, ?)", (now, replaces, body)
    )


def _counter(connection: sqlite3.Connection, name: str) -> int:
    found = connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return 0 if found is None else int(found[0])


def _set_counter(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))

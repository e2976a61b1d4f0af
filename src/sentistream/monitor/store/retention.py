"""Retention: deletes what is too old, and erases what a person asked to have erased.

Deletions run in slices, each a short transaction, so that writers never wait long.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Column, Engine, Table, and_, delete, func, or_, select

from sentistream.monitor.interfaces import Step
from sentistream.monitor.settings import StorageSettings
from sentistream.monitor.store import alert_log
from sentistream.monitor.store.buckets import ceil_second
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.monitor.store.reading_tables import (
    ANNOTATIONS,
    PRESENCES,
    READINGS,
    SUMS,
    WATCHES,
)
from sentistream.monitor.store.storage_errors import storage_errors

DAY = 86_400
GRACE = 3_600
"""Seconds for which presences outlive their bucket, for readings that arrive late."""

_PAUSE = 0.02
"""Seconds between slices, in which other transactions can run."""

_PAGES = 256
"""Pages returned to the file system at a time (1 MiB)."""

_MAX_SECONDS = {Step.MINUTE: 60, Step.HOUR: 3_600, Step.DAY: 25 * 3_600}


def apply_retention(engine: Engine, now: float, settings: StorageSettings) -> None:
    """Deletes what is older than the settings allow and returns the space to the file system.

    Raises:
        StorageError: The database cannot be written; what was deleted before stays deleted.
    """
    seconds = ceil_second(now - settings.seconds_days * DAY)
    for table, column, step, before, width in (
        (READINGS, READINGS.c.second, None, seconds, 600),
        (WATCHES, WATCHES.c.begin, None, seconds, DAY),
        (
            SUMS,
            SUMS.c.begin,
            Step.MINUTE,
            ceil_second(now - settings.minutes_days * DAY),
            6 * 3_600,
        ),
        (SUMS, SUMS.c.begin, Step.HOUR, ceil_second(now - settings.hours_days * DAY), 30 * DAY),
        (SUMS, SUMS.c.begin, Step.DAY, ceil_second(now - settings.hours_days * DAY), 365 * DAY),
        *(
            (
                PRESENCES,
                PRESENCES.c.begin,
                step,
                max(ceil_second(now - length - GRACE), seconds),
                DAY,
            )
            for step, length in _MAX_SECONDS.items()
        ),
    ):
        _delete_before(engine, table, column, step, before, width)
    with write_transaction(engine) as connection:
        limit = now - settings.hours_days * DAY
        alert_log.delete_before(connection, limit)
        connection.execute(delete(ANNOTATIONS).where(ANNOTATIONS.c.time < limit))
    _vacuum(engine)


def erase(engine: Engine, *, begin: float, end: float, camera: str | None) -> int:
    """Erases the single readings of [begin, end), and every other trace of their tracks.

    Returns:
        The number of readings erased.
    """
    deleted, first, last = 0, ceil_second(begin), ceil_second(end)
    while first < last:
        with write_transaction(engine) as connection:
            oldest = connection.scalar(
                select(func.min(READINGS.c.second)).where(READINGS.c.second >= first)
            )
            if oldest is None or oldest >= last:
                break
            first = min(oldest + 600, last)
            chosen = and_(READINGS.c.second >= oldest, READINGS.c.second < first)
            if camera is not None:
                chosen = and_(chosen, READINGS.c.camera == camera)
            deleted += connection.execute(delete(READINGS).where(chosen)).rowcount
        time.sleep(_PAUSE)
    if deleted:
        _erase_orphaned_presences(engine, ceil_second(begin), last, camera)
        _truncate_log(engine)
    return deleted


def _delete_before(
    engine: Engine, table: Table, column: Column[int], step: Step | None, before: int, width: int
) -> None:
    ours = table.c.step == str(step) if step is not None else None
    while True:
        with read_transaction(engine) as connection:
            oldest = select(func.min(column))
            first = connection.scalar(oldest if ours is None else oldest.where(ours))
        if first is None or first >= before:
            return
        old = delete(table).where(column >= first, column < min(first + width, before))
        with write_transaction(engine) as connection:
            connection.execute(old if ours is None else old.where(ours))
        time.sleep(_PAUSE)


def _erase_orphaned_presences(engine: Engine, begin: int, end: int, camera: str | None) -> None:
    """Deletes the presences of tracks that have no reading left."""
    overlapping = or_(
        *(
            and_(
                PRESENCES.c.step == str(step),
                PRESENCES.c.begin > begin - length,
                PRESENCES.c.begin < end,
            )
            for step, length in _MAX_SECONDS.items()
        )
    )
    buckets = select(PRESENCES.c.step, PRESENCES.c.begin, PRESENCES.c.camera).distinct()
    buckets = buckets.where(overlapping)
    if camera is not None:
        buckets = buckets.where(PRESENCES.c.camera == camera)
    with read_transaction(engine) as connection:
        found = connection.execute(buckets).all()
    for step, start, where in found:
        with write_transaction(engine) as connection:
            left = (
                select(READINGS.c.track)
                .where(READINGS.c.camera == where)
                .where(READINGS.c.second >= start)
                .where(READINGS.c.second < start + _MAX_SECONDS[Step(step)])
            )
            connection.execute(
                delete(PRESENCES)
                .where(PRESENCES.c.step == step, PRESENCES.c.begin == start)
                .where(PRESENCES.c.camera == where, PRESENCES.c.track.not_in(left))
            )


def _vacuum(engine: Engine) -> None:
    """Returns free pages of an SQLite file to the file system, in small steps."""
    if engine.dialect.name != "sqlite":
        return
    with _raw_connection(engine) as connection:
        while connection.execute("PRAGMA freelist_count").fetchone()[0]:
            # executescript, because execute() only steps to the first row, and this pragma has
            # none: it would return a single page
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
            time.sleep(_PAUSE)


def _truncate_log(engine: Engine) -> None:
    """Truncates SQLite's log, which still contains what was deleted, unless readers hold it."""
    if engine.dialect.name == "sqlite":
        with _raw_connection(engine) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def _raw_connection(engine: Engine) -> Iterator[sqlite3.Connection]:
    """A driver connection outside SQLAlchemy's transactions."""
    with storage_errors(engine), closing(engine.raw_connection()) as borrowed:
        connection = borrowed.driver_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"SQLite's driver gave {type(connection)}.")
        yield connection

"""Deletes what is too old, and what somebody asked to be forgotten.

In slices, each a short transaction, so that whoever writes never waits long.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Column, Engine, Table, and_, delete, func, or_, select

from sentistream.monitor.interfaces import Step
from sentistream.monitor.settings import StorageSettings
from sentistream.monitor.store.database import reading, writing
from sentistream.monitor.store.failures import storage_errors
from sentistream.monitor.store.steps import whole
from sentistream.monitor.store.tables import (
    ALERTS,
    PRESENCES,
    READINGS,
    SUMS,
    WATCHES,
)

DAY = 86_400
GRACE = 3_600
"""Seconds for which presences outlive their minute, hour or day, for what comes late."""

_PAUSE = 0.02
"""Seconds between slices, in which others get their turn."""

_PAGES = 256
"""Pages given back to the disk at a time (1 MiB)."""

_LONGEST = {Step.MINUTE: 60, Step.HOUR: 3_600, Step.DAY: 25 * 3_600}


def tidy(engine: Engine, now: float, settings: StorageSettings) -> None:
    """Deletes what is older than the settings allow and gives the space back.

    Raises:
        StorageError: The database cannot be written; what has been deleted by then is gone.
    """
    seconds = whole(now - settings.seconds_days * DAY)
    for table, column, step, before, width in (
        (READINGS, READINGS.c.second, None, seconds, 600),
        (WATCHES, WATCHES.c.begin, None, seconds, DAY),
        (SUMS, SUMS.c.begin, Step.MINUTE, whole(now - settings.minutes_days * DAY), 6 * 3_600),
        (SUMS, SUMS.c.begin, Step.HOUR, whole(now - settings.hours_days * DAY), 30 * DAY),
        (SUMS, SUMS.c.begin, Step.DAY, whole(now - settings.hours_days * DAY), 365 * DAY),
        *(
            (PRESENCES, PRESENCES.c.begin, step, max(whole(now - length - GRACE), seconds), DAY)
            for step, length in _LONGEST.items()
        ),
    ):
        _delete_before(engine, table, column, step, before, width)
    with writing(engine) as connection:
        connection.execute(delete(ALERTS).where(ALERTS.c.time < now - settings.hours_days * DAY))
    _shrink(engine)


def forget(engine: Engine, *, begin: float, end: float, camera: str | None) -> int:
    """Deletes single readings of [begin, end), and the names in them wherever they stand.

    Returns:
        How many readings.
    """
    deleted, first, last = 0, whole(begin), whole(end)
    while first < last:
        with writing(engine) as connection:
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
        _forget_presences(engine, whole(begin), last, camera)
        _overwrite(engine)
    return deleted


def _delete_before(
    engine: Engine, table: Table, column: Column[int], step: Step | None, before: int, width: int
) -> None:
    ours = table.c.step == str(step) if step is not None else None
    while True:
        with reading(engine) as connection:
            oldest = select(func.min(column))
            first = connection.scalar(oldest if ours is None else oldest.where(ours))
        if first is None or first >= before:
            return
        old = delete(table).where(column >= first, column < min(first + width, before))
        with writing(engine) as connection:
            connection.execute(old if ours is None else old.where(ours))
        time.sleep(_PAUSE)


def _forget_presences(engine: Engine, begin: int, end: int, camera: str | None) -> None:
    """Deletes presences that no reading is left to stand for."""
    overlapping = or_(
        *(
            and_(
                PRESENCES.c.step == str(step),
                PRESENCES.c.begin > begin - length,
                PRESENCES.c.begin < end,
            )
            for step, length in _LONGEST.items()
        )
    )
    steps = select(PRESENCES.c.step, PRESENCES.c.begin, PRESENCES.c.camera).distinct()
    steps = steps.where(overlapping)
    if camera is not None:
        steps = steps.where(PRESENCES.c.camera == camera)
    with reading(engine) as connection:
        found = connection.execute(steps).all()
    for step, start, where in found:
        with writing(engine) as connection:
            left = (
                select(READINGS.c.track)
                .where(READINGS.c.camera == where)
                .where(READINGS.c.second >= start)
                .where(READINGS.c.second < start + _LONGEST[Step(step)])
            )
            connection.execute(
                delete(PRESENCES)
                .where(PRESENCES.c.step == step, PRESENCES.c.begin == start)
                .where(PRESENCES.c.camera == where, PRESENCES.c.track.not_in(left))
            )


def _shrink(engine: Engine) -> None:
    """Gives free pages of an SQLite file back to the disk, some at a time."""
    if engine.dialect.name != "sqlite":
        return
    with _raw(engine) as connection:
        while connection.execute("PRAGMA freelist_count").fetchone()[0]:
            # as a script, because a statement is run to its end only by fetching rows, of which
            # this has none: it would give back a single page
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
            time.sleep(_PAUSE)


def _overwrite(engine: Engine) -> None:
    """Empties SQLite's log, which still holds what was deleted; as far as readers let it."""
    if engine.dialect.name == "sqlite":
        with _raw(engine) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def _raw(engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection outside SQLAlchemy's transactions."""
    with storage_errors(engine), closing(engine.raw_connection()) as borrowed:
        connection = borrowed.driver_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"SQLite's driver gave {type(connection)}.")
        yield connection

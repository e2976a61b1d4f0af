"""No common statement scans a whole table, according to SQLite's query plans."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event

from sentistream.monitor.interfaces import Step
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store.database import write_transaction
from sentistream.monitor.store.reading_tables import PRESENCES
from store.sample_readings import TEN, crowd, settings

LARGE = ("readings", "sums", "presences", "watches")


@pytest.fixture
def plans(tmp_path: Path) -> tuple[Engine, dict[str, list[str]]]:
    """A database, and SQLite's query plan of each statement on it."""
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(engine)
    plans: dict[str, list[str]] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def _explain(_: Any, cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if re.match(r"SELECT|INSERT|DELETE|UPDATE", statement):
            one = values[0] if isinstance(values, list) else values
            plan = cursor.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", one)
            plans[statement] = [row[3] for row in plan]

    return engine, plans


def test_no_statement_scans_a_whole_table(
    plans: tuple[Engine, dict[str, list[str]]],
) -> None:
    engine, plans_by_statement = plans
    store = DatabaseStore(engine, settings)
    store.add(crowd(TEN, TEN + 200, "abc", zone="shelf"))
    with write_transaction(engine) as connection:
        connection.execute(delete(PRESENCES).where(PRESENCES.c.track.in_(list("abc"))))
    store.add(crowd(TEN + 200, TEN + 201, "abc"))  # appearances are recomputed
    for zone in ("", "shelf", None):
        for camera in ("door", None):
            store.history(Step.HOUR, begin=TEN, end=TEN + 9, camera=camera, zone=zone)
    store.aggregate(begin=TEN, end=TEN + 3 * 86_400)
    store.readings(begin=TEN, end=TEN + 9, camera="door")
    b"".join(store.export("csv", "readings", begin=TEN, end=TEN + 201))
    b"".join(store.export("csv", Step.MINUTE, begin=TEN, end=TEN + 201))
    store.erase(begin=TEN, end=TEN + 20)
    store.apply_retention(TEN + 500 * 86_400)
    assert len(plans_by_statement) > 20
    scan = re.compile(rf"SCAN ({'|'.join(LARGE)})\b(?! USING COVERING INDEX ix)")
    assert {s: p for s, p in plans_by_statement.items() if any(map(scan.match, p))} == {}
    store.close()

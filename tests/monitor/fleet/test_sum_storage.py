"""Sums are stored once, in any order of arrival; old months are dropped as a whole."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from sentistream.monitor.fleet.records import SumRow
from sentistream.monitor.headquarters.fleet_tables import DAYS, HOURS, SUMS, TOTALS
from sentistream.monitor.headquarters.headquarters import MIGRATIONS
from sentistream.monitor.headquarters.record_parsing import SiteSum
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sum_storage import SumBatch, SumStorage, month_partitions
from sentistream.monitor.settings import HeadquartersSettings
from sentistream.monitor.store import migrate, open_database
from sentistream.monitor.store.database import write_transaction

BEGIN = int(datetime.datetime(2026, 3, 10, 9, tzinfo=datetime.UTC).timestamp())


@pytest.fixture
def fleet(engine: Engine) -> Engine:
    migrate(engine)
    migrate(engine, MIGRATIONS)
    SiteRegistry(engine).add("north", "North")
    return engine


def one(minute: int, seen: int, revision: int = 1, length: int = 60, zone: str = "") -> SiteSum:
    row = SumRow("door", zone, 9, 4, 60 if length == 60 else 0, seen, seen // 2, 2000, 5000, 3000)
    return SiteSum(BEGIN + minute * 60, length, revision, row)


def store(engine: Engine, *sums: SiteSum, storage: SumStorage | None = None) -> int:
    with write_transaction(engine) as connection:
        return (storage or SumStorage(engine)).store(
            connection, [SumBatch(1, "Europe/Berlin", list(sums))]
        )


def totals(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        found = connection.execute(select(*(func.sum(DAYS.c[name]) for name in TOTALS))).one()
        hours = connection.execute(select(*(func.sum(HOURS.c[name]) for name in TOTALS))).one()
    assert tuple(found) == tuple(hours)
    return {name: int(value or 0) for name, value in zip(TOTALS, found, strict=True)}


def test_repeated_sum_counts_once_and_a_higher_revision_replaces_it(fleet: Engine) -> None:
    assert store(fleet, one(0, 1000), one(1, 500)) == 2
    assert store(fleet, one(0, 1000), one(1, 500)) == 0
    assert store(fleet, one(0, 3000, revision=3)) == 1
    assert store(fleet, one(0, 2000, revision=2)) == 0
    assert totals(fleet)["seen"] == 3500
    assert totals(fleet)["arrived"] == 8
    assert totals(fleet)["positive"] == 3500 * 2000


def test_withheld_minutes_and_their_hour_do_not_double_count(fleet: Engine) -> None:
    few = SumRow("door", "", 3, 2, 60, None, None, None, None, None)
    store(fleet, SiteSum(BEGIN, 60, 1, few), SiteSum(BEGIN + 60, 60, 1, few))
    assert totals(fleet) == dict.fromkeys(TOTALS, 0) | {"arrived": 4, "watched": 120}
    store(fleet, one(0, 900, length=3600))
    found = totals(fleet)
    assert (found["arrived"], found["covered"], found["watched"]) == (4, 4, 120)
    assert found["seen"] == 900


EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 999)), min_size=1, max_size=12
)


@given(events=EVENTS, cuts=st.lists(st.integers(0, 12), max_size=3))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_and_batching_gives_the_same_totals(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    """The highest revision of each minute counts, however messages were split and repeated."""
    path = tmp_path_factory.mktemp("sums") / "headquarters.db"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    migrate(engine, MIGRATIONS)
    SiteRegistry(engine).add("north", "North")
    # a site reports each revision in one way
    seen_by_revision = {(minute, revision): seen for minute, revision, seen in events}
    sums = [
        one(minute, seen_by_revision[minute, revision], revision) for minute, revision, _ in events
    ]
    bounds = [0, *sorted(min(cut, len(sums)) for cut in cuts), len(sums)]
    storage = SumStorage(engine)
    for first, last in itertools.pairwise(bounds):
        store(engine, *sums[first:last], storage=storage)
    store(engine, *sums, storage=storage)
    highest = {
        minute: max(revision for each, revision in seen_by_revision if each == minute)
        for minute, _ in seen_by_revision
    }
    expected = sum(seen_by_revision[minute, revision] for minute, revision in highest.items())
    assert totals(engine)["seen"] == expected
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(SUMS)) == len(highest)
    engine.dispose()


def test_months_are_partitions_and_old_ones_are_dropped(fleet: Engine) -> None:
    storage = SumStorage(fleet)
    month = 31 * 24 * 60
    store(fleet, one(0, 10), one(-month, 10), one(-4 * month, 10), storage=storage)
    on_postgresql = fleet.dialect.name == "postgresql"
    if on_postgresql:
        names = ["fleet_sums_2025_11", "fleet_sums_2026_02", "fleet_sums_2026_03"]
        assert list(month_partitions(fleet)) == names
    kept = HeadquartersSettings(host="x", minutes_days=62)
    storage.apply_retention(BEGIN + 86_400.0, kept)
    with fleet.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(SUMS)) == 2
    if on_postgresql:
        assert list(month_partitions(fleet)) == names[1:]
    # a late sum of a dropped month gets its partition again
    assert store(fleet, one(-4 * month, 10), storage=storage) == 1


def test_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    from sqlalchemy import text

    from sentistream.errors import StorageError

    engine = open_database(f"sqlite:///{tmp_path / 'headquarters.db'}")
    migrate(engine)
    migrate(engine, MIGRATIONS)
    migrate(engine, MIGRATIONS)
    with engine.begin() as connection:
        connection.execute(text("UPDATE headquarters_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer version"):
        migrate(engine, MIGRATIONS)
    migrate(engine)
    engine.dispose()

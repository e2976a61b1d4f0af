"""Aggregates equal a plain recomputation from all readings, in any order of arrival."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import SecondReading, Seconds
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store.buckets import bucket_bounds
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.monitor.store.reading_tables import METADATA, PRESENCES
from store.sample_readings import TEN, crowd, reading, seconds, settings

CAMERAS = ("door", "till")


class Stretch(TypedDict):
    """A span of time."""

    begin: float
    end: float


EVER: Stretch = {"begin": 0.0, "end": 4e9}


def naive(
    step: Step, everything: Sequence[Seconds]
) -> dict[tuple[str, str, int], tuple[float, ...]]:
    """By camera, zone and begin: appearances, seen, speaking, time by sentiment, watched."""
    by_key: dict[tuple[str, str, int, str], SecondReading] = {}
    watched: dict[tuple[str, int], set[int]] = defaultdict(set)
    for some in everything:
        watched[some.camera, bucket_bounds(step, some.second)[0]].add(some.second)
        for one in some.readings:
            by_key.setdefault((one.camera, one.zone, one.second, one.track), one)
    rows: dict[tuple[str, str, int], list[SecondReading]] = defaultdict(list)
    for one in by_key.values():
        for zone in {"", one.zone}:
            rows[one.camera, zone, bucket_bounds(step, one.second)[0]].append(one)
    for camera, begin in watched:
        rows.setdefault((camera, "", begin), [])
    return {
        (camera, zone, begin): (
            len({r.track for r in some}),
            sum(r.seen for r in some),
            sum(r.speaking for r in some),
            sum(r.positive * r.seen for r in some),
            sum(r.neutral * r.seen for r in some),
            sum(r.negative * r.seen for r in some),
            len(watched[camera, begin]),
        )
        for (camera, zone, begin), some in rows.items()
    }


def stored(sums: Sequence[Aggregate]) -> dict[tuple[str, str, int], tuple[float, ...]]:
    """The same from the store's rows."""
    found = {}
    for s in sums:
        assert s.seen is not None
        assert s.speaking is not None
        shares = [(share or 0.0) * s.seen for share in (s.positive, s.neutral, s.negative)]
        found[s.camera, s.zone, int(s.begin)] = (
            s.appearances,
            s.seen,
            s.speaking,
            *shares,
            s.watched,
        )
    return found


SHARES = st.sampled_from([(0.2, 0.5, 0.3), (1.0, 0.0, 0.0), (0.05, 0.05, 0.9), (0.25, 0.25, 0.5)])
STARTS = st.sampled_from([TEN - 2, TEN + 57, TEN + 3598, TEN + 14 * 3600 - 3])


@st.composite
def _second(draw: st.DrawFn) -> Seconds:
    camera = draw(st.sampled_from(CAMERAS))
    second = draw(STARTS) + draw(st.integers(0, 5))
    who = draw(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "shelf", "queue"])),
            max_size=4,
            unique=True,
        )
    )
    return seconds(
        second,
        *(
            reading(
                second,
                track,
                camera=camera,
                zone=zone,
                shares=draw(SHARES),
                seen=(seen := draw(st.sampled_from([1.0, 0.5, 0.033]))),
                speaking=draw(st.sampled_from([0.0, seen])),
            )
            for track, zone in who
        ),
        camera=camera,
    )


BATCHES = st.lists(st.lists(_second(), max_size=6), max_size=6)


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, DatabaseStore]:
    path: Path = tmp_path_factory.mktemp("sums") / "readings.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    return engine, DatabaseStore(engine, settings)


def empty(engine: Engine) -> None:
    """Reset to the state after creation."""
    with write_transaction(engine) as connection:
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))


def check(store: DatabaseStore, everything: Sequence[Seconds]) -> None:
    """Compare every aggregate of every length."""
    for step in Step:
        expected = naive(step, everything)
        found = stored(store.history(step, zone=None, **EVER))
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            assert found[key] == pytest.approx(values, abs=1e-9), (step, key)


@given(batches=BATCHES, again=st.sets(st.integers(0, 5)), pruned=st.sets(st.integers(0, 5)))
@hypothesis_settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_aggregates_equal_a_recomputation(
    sqlite_store: tuple[Engine, DatabaseStore],
    batches: list[list[Seconds]],
    again: set[int],
    pruned: set[int],
) -> None:
    engine, store = sqlite_store
    empty(engine)
    given_so_far: list[Seconds] = []
    for number, batch in enumerate(batches):
        store.add(batch)
        given_so_far += batch
        if number in again:  # the same again, as after an unconfirmed write
            store.add(batch)
            store.add(given_so_far)
        if number in pruned:  # as if all this were long ago
            with write_transaction(engine) as connection:
                connection.execute(delete(PRESENCES))
    check(store, given_so_far)
    together = store.aggregate(**EVER)
    tracks: dict[str, set[str]] = defaultdict(set)
    for some in given_so_far:
        tracks[some.camera] |= {one.track for one in some.readings}
    if not pruned:
        assert {s.camera: s.appearances for s in together} == {
            camera: len(tracks[camera]) for camera in {some.camera for some in given_so_far}
        }


def test_aggregates_on_each_database(store: DatabaseStore) -> None:
    batches = [
        [seconds(TEN, reading(TEN, "a"), reading(TEN, "b", zone="shelf", shares=(1, 0, 0)))],
        [seconds(TEN + 1), seconds(TEN + 1, reading(TEN + 1, "a", camera="till"), camera="till")],
        [seconds(TEN + 3600, reading(TEN + 3600, "a", seen=0.5, speaking=0.25))],
        [seconds(TEN - 1, reading(TEN - 1, "b", zone="queue"))],
        crowd(TEN + 60, TEN + 400, [f"t{i}" for i in range(7)], zone="shelf"),
    ]
    for batch in batches:
        store.add(batch)
        store.add(batch)
    check(store, list(itertools.chain(*batches)))


def test_first_of_two_different_readings_of_a_key_is_kept(store: DatabaseStore) -> None:
    first, second = reading(TEN, shares=(1, 0, 0)), reading(TEN, shares=(0, 0, 1))
    store.add([seconds(TEN, first, second)])
    store.add([seconds(TEN, second)])
    assert list(store.readings(begin=TEN, end=TEN + 1)) == [first]
    assert store.history(Step.HOUR, begin=TEN, end=TEN + 1)[0].positive == 1


def test_nobody_present_differs_from_camera_off(store: DatabaseStore) -> None:
    store.add([seconds(TEN + 60 + n) for n in range(30)])
    (nobody,) = store.history(Step.MINUTE, begin=TEN, end=TEN + 180)
    assert (nobody.begin, nobody.appearances, nobody.seen, nobody.watched) == (TEN + 60, 0, 0.0, 30)
    assert nobody.positive is None
    assert not nobody.is_withheld
    store.add(crowd(TEN + 60, TEN + 120, "a"))
    (somebody,) = store.history(Step.MINUTE, begin=TEN, end=TEN + 180)
    assert (somebody.appearances, somebody.watched) == (1, 60)
    (hour,) = store.history(Step.HOUR, begin=TEN, end=TEN + 180)
    assert hour.watched == 60


def test_zone_is_watched_as_long_as_its_camera(store: DatabaseStore) -> None:
    store.add([*crowd(TEN, TEN + 10, "a", zone="shelf"), seconds(TEN + 11)])
    (shelf,) = store.history(Step.MINUTE, begin=TEN, end=TEN + 60, zone="shelf")
    assert (shelf.seen, shelf.watched) == (10, 11)


def test_staying_person_is_counted_once_over_minutes_and_hours(store: DatabaseStore) -> None:
    store.add(crowd(TEN + 3500, TEN + 3700, "ab"))
    store.add(crowd(TEN + 3650, TEN + 3800, "c"))
    (whole,) = store.aggregate(begin=TEN + 3490, end=TEN + 7300)
    assert (whole.appearances, whole.seen, whole.watched) == (3, 550, 300)
    assert (whole.begin, whole.end) == (TEN + 3480, TEN + 7320)
    (later,) = store.aggregate(begin=TEN + 3660, end=TEN + 3720)
    assert (later.appearances, later.seen) == (3, 2 * 40 + 60)


def test_late_second_moves_a_tracks_arrival(store: DatabaseStore) -> None:
    store.add(crowd(TEN + 60, TEN + 65, "a"))
    store.add(crowd(TEN, TEN + 5, "a"))
    store.add(crowd(TEN + 120, TEN + 125, "a"))
    (whole,) = store.aggregate(begin=TEN, end=TEN + 180)
    assert whole.appearances == 1


def test_tracks_are_deleted_with_their_readings(engine: Engine, store: DatabaseStore) -> None:
    store.add(crowd(TEN, TEN + 2, "abc"))
    DatabaseStore(engine, lambda: settings(seconds_days=1)).apply_retention(TEN + 86_400 + 2)
    with read_transaction(engine) as connection:
        assert connection.execute(select(PRESENCES)).all() == []
    assert store.readings(**EVER) == []
    assert store.history(Step.DAY, **EVER)[0].appearances == 3


@pytest.mark.parametrize("zone_of_the_machine", ["America/New_York"], indirect=True)
def test_days_are_in_the_machines_time_zone(zone_of_the_machine: str, store: DatabaseStore) -> None:
    midnight = TEN - 5 * 3600  # 2026-01-05 00:00 in New York
    store.add(crowd(midnight - 5, midnight + 3, "a"))
    days = store.history(Step.DAY, **EVER)
    assert [(day.begin, day.end, day.seen) for day in days] == [
        (midnight - 86_400, midnight, 5),
        (midnight, midnight + 86_400, 3),
    ]

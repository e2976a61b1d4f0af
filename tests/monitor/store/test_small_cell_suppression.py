"""Nothing leaves the store that reveals the sentiment of a small group."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.store import DatabaseStore
from sentistream.monitor.store.reading_tables import OUTSIDE
from sentistream.monitor.store.small_cell_suppression import RawAggregate, suppress_small_cells
from store.sample_readings import TEN, crowd, settings


def few_and_many(store: DatabaseStore) -> None:
    """Four people in the first minute, five in the second."""
    store.add(crowd(TEN, TEN + 60, "abcd"))
    store.add(crowd(TEN + 60, TEN + 120, "efghi"))


def is_withheld(one: Aggregate) -> bool:
    """Whether it reveals only the number of people."""
    figures = (one.seen, one.speaking, one.positive, one.neutral, one.negative)
    return one.is_withheld and all(value is None for value in figures)


def test_sums_of_small_groups_are_withheld_everywhere(engine: Engine) -> None:
    store = DatabaseStore(engine, lambda: settings(5))
    few_and_many(store)
    few, many = store.history(Step.MINUTE, begin=TEN, end=TEN + 120)
    assert is_withheld(few)
    assert few.appearances == 4
    assert not many.is_withheld
    assert many.positive == pytest.approx(0.2)
    assert is_withheld(store.aggregate(begin=TEN, end=TEN + 60)[0])
    assert not store.aggregate(begin=TEN, end=TEN + 120)[0].is_withheld
    text = b"".join(store.export("csv", Step.MINUTE, begin=TEN, end=TEN + 120)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    figures = ("seen", "speaking", "positive", "neutral", "negative")
    assert [rows[0][name] for name in figures] == [""] * 5
    assert rows[1]["positive"] == "0.2000"


def test_one_person_over_many_minutes_is_one_person(engine: Engine) -> None:
    store = DatabaseStore(engine, lambda: settings(2))
    store.add(crowd(TEN, TEN + 900, "a"))
    assert is_withheld(store.aggregate(begin=TEN, end=TEN + 900)[0])


def test_changed_setting_takes_effect_at_once(engine: Engine) -> None:
    smallest = 5
    store = DatabaseStore(engine, lambda: settings(smallest))
    few_and_many(store)
    assert store.history(Step.MINUTE, begin=TEN, end=TEN + 60)[0].is_withheld
    smallest = 4
    assert not store.history(Step.MINUTE, begin=TEN, end=TEN + 60)[0].is_withheld


def test_small_remainder_cannot_be_computed_by_subtracting_zones(engine: Engine) -> None:
    store = DatabaseStore(engine, lambda: settings(5))
    store.add(crowd(TEN, TEN + 60, "abcde", zone="till"))
    store.add(crowd(TEN, TEN + 60, "fghijk", zone="shelf"))
    hour = {"step": Step.HOUR, "begin": TEN, "end": TEN + 1}
    by_zone = {s.zone: s for s in store.history(**hour, zone=None)}  # type: ignore[arg-type]
    assert not any(s.is_withheld for s in by_zone.values())
    store.add(crowd(TEN, TEN + 60, "x"))  # one more, in no zone
    by_zone = {s.zone: s for s in store.history(**hour, zone=None)}  # type: ignore[arg-type]
    assert {zone: s.is_withheld for zone, s in by_zone.items()} == {
        "": False,
        "shelf": False,
        "till": True,
    }
    # a query for one zone gives the same result
    for zone, one in by_zone.items():
        assert list(store.history(**hour, zone=zone)) == [one]  # type: ignore[arg-type]
        together = store.aggregate(begin=TEN, end=TEN + 60, zone=zone)[0]
        assert together.is_withheld == one.is_withheld


ZONES = st.dictionaries(
    st.sampled_from(["a", "b", "c", OUTSIDE]), st.integers(1, 12), min_size=1, max_size=4
)


@given(people=ZONES, smallest=st.integers(1, 8), shared=st.integers(0, 5))
@hypothesis_settings(max_examples=300, deadline=None)
def test_remainder_after_subtraction_is_never_a_small_group(
    people: dict[str, int], smallest: int, shared: int
) -> None:
    everybody = max(max(people.values()), sum(people.values()) - shared)
    totals = {zone: RawAggregate(appearances=n, seen=n, neutral=n) for zone, n in people.items()}
    totals[""] = RawAggregate(appearances=everybody, seen=sum(people.values()), neutral=1)
    sums = {
        s.zone: s
        for s in suppress_small_cells(totals, camera="door", begin=0, end=60, smallest=smallest)
    }
    assert OUTSIDE not in sums
    for s in sums.values():
        assert s.is_withheld or s.appearances >= smallest
    if sums[""].is_withheld:
        return
    open_ = {zone for zone, s in sums.items() if zone and not s.is_withheld}
    rest = set(people) - open_
    if rest and open_:
        least = everybody - sum(people[zone] for zone in open_)
        assert max(least, *(people[zone] for zone in rest)) >= smallest

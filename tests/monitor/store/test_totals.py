"""Totals over groups of spans, and annotations, on both databases."""

from __future__ import annotations

import pytest

from sentistream.monitor.observations import Annotation
from sentistream.monitor.store import DatabaseStore
from store.sample_readings import TEN, crowd, settings

HOUR = 3_600


@pytest.fixture
def store_with_visitors(store: DatabaseStore) -> DatabaseStore:
    """Three people from 10:00 to 10:02, two of them until 10:03; four others at 11:00 in a zone."""
    store.add(crowd(TEN, TEN + 120, "abc"))
    store.add(crowd(TEN + 120, TEN + 180, "ab"))
    store.add(crowd(TEN + HOUR, TEN + HOUR + 60, "defg", zone="shelf", shares=(0.5, 0.25, 0.25)))
    store.add(crowd(TEN, TEN + 60, "xyz", camera="till"))
    return store


def test_group_total_sums_its_spans(store_with_visitors: DatabaseStore) -> None:
    groups = [
        [(TEN, TEN + 60)],
        [(TEN, TEN + 60), (TEN + 120, TEN + 180)],
        [(TEN + HOUR, TEN + 2 * HOUR), (TEN + 24 * HOUR, TEN + 25 * HOUR)],
        [(TEN - HOUR, TEN - 60)],
        [],
    ]
    found = store_with_visitors.totals(groups, camera="door", zone=None)
    figures = [
        [(one.zone, one.appearances, one.seen, one.watched) for one in group] for group in found
    ]
    assert figures == [
        [("", 3, 180.0, 60)],
        # every span counts who was present: nobody knows that two of them came twice
        [("", 5, 300.0, 120)],
        [("", 4, 240.0, 60), ("shelf", 4, 240.0, 60)],
        [],
        [],
    ]
    assert found[2][0].positive == pytest.approx(0.5)
    assert (found[1][0].begin, found[1][0].end) == (TEN, TEN + 180)
    cameras = [one.camera for one in store_with_visitors.totals([[(TEN, TEN + HOUR)]])[0]]
    assert cameras == ["door", "till"]


def test_single_group_equals_the_aggregate(store_with_visitors: DatabaseStore) -> None:
    for begin, end in ((TEN, TEN + 600), (TEN + 30, TEN + 150), (TEN, TEN + 30 * HOUR)):
        for zone in ("", "shelf", None):
            alone = store_with_visitors.aggregate(begin=begin, end=end, zone=zone)
            assert store_with_visitors.totals([[(begin, end)]], zone=zone) == [alone]


def test_groups_may_overlap(store_with_visitors: DatabaseStore) -> None:
    spans = [(TEN, TEN + 120), (TEN + 60, TEN + 180), (TEN, TEN + HOUR)]
    together = store_with_visitors.totals([[span] for span in spans])
    assert together == [store_with_visitors.totals([[span]])[0] for span in spans]


def test_group_is_withheld_as_a_whole(store_with_visitors: DatabaseStore) -> None:
    suppressing_store = DatabaseStore(
        store_with_visitors._engine, lambda: settings(smallest_group=5)
    )
    first, both = suppressing_store.totals(
        [[(TEN, TEN + 60)], [(TEN, TEN + 60), (TEN + 120, TEN + 180)]], camera="door"
    )
    assert first[0].is_withheld and first[0].appearances == 3
    assert not both[0].is_withheld
    # a zone's withheld part cannot be computed from the rest of the picture
    totals = suppressing_store.totals([[(TEN, TEN + 2 * HOUR)]], camera="door", zone=None)[0]
    assert [one.zone for one in totals if one.is_withheld] == ["shelf"]


def test_many_spans_are_queried_at_once(store_with_visitors: DatabaseStore) -> None:
    minutes = [[(TEN + 60 * n, TEN + 60 * n + 60)] for n in range(-2_000, 3_000)]
    found = store_with_visitors.totals(minutes, camera="door")
    assert {n - 2_000: group[0].appearances for n, group in enumerate(found) if group} == {
        0: 3,
        1: 3,
        2: 2,
        60: 4,
    }


def test_annotations_are_kept_and_removed(store: DatabaseStore) -> None:
    later = store.add_annotation(Annotation(time=TEN + 60, text="Music off", author="ada"))
    first = store.add_annotation(
        Annotation(time=TEN, camera="door", text="New till opened", author="ada")
    )
    assert first.id and later.id and first.id != later.id
    assert store.annotations(begin=TEN, end=TEN + HOUR) == [first, later]
    assert store.annotations(begin=TEN, end=TEN + 60) == [first]
    assert store.remove_annotation(first.id)
    assert not store.remove_annotation(first.id)
    assert store.annotations(begin=0, end=TEN + HOUR) == [later]
    store.apply_retention(TEN + 731 * 86_400)
    assert store.annotations(begin=0, end=TEN + HOUR) == []

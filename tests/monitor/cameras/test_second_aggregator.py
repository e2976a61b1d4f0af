from __future__ import annotations

import dataclasses
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.monitor.cameras.second_aggregator import EmittedSeconds, SecondAggregator
from sentistream.monitor.observations import FaceState, Seconds
from sentistream.types import Distribution, Label


def face(
    track: str = "a", *, zone: str = "", positive: float = 1.0, speaking: bool = False
) -> FaceState:
    distribution = Distribution(positive, 1 - positive, 0)
    return FaceState(
        track=track,
        zone=zone,
        box=(0, 0, 1, 1),
        label=distribution.label,
        smoothed=distribution,
        mouth_open=0.0,
        speaking=speaking,
    )


def test_moments_add_up_to_the_second() -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    assert not list(aggregator.add(10.0, 10.5, [face(positive=1.0, speaking=True)]))
    assert not list(aggregator.add(10.5, 10.75, [face(positive=0.0)]))
    (second,) = aggregator.add(10.75, 11.0, [])
    assert (second.camera, second.second) == ("door", 10)
    (reading,) = second.readings
    assert reading.seen == pytest.approx(0.75)
    assert reading.speaking == pytest.approx(0.5)
    assert reading.positive == pytest.approx(2 / 3)
    assert reading.neutral == pytest.approx(1 / 3)
    assert reading.label is Label.NEUTRAL  # the latest value


def test_unread_faces_do_not_count() -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    aside = dataclasses.replace(face(), label=Label.UNKNOWN, smoothed=None, mouth_open=None)
    emitted = [*aggregator.add(10.0, 10.25, [face()]), *aggregator.add(10.25, 12.0, [aside])]
    assert [[one.seen for one in second.readings] for second in emitted] == [[0.25], []]


def test_empty_second_is_published_and_unwatched_one_is_not() -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    emitted = [*aggregator.add(5.2, 7.0, []), *aggregator.add(9.5, 9.6, []), *aggregator.flush()]
    assert [one.second for one in emitted] == [5, 6, 9]
    assert not any(one.readings for one in emitted)


def test_zones_are_separate() -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    list(aggregator.add(1.0, 1.4, [face(zone="till")]))
    (second,) = aggregator.add(1.4, 2.0, [face(zone="")])
    assert {(r.zone, round(r.seen, 6)) for r in second.readings} == {("till", 0.4), ("", 0.6)}


def test_finished_second_is_published_without_another_moment() -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    list(aggregator.add(1.0, 1.4, []))
    assert not list(aggregator.flush_before(1.9))
    assert [one.second for one in aggregator.flush_before(2.0)] == [1]
    assert not list(aggregator.flush())


def test_published_seconds_are_not_repeated_after_a_restart() -> None:
    emitted = EmittedSeconds()
    first = SecondAggregator("door", emitted)
    assert [one.second for one in (*first.add(7.0, 8.3, []), *first.flush())] == [7, 8]
    second = SecondAggregator("door", EmittedSeconds(emitted.runs))
    assert [one.second for one in second.add(8.4, 10.0, [])] == [9]


def test_published_seconds_are_stored_as_runs() -> None:
    emitted = EmittedSeconds()
    for second in (1, 2, 3, 9, 10, 2):
        emitted.add(second)
    assert emitted.runs == ((1, 3), (9, 10))
    assert 2 in emitted
    assert 4 not in emitted


steps = st.lists(
    st.tuples(
        st.floats(-50, 50),  # clock jump before the moment
        st.floats(0, 3),  # duration of the moment
        st.sets(st.sampled_from("abc")),
        st.sampled_from(["", "till"]),
        st.booleans(),
        st.booleans(),  # whether the clock jumps
    ),
    max_size=60,
)


@given(steps)
def test_clock_changes_never_repeat_or_overfill_a_second(
    moments: list[tuple[float, float, set[str], str, bool, bool]],
) -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    time = 1000.0
    emitted: list[Seconds] = []
    for leap, length, tracks, zone, speaking, leaps in moments:
        time += leap if leaps else 0.0
        faces = [face(track, zone=zone, speaking=speaking) for track in sorted(tracks)]
        emitted += aggregator.add(time, time + length, faces)
        time += length
    emitted += aggregator.flush()
    assert max(Counter(one.second for one in emitted).values(), default=1) == 1
    for one in emitted:
        keys = [(r.zone, r.track) for r in one.readings]
        assert len(keys) == len(set(keys))
        by_track: Counter[str] = Counter()
        for reading in one.readings:
            assert 0 < reading.seen <= 1
            assert 0 <= reading.speaking <= reading.seen
            assert reading.positive + reading.neutral + reading.negative == pytest.approx(1)
            by_track[reading.track] += reading.seen  # type: ignore[assignment]
        assert all(seen <= 1 + 1e-6 for seen in by_track.values())


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=80), st.floats(0, 1))
def test_nothing_is_lost_while_the_clock_runs(lengths: list[float], begin: float) -> None:
    aggregator = SecondAggregator("door", EmittedSeconds())
    emitted: list[Seconds] = []
    time = begin
    for length in lengths:
        emitted += aggregator.add(time, time + length, [face()])
        time += length
    emitted += aggregator.flush()
    assert [one.second for one in emitted] == list(range(math.floor(begin), emitted[-1].second + 1))
    seen = sum(reading.seen for one in emitted for reading in one.readings)
    assert seen == pytest.approx(time - begin)

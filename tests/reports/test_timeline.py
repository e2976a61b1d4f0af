from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.reports.timeline_chart import Bin, Timeline, chart, ticks
from synthetic import reading


@given(st.lists(st.floats(0, 4000), min_size=1, max_size=80), st.integers(2, 12))
def test_bins_stay_few_and_lose_no_reading(times: list[float], bins: int) -> None:
    timeline = Timeline(0.5, bins=bins)
    for time in sorted(times):
        timeline.add(time, [reading(time, 1, 0.6, 0.1, 0.9), reading(time, 2, 0.1, 0.8, 0.1)])
    for track, shares in ((1, (0.6, 0.3, 0.1)), (2, (0.1, 0.1, 0.8))):
        kept = timeline.tracks[track]
        assert all(0 <= index < bins for index in kept)
        assert sum(bin_.readings for bin_ in kept.values()) == len(times)
        assert all(bin_.mean == pytest.approx(shares) for bin_ in kept.values())
        assert all((bin_.opened == bin_.mouths) is (track == 1) for bin_ in kept.values())


def test_an_hour_takes_no_more_bins_than_a_minute() -> None:
    sizes = []
    for seconds in (60, 3600):
        timeline = Timeline(0.5)
        for index in range(seconds):
            timeline.add(float(index), [reading(float(index))])
        sizes.append(len(timeline.tracks[1]))
    assert sizes[1] <= 240
    assert sizes[0] <= 240


def test_a_person_who_leaves_leaves_a_gap() -> None:
    bins = {index: Bin(1, 1, [0.2, 0.5, 0.3], 1, 1) for index in (0, 1, 5, 6)}
    drawn = chart(bins, 1.0, 0.0, 10.0)
    assert [len(outlines) for _, outlines in drawn.areas] == [2, 2, 2]
    assert [(span.left, span.width) for span in drawn.mouth_open] == [(0, 200), (500, 200)]
    # the bottom of the lowest band is the whole: the three shares fill the field
    lowest = drawn.areas[2][1][0].split()
    assert max(float(point.split(",")[1]) for point in lowest) == pytest.approx(100)


def test_the_table_tells_what_the_chart_shows() -> None:
    bins = {index: Bin(2, 2, [0.4, 1.0, 0.6], 2, 1) for index in range(24)}
    rows = chart(bins, 0.5, 0.0, 12.0).rows
    assert len(rows) == 12
    assert (rows[0].time, rows[0].positive, rows[0].neutral, rows[0].negative, rows[0].mouth) == (
        "0:00.0 to 0:01.0",
        "20 %",
        "50 %",
        "30 %",
        "50 %",
    )


@given(st.floats(0, 1e5), st.floats(0.5, 2e5))
def test_ticks_say_different_times(start: float, seconds: float) -> None:
    marks = [mark.text for mark in ticks(start, seconds)]
    assert len(set(marks)) == len(marks)


@given(st.floats(0, 1e5), st.floats(0.01, 2e5))
def test_ticks_are_few_and_within_the_axis(start: float, seconds: float) -> None:
    marks = ticks(start, seconds)
    assert len(marks) <= 9
    assert all(0 <= mark.place <= 100.01 for mark in marks)

from __future__ import annotations

import base64
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.reports.timeline_chart import (
    BINS,
    HEIGHT,
    Bin,
    Row,
    Timeline,
    lanes,
    table_rows,
    ticks,
)
from sentistream.types import Label, Reading
from synthetic_readings import reading


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


def test_hour_takes_no_more_bins_than_a_minute() -> None:
    sizes = []
    for seconds in (60, 3600):
        timeline = Timeline(0.5)
        for index in range(seconds):
            timeline.add(float(index), [reading(float(index))])
        sizes.append(len(timeline.tracks[1]))
    assert max(sizes) <= BINS


def corners(path: str) -> list[list[tuple[float, float]]]:
    """The corners of each outline of a path, parsed as a browser does."""
    outlines: list[list[tuple[float, float]]] = []
    x = y = 0.0
    for command, text in re.findall(r"([MlhHvVz])([^MlhHvVz]*)", path):
        values = [float(value) for value in text.split(",") if value]
        if command == "M":
            x, y = values
            outlines.append([])
        elif command == "l":
            x, y = x + values[0], y + values[1]
        elif command in "hH":
            x = values[0] if command == "H" else x + values[0]
        elif command in "vV":
            y = values[0] if command == "V" else y + values[0]
        if command != "z":
            outlines[-1].append((x, y))
    return outlines


def height_at(outlines: list[list[tuple[float, float]]], place: float) -> float | None:
    """The height of the outline at a position, from the bottom; None outside."""
    for outline in outlines:
        edge = outline[:-2]  # along the bottom it returns
        for (left, one), (right, other) in pairwise(edge):
            if left <= place <= right:
                share = (place - left) / (right - left)
                return HEIGHT - one - share * (other - one)
    return None


def bytes_of(part: tuple[int, int, str]) -> list[bytes]:
    data = base64.b64decode(part[2])
    return [data[place : place + 4] for place in range(0, len(data), 4)]


def timeline_of(*times: tuple[float, int], width: float = 0.1) -> Timeline:
    """A timeline of readings with a time and a track each."""
    timeline = Timeline(0.5, finest=width)
    for time in sorted({time for time, _ in times}):
        current = [track for at, track in times if at == time]
        timeline.add(time, [reading(time, track, 0.2, 0.3, 0.9) for track in current])
    return timeline


def test_departed_person_leaves_a_gap() -> None:
    both = [(time + 0.5, 2) for time in range(8)]
    timeline = timeline_of(*((t + 0.5, 1) for t in (0, 1, 5, 6)), *both, width=1.0)
    _, one, other = lanes(timeline, (1, 2))
    assert [(min(c)[0], max(c)[0]) for c in corners(one.present)] == [(0, 2), (5, 7)]
    assert [(min(c)[0], max(c)[0]) for c in corners(one.mouth)] == [(0, 2), (5, 7)]
    assert len(corners(other.present)) == 1
    track, first, _ = one.parts[0]
    assert (track, first) == (1, 0)
    assert [part[0] for part in bytes_of(one.parts[0])] == [40, 40, 254, 254, 254, 40, 40]


@given(
    st.lists(
        st.tuples(st.floats(0.01, 0.98), st.floats(0.01, 0.98)).map(
            lambda pair: (pair[0], pair[1] * (1 - pair[0]))
        ),
        min_size=1,
        max_size=30,
    )
)
def test_lane_heights_are_the_shares(shares: list[tuple[float, float]]) -> None:
    timeline = Timeline(0.5, finest=1.0)
    for time, (positive, negative) in enumerate(shares):
        timeline.add(time + 0.5, [reading(time + 0.5, 1, positive, negative)])
    (lane,) = lanes(timeline, (1,))
    for place, (positive, negative) in enumerate(shares):
        assert height_at(corners(lane.present), place + 0.5) == pytest.approx(HEIGHT)
        neutral = height_at(corners(lane.neutral), place + 0.5)
        assert (neutral or 0) == pytest.approx(HEIGHT * (1 - positive), abs=0.51)
        lowest = height_at(corners(lane.negative), place + 0.5)
        assert (lowest or 0) == pytest.approx(HEIGHT * negative, abs=0.51)
        values = bytes_of(lane.parts[0])[place]
        assert values[0] == pytest.approx(200 * positive, abs=0.51)
        assert values[1] == pytest.approx(200 * negative, abs=0.51)


def test_time_without_moments_is_no_gap() -> None:
    timeline = timeline_of(*((float(time), 1) for time in range(5)))
    (lane,) = lanes(timeline, (1,))
    assert len(corners(lane.present)) == 1
    assert {values[0] for values in bytes_of(lane.parts[0])} == {40}


def test_face_without_an_answer_is_distinguished() -> None:
    timeline = Timeline(0.5, finest=1.0)
    unread = Reading(0.0, face=reading(0.0).face, label=Label.UNKNOWN)
    for time in range(4):
        timeline.add(float(time), [reading(float(time)) if time < 2 else unread])
    (lane,) = lanes(timeline, (1,))
    assert max(corners(lane.present)[0])[0] == 2
    assert [(min(c)[0], max(c)[0]) for c in corners(lane.unclear)] == [(2, 4)]
    assert bytes_of(lane.parts[0])[3] == bytes([255, 255, 255, 255])


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=40),
    st.integers(0, 5),
)
def test_every_appearance_is_on_one_lane_without_overlap(
    spans: list[tuple[int, int]], own: int
) -> None:
    moments = [
        (float(first + second), track)
        for track, (first, length) in enumerate(spans, 1)
        for second in range(length)
    ]
    timeline = timeline_of(*moments, width=1.0)
    alone = tuple(range(1, min(own, len(spans)) + 1))
    shown = lanes(timeline, alone)
    tracks = [track for lane in shown for track in lane.tracks]
    assert sorted(tracks) == list(range(1, len(spans) + 1))
    assert [lane.tracks for lane in shown if len(lane.tracks) == 1][: len(alone)] == [
        (track,) for track in alone
    ]
    for lane in shown:
        occupied = [
            first + place
            for track, first, text in lane.parts
            for place in range(len(base64.b64decode(text)) // 4)
            if track
        ]
        assert len(set(occupied)) == len(occupied)


def test_table_matches_the_lane() -> None:
    bins = {index: Bin(2, 2, [0.4, 1.0, 0.6], 2, 1, 2, 0.5) for index in range(24)}
    rows = table_rows(bins, 0.5, 0.0, 12.0)
    assert len(rows) == 12
    assert rows[0] == Row("0:00.0 to 0:01.0", "20 %", "50 %", "30 %", "50 %", "25 %")
    assert table_rows({3: Bin(1)}, 0.5, 0.0, 12.0)[0].positive == "not known"


@given(st.floats(0, 1e5), st.floats(0.5, 2e5))
def test_ticks_have_different_labels(start: float, seconds: float) -> None:
    marks = [mark.text for mark in ticks(start, seconds)]
    assert len(set(marks)) == len(marks)


@given(st.floats(0, 1e5), st.floats(0.01, 2e5))
def test_ticks_are_few_and_within_the_axis(start: float, seconds: float) -> None:
    marks = ticks(start, seconds)
    assert len(marks) <= 9
    assert all(0 <= mark.place <= 100.01 for mark in marks)

"""Tracking metrics on cases small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sentistream.evaluation.tracking_metrics import (
    FrameTracks,
    TrackBreaks,
    hota,
    idf1,
    link_by_iou,
    match_boxes,
    max_weight_matching,
    same_face,
    track_breaks,
)
from sentistream.types import Box

HERE, THERE = Box(0, 0, 100, 100), Box(300, 0, 400, 100)


def seen(
    time: float, faces: dict[str, Box] | None = None, tracks: dict[str, Box] | None = None
) -> FrameTracks:
    return FrameTracks(time, tuple((faces or {}).items()), tuple((tracks or {}).items()))


def test_assignment_matches_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    generator = np.random.default_rng(3)
    for _ in range(200):
        weight = generator.random(generator.integers(1, 7, 2))
        weight[generator.random(weight.shape) < 0.3] = 0
        pairs = max_weight_matching(weight)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        expected = weight[optimize.linear_sum_assignment(weight, maximize=True)].sum()
        assert sum(weight[pair] for pair in pairs) == pytest.approx(expected)


def test_empty_inputs_match_nothing() -> None:
    assert max_weight_matching(np.zeros((0, 3))) == max_weight_matching(np.zeros((3, 0))) == []
    assert max_weight_matching(np.zeros((2, 2))) == []


@pytest.mark.parametrize(
    ("reading", "same"),
    [
        (Box(0, 0, 100, 40), True),  # IoU 0.4
        (Box(0, 0, 100, 39), True),  # less, but its center lies within and it is as wide
        (Box(-60, 0, 40, 100), False),  # as wide, IoU 0.25, its center outside
        (Box(25, 25, 75, 75), True),  # IoU 0.25, half as wide
        (Box(26, 26, 74, 74), False),  # less than half as wide
        (Box(-50, -50, 150, 150), True),  # twice as wide
        (Box(-51, -51, 151, 151), False),
    ],
)
def test_reading_matches_a_face_by_overlap_or_by_center_and_width(reading: Box, same: bool) -> None:
    assert same_face(reading, HERE) is same


def test_matching_maximizes_the_faces_found() -> None:
    # the first reading fits both faces and the left one better; the second only the left one
    left, right = Box(0, 0, 100, 100), Box(50, 0, 150, 100)
    readings = [Box(20, 0, 120, 100), Box(-20, 0, 80, 100)]
    assert match_boxes(readings, [left, right]) == [(0, 1), (1, 0)]


def broken_in_half() -> list[FrameTracks]:
    """One person over four frames, covered by one track and then by another."""
    return [seen(time, {"ann": HERE}, {"1" if time < 2 else "2": HERE}) for time in range(4)]


def test_track_broken_in_half_agrees_by_half() -> None:
    found = idf1(broken_in_half())
    assert (found.value, found.true, found.faces, found.readings) == (0.5, 2, 4, 4)


def test_hota_of_a_track_broken_in_half() -> None:
    found = hota(broken_in_half())
    assert found.detection == pytest.approx(1)
    # each of four hits shares 2 of the person's 4 frames with its track
    assert found.association == pytest.approx(0.5)
    assert found.value == pytest.approx(math.sqrt(0.5))


def test_hota_counts_the_alphas_that_the_overlap_reaches() -> None:
    frames = [seen(time, {"ann": HERE}, {"1": Box(0, 0, 100, 50)}) for time in range(3)]
    assert hota(frames).value == pytest.approx(10 / 19)


def test_hota_with_a_missed_person_and_a_false_track() -> None:
    frames = [
        seen(0, {"ann": HERE, "bob": THERE}, {"1": HERE}),
        seen(1, {"ann": HERE}, {"1": HERE, "2": THERE}),
    ]
    found = hota(frames)
    assert found.detection == pytest.approx(2 / 4)
    assert found.association == pytest.approx(1)
    assert found.value == pytest.approx(math.sqrt(0.5))
    assert idf1(frames).value == pytest.approx(4 / 6)


def test_two_tracks_that_swap() -> None:
    frames = [
        seen(0, {"ann": HERE, "bob": THERE}, {"1": HERE, "2": THERE}),
        seen(1, {"ann": HERE, "bob": THERE}, {"1": HERE, "2": THERE}),
        seen(2, {"ann": HERE, "bob": THERE}, {"1": THERE, "2": HERE}),
    ]
    assert idf1(frames).value == pytest.approx(4 / 6)
    assert track_breaks(frames) == TrackBreaks(fragmentations=0, switches=2)
    # 4 hits share 2 of (3 + 3 - 2) frames, 2 hits share 1 of (3 + 3 - 1)
    assert hota(frames).association == pytest.approx((4 * 2 / 4 + 2 * 1 / 5) / 6)


def test_fragmentation_counts_only_faces_present_and_missed() -> None:
    frames = [
        seen(0, {"ann": HERE, "bob": THERE}, {"1": HERE}),  # bob is not found yet
        seen(1, {"ann": HERE, "bob": THERE}, {"2": THERE}),  # ann is missed
        seen(2, {"ann": HERE}, {"3": HERE}),  # found again, by another track; bob has left
        seen(3, {"ann": HERE, "bob": THERE}, {"3": HERE, "2": THERE}),  # bob was not missed
    ]
    assert track_breaks(frames) == TrackBreaks(fragmentations=1, switches=1)


def test_no_data_gives_no_metrics() -> None:
    for figure in (idf1, hota):
        with pytest.raises(ValueError, match="Without a face or a reading"):
            figure([seen(0)])


def test_unnamed_faces_are_linked_by_overlap() -> None:
    moved = Box(20, 0, 120, 100)
    assert link_by_iou([[HERE, THERE], [THERE, moved], [], [moved]]) == [
        ["1", "2"],
        ["2", "1"],
        [],
        ["3"],
    ]

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.profiles import PAPER
from sentistream.reports.summary_file import MAX_LISTED_TRACKS, Statistics, SummaryFile
from sentistream.reports.timeline_chart import Timeline
from sentistream.types import Flag, Label, Moment, Reading
from synthetic_readings import Info, Subject, moments, picture, reading


def summarize(path: Path, results: list[tuple[Moment, tuple[Reading, ...]]]) -> dict[str, Any]:
    with SummaryFile(path, Subject(), {"video": False}) as summary:
        for moment, readings in results:
            summary.add(moment, readings)
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def test_paper_overall_is_the_mean_of_all_faces_momentary_answers(tmp_path: Path) -> None:
    results = list(moments(6))
    facts = summarize(tmp_path / "s.json", results)
    answers = [one.momentary for _, readings in results for one in readings if one.momentary]
    mean = np.mean([answer.as_tuple() for answer in answers], axis=0)
    found = facts["overall"]["probabilities"]
    assert [found[n] for n in ("positive", "neutral", "negative")] == pytest.approx(mean, abs=1e-6)
    assert facts["appearances"] == facts["faces"] == len(facts["tracks"]) == 2
    assert facts["most_faces_at_once"] == 2
    assert facts["moments"] == len(results)
    assert facts["moments_with_face"] == sum(one[0].face is not None for _, one in results)
    assert facts["speed"]["frames_per_second"] > 0
    assert facts["complete"] is True
    second = facts["tracks"][1]
    assert second["label"] == "neutral"
    assert second["flags"]["carried"] == second["moments"]
    assert second["mouth_open_share"] == 0


def test_voice_share_is_the_mean_of_the_known_ones(tmp_path: Path) -> None:
    shares = [(0.1, 0.0), (0.1, 0.0), (0.9, 0.3), (0.9, 0.5), (0.9, None)]
    results: list[tuple[Moment, tuple[Reading, ...]]] = [
        (
            Moment(0.03 * n, picture(8, 8), 0.03 * n),
            (dataclasses.replace(reading(0.03 * n, mouth_open=mouth), voice_share=share),),
        )
        for n, (mouth, share) in enumerate(shares)
    ]
    found = summarize(tmp_path / "s.json", results)["readings"]
    assert (found["voice_share"], found["voice_share_fused"]) == (0.2, 0.4)
    found = summarize(tmp_path / "t.json", results[4:])["readings"]
    assert (found["voice_share"], found["voice_share_fused"]) == (None, None)


def test_no_face_is_reported_as_such(tmp_path: Path) -> None:
    moment = Moment(0.0, picture(8, 8), 0.0)
    facts = summarize(tmp_path / "s.json", [(moment, (Reading(0.0),))])
    assert facts["overall"] == {
        "label": "no_face",
        "probabilities": {"positive": None, "neutral": None, "negative": None},
        "sure": None,
    }
    assert facts["appearances"] == facts["moments_with_face"] == 0


def test_empty_analysis_is_still_valid(tmp_path: Path) -> None:
    facts = summarize(tmp_path / "s.json", [])
    assert facts["overall"]["label"] == "no_face"
    assert facts["speed"]["frames_per_second"] is None
    assert facts["moments"] == 0


def test_faces_without_answers_are_unknown() -> None:
    statistics = Statistics(PAPER)
    face = reading(0.0).face
    statistics.add(0.0, [Reading(0.0, face=face, label=Label.UNKNOWN)])
    assert statistics.overall.label is Label.UNKNOWN
    assert statistics.overall.answer is None


def test_interrupted_run_is_marked_and_leaves_no_partial_file(tmp_path: Path) -> None:
    subject = Subject(info=Info(name="no \udcff utf-8.mp4"))
    with (
        pytest.raises(KeyboardInterrupt),
        SummaryFile(tmp_path / "s.json", subject, {}) as summary,
    ):
        for count, (moment, readings) in enumerate(moments(3)):
            if count == 30:
                raise KeyboardInterrupt
            summary.add(moment, readings)
    facts = json.loads((tmp_path / "s.json").read_text())
    assert facts["complete"] is False
    assert facts["moments"] == 30
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(1, 4)), max_size=40))
def test_shares_and_tracks_add_up(
    values: list[tuple[float, float, int]],
) -> None:
    statistics = Statistics(PAPER)
    for index, (positive, negative, track) in enumerate(values):
        one = reading(index * 0.03, track, positive, negative, flags=(Flag.AT_EDGE,))
        statistics.add(one.time, [one])
    assert sum(tally.readings for tally in statistics.tracks.values()) == len(values)
    if values:
        assert sum(statistics.overall.share(label) for label in Label) == pytest.approx(1)
        answer = statistics.overall.answer
        assert answer is not None
        assert answer.negative == pytest.approx(np.mean([value[1] for value in values]))


def test_crowd_is_counted_completely_in_bounded_space() -> None:
    statistics = Statistics(PAPER)
    timeline = Timeline(mouth_threshold=0.5)
    for track in range(1, MAX_LISTED_TRACKS + 51):
        readings = (reading(track * 1.0, track),)
        statistics.add(track * 1.0, readings)
        timeline.add(track * 1.0, readings)
    assert statistics.appearances == MAX_LISTED_TRACKS + 50
    assert len(statistics.tracks) == len(timeline.tracks) == MAX_LISTED_TRACKS
    assert statistics.overall.readings == MAX_LISTED_TRACKS + 50


def test_moments_with_too_many_faces_are_counted(tmp_path: Path) -> None:
    cut = [0, 4, 9, 1, 0]
    results = [
        (
            Moment(index / 25, picture(), index / 25),
            tuple(reading(index / 25, track, left_out=left_out) for track in (1, 2)),
        )
        for index, left_out in enumerate(cut)
    ]
    facts = summarize(tmp_path / "s.json", results)
    assert facts["more_faces"] == {"limit": 2, "moments": 3, "most_left_out": 9}
    assert facts["readings"]["flags"]["more_faces"] == 6
    assert summarize(tmp_path / "s.json", results[:1])["more_faces"]["moments"] == 0

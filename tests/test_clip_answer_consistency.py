"""A clip has one answer: ``evaluate``, summary, table and page agree."""

from __future__ import annotations

import csv
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from click.testing import CliRunner

from sentistream.accumulation import Overall, is_sure
from sentistream.cli import main
from sentistream.datasets.manifest import Item
from sentistream.evaluation import predictors
from sentistream.evaluation.clip_trace import trace_clip
from sentistream.evaluation.predictions import Prediction, predict_items
from sentistream.profiles import LITE, PAPER, PROFILES, Profile
from sentistream.reports.report_page import ReportPage
from sentistream.reports.result_folder import ClipIndex
from sentistream.reports.summary_file import SummaryFile
from sentistream.types import SENTIMENTS, Branch, Distribution, Label, Moment, Reading
from stub_networks import make_face
from synthetic_readings import Subject, picture

SCENE = picture(64, 48)
Readings = list[tuple[Moment, tuple[Reading, ...]]]


def drawn(seed: int, profile: Profile) -> Readings:
    """Readings of a few faces that come and go; smoothed answers wander independently."""
    random = np.random.default_rng(seed)
    seconds = random.uniform(0.3, 12)
    spans = np.sort(random.uniform(-1, seconds + 1, (random.integers(1, 4), 2)), axis=1)
    sharpness = random.uniform(0.2, 3)

    def distribution() -> Distribution:
        return Distribution.from_array(random.dirichlet((1 / sharpness,) * 3) + 1e-6)

    results = []
    for index in range(round(seconds / 0.1)):
        time = 0.1 * index
        readings = []
        for track, (first, last) in enumerate(spans, 1):
            if not first <= time <= last:
                continue
            smoothed = distribution()
            sure = is_sure(smoothed.confidence, profile)
            readings.append(
                Reading(
                    time=time,
                    face=make_face(track),
                    mouth_open=float(random.uniform()),
                    branch=Branch.FUSED,
                    momentary=distribution(),
                    smoothed=smoothed,
                    label=smoothed.label if sure else Label.UNKNOWN,
                )
            )
        results.append((Moment(time, SCENE, time), tuple(readings) or (Reading(time),)))
    return results


class StubAnalysis:
    """Stub for ``analyze``: yields the given readings."""

    analyzer = None

    def __init__(self, results: Readings) -> None:
        self._readings = results

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Reading]:
        for _, readings in self._readings:
            yield from readings


def evaluated(results: Readings, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Prediction:
    monkeypatch.setattr(predictors, "analyze", lambda *_, **__: StubAnalysis(results))
    return predict_items([Item(Path("made-up"), 0, "")], predictors.clip_predictor(profile))[0]


def written(results: Readings, profile: Profile, folder: Path) -> tuple[dict[str, Any], str]:
    """The summary and the page."""
    with (
        SummaryFile(folder / "summary.json", Subject(profile=profile), {}) as summary,
        ReportPage(folder / "report.html", summary, mouth_threshold=0.5, images=False) as page,
    ):
        for moment, readings in results:
            summary.add(moment, readings)
            page.add(moment, readings)
    return json.loads((folder / "summary.json").read_text()), (folder / "report.html").read_text()


def shown(page: str) -> list[list[float]]:
    """The three widths of each bar on the page, the overall one first."""
    widths = re.findall(r'<span class="(\w+)" style="flex-grow:([\d.]+)">', page)
    assert [name for name, _ in widths] == [*SENTIMENTS] * (len(widths) // 3)
    numbers = [float(value) for _, value in widths]
    return [numbers[at : at + 3] for at in range(0, len(numbers), 3)]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("seed", range(12))
def test_evaluate_summary_and_page_agree(
    seed: int, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = drawn(seed, profile)
    prediction = evaluated(results, profile, monkeypatch)
    facts, page = written(results, profile, tmp_path)
    trace = trace_clip(results, profile).answer
    overall = facts["overall"]
    if prediction.probabilities is None:
        assert prediction.answer is None
        assert trace is None
        assert overall["label"] == "no_face"
        assert shown(page) == []
        return
    assert prediction.answer is not None
    assert trace is not None
    assert trace.tolist() == prediction.probabilities.tolist()
    exact = prediction.probabilities.tolist()
    assert overall["label"] == SENTIMENTS[prediction.answer]
    assert [overall["probabilities"][name] for name in SENTIMENTS] == [round(p, 6) for p in exact]
    assert overall["sure"] == (max(exact) >= profile.unknown_below)
    bars = shown(page)
    assert bars[0] == pytest.approx(exact, abs=6e-5)
    # the same rule gives each face's answer, from its own readings only
    assert len(bars) == 1 + len(facts["tracks"])
    tracks = sorted(facts["tracks"], key=lambda track: track["track"])
    for bar, track in zip(bars[1:], tracks, strict=True):
        alone = [
            (moment, tuple(one for one in readings if one.track == track["track"]))
            for moment, readings in results
        ]
        face = evaluated(alone, profile, monkeypatch)
        assert face.probabilities is not None
        assert face.answer is not None
        assert track["label"] == SENTIMENTS[face.answer]
        assert bar == pytest.approx(face.probabilities.tolist(), abs=6e-5)


def test_lite_answer_is_not_the_mean_of_moments(tmp_path: Path) -> None:
    """Otherwise the test above would accept the wrong rule."""
    results = drawn(3, LITE)
    moments = [one.momentary for _, readings in results for one in readings if one.momentary]
    mean = np.mean([one.as_tuple() for one in moments], axis=0)
    found = written(results, LITE, tmp_path)[0]["overall"]["probabilities"]
    assert np.abs(mean - [found[name] for name in SENTIMENTS]).max() > 0.02


def test_tie_is_resolved_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    even = Distribution(0.4, 0.2, 0.4)
    one = Reading(0.0, make_face(1), 0.1, Branch.FACE, even, even, even.label)
    results: Readings = [(Moment(0.0, SCENE, 0.0), (one,))]
    prediction = evaluated(results, PAPER, monkeypatch)
    assert prediction.answer is not None
    facts, _ = written(results, PAPER, tmp_path)
    assert facts["overall"]["label"] == SENTIMENTS[prediction.answer] == "negative"


def test_shares_of_time_are_separate_from_the_answer(tmp_path: Path) -> None:
    """Nine readings in ten waver towards neutral, the last is certainly negative."""
    wavering, sure = Distribution(0.2, 0.5, 0.3), Distribution(0.05, 0.05, 0.9)
    results: Readings = []
    for index in range(10):
        smoothed = sure if index == 9 else wavering
        one = Reading(
            0.1 * index, make_face(1), 0.1, Branch.FACE, wavering, smoothed, smoothed.label
        )
        results.append((Moment(one.time, SCENE, one.time), (one,)))
    facts, page = written(results, LITE, tmp_path)
    assert facts["overall"]["label"] == facts["tracks"][0]["label"] == "negative"
    shares = {"positive": 0, "neutral": 0.9, "negative": 0.1, "unknown": 0}
    assert facts["readings"]["label_shares"] == facts["tracks"][0]["label_shares"] == shares
    assert "label" not in facts["readings"]
    assert "Mostly negative" in page
    assert "90\N{NO-BREAK SPACE}% neutral" in page


def test_uncertain_answer_is_given_and_marked(tmp_path: Path) -> None:
    unsure = Distribution(0.3, 0.44, 0.26)
    one = Reading(0.0, make_face(1), 0.1, Branch.FACE, unsure, unsure, Label.UNKNOWN)
    results: Readings = [(Moment(0.0, SCENE, 0.0), (one,))]
    facts, page = written(results, LITE, tmp_path)
    assert (facts["overall"]["label"], facts["overall"]["sure"]) == ("neutral", False)
    assert "Mixed, leaning neutral" in page
    assert "100\N{NO-BREAK SPACE}% unknown" in page
    with ClipIndex(tmp_path / "summary.csv") as index:
        index.add("a.mp4", tmp_path, facts)
    with (tmp_path / "summary.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["label"], row["sure"]) == ("neutral", "False")


def test_memory_is_bounded_for_any_number_of_people() -> None:
    overall, value = Overall(LITE), Distribution(0.2, 0.3, 0.5)
    sizes = []
    for track in range(1, 2001):
        start = 10.0 * track
        face = make_face(track)
        overall.add(
            Reading(start + after, face, 0.1, Branch.FACE, value, value, value.label)
            for after in (0.0, 2.0)
        )
        if track in (200, 2000):
            sizes.append(len(pickle.dumps(overall)))
    assert sizes[1] < 1.2 * sizes[0]
    assert overall.answer is not None
    sharpened = np.array(value.as_tuple()) ** (1 / LITE.overall_temperature)
    assert overall.answer.as_tuple() == pytest.approx(sharpened / sharpened.sum())


def test_real_clips_have_one_answer(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("03-01-01_01.mp4", "03-01-02_01.mp4", "08-01-03_01.mp4", "08-01-06_01.mp4"):
        (folder / name).symlink_to(real_data / "javased" / "clips" / name)
    measured = ["evaluate", "--protocol", "held-out", "--data", str(folder)]
    analyzed = ["analyze", str(folder), "--no-images", "--quiet", "--out", str(tmp_path / "read")]
    for arguments in ([*measured, "--out", str(tmp_path / "measured")], analyzed):
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    with (tmp_path / "measured" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        found = tmp_path / "read" / Path(row["path"]).stem / "summary.json"
        overall = json.loads(found.read_text())["overall"]
        assert overall["label"] == row["answer"]
        assert overall["sure"] == bool(int(row["sure"]))
        for name in SENTIMENTS:
            assert f"{overall['probabilities'][name]:.6f}" == row[name]

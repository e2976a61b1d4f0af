"""Plots and page: what they show, what they leave out, and life without matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentistream.datasets.manifest import Item
from sentistream.evaluation.outcomes import Outcome
from sentistream.evaluation.report import write_report
from sentistream.evaluation.results import summarize
from sentistream.types import SENTIMENTS


@pytest.fixture
def outcomes() -> list[Outcome]:
    generator = np.random.default_rng(1)
    found = []
    for index in range(60):
        values = generator.dirichlet((1, 1, 1))
        item = Item(
            Path(f"{index}.mp4"), index % 3, f"<p{index % 6}>", "", {"sex": "mf"[index % 2]}
        )
        found.append(Outcome(item, None if index == 7 else values, unknown=index == 8))
    return found


def test_files_of_a_report(tmp_path: Path, outcomes: list[Outcome]) -> None:
    pytest.importorskip("matplotlib")
    facts = summarize(outcomes, SENTIMENTS)
    assert facts["unknown"] == 1
    assert facts["unusable"] == 2
    assert facts["coverage"][-1]["coverage"] == pytest.approx(58 / 60, abs=1e-4)
    assert write_report(tmp_path, "clips <of> m.csv", facts, outcomes, ["Take <care>."]) == ""
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {
        "confusion.png",
        "reliability.png",
        "coverage.png",
        "people.png",
        "group_sex.png",
    }
    for name in pictures:
        with Image.open(tmp_path / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10  # something is drawn
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 5
    assert "clips &lt;of&gt; m.csv" in page
    assert "Take &lt;care&gt;." in page
    predictions = (tmp_path / "predictions.csv").read_text()
    assert predictions.splitlines()[0].endswith("correct,problem,sex")
    assert ",unknown," in predictions


def test_without_matplotlib_the_rest_is_written(
    tmp_path: Path, outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    notice = write_report(tmp_path, "title", summarize(outcomes, SENTIMENTS), outcomes)
    assert "sentistream[evaluate]" in notice
    assert {path.name for path in tmp_path.iterdir()} == {
        "results.json",
        "predictions.csv",
        "report.html",
    }


def test_nothing_answered_still_makes_a_report(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    outcomes = [Outcome(Item(Path("a"), 0, ""), None)]
    assert write_report(tmp_path, "title", summarize(outcomes, SENTIMENTS), outcomes) == ""
    assert [path.name for path in tmp_path.glob("*.png")] == ["confusion.png"]

"""Plots and page: what they show, what they omit, and the report without matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentistream.datasets.manifest import Item
from sentistream.evaluation.evaluation_report import write_report
from sentistream.evaluation.evaluation_results import summarize_predictions
from sentistream.evaluation.predictions import Prediction
from sentistream.types import SENTIMENTS


@pytest.fixture
def predictions() -> list[Prediction]:
    generator = np.random.default_rng(1)
    found = []
    for index in range(60):
        values = generator.dirichlet((1, 1, 1))
        item = Item(
            Path(f"{index}.mp4"), index % 3, f"<p{index % 6}>", "", {"sex": "mf"[index % 2]}
        )
        found.append(Prediction(item, None if index == 7 else values, unknown=index == 8))
    return found


def test_report_writes_its_files(tmp_path: Path, predictions: list[Prediction]) -> None:
    pytest.importorskip("matplotlib")
    facts = summarize_predictions(predictions, SENTIMENTS)
    assert facts["unknown"] == 1
    assert facts["unusable"] == 2
    assert facts["coverage"][-1]["coverage"] == pytest.approx(58 / 60, abs=1e-4)
    assert write_report(tmp_path, "clips <of> m.csv", facts, predictions, ["Take <care>."]) == ""
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
    table = (tmp_path / "predictions.csv").read_text()
    assert table.splitlines()[0].endswith("correct,problem,sex")
    assert ",unknown," in table


def test_missing_matplotlib_skips_only_the_plots(
    tmp_path: Path, predictions: list[Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    notice = write_report(
        tmp_path, "title", summarize_predictions(predictions, SENTIMENTS), predictions
    )
    assert "sentistream[evaluate]" in notice
    assert {path.name for path in tmp_path.iterdir()} == {
        "results.json",
        "predictions.csv",
        "report.html",
    }


def test_report_without_answers_is_still_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    predictions = [Prediction(Item(Path("a"), 0, ""), None)]
    assert (
        write_report(tmp_path, "title", summarize_predictions(predictions, SENTIMENTS), predictions)
        == ""
    )
    assert [path.name for path in tmp_path.glob("*.png")] == ["confusion.png"]

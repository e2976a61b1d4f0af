"""From a manifest to results: what counts, what is excluded, what is an error."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sentistream.cli import main
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.datasets.manifest import Item, read_manifest
from sentistream.errors import InputError
from sentistream.evaluation.evaluation_results import summarize_predictions
from sentistream.evaluation.predictions import Prediction
from sentistream.types import SENTIMENTS, UInt8Array
from synthetic_clips import flat, write_clip
from synthetic_readings import talk


def write_manifest(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "person"), *rows])
    return path


def test_labels_are_classes_or_emotions_and_paths_are_relative(tmp_path: Path) -> None:
    manifest = write_manifest(
        tmp_path / "m.csv",
        [("a.mp4", "Happy", "ann"), ("b.mp4", "negative", ""), ("c.mp4", "fear", "bob")],
    )
    items, outside = read_manifest(manifest, SENTIMENTS)
    assert items == [Item(tmp_path / "a.mp4", 0, "ann"), Item(tmp_path / "b.mp4", 2, "")]
    assert outside == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,label\na,positive\n", "has no column path"),
        ("path,label\na,cheerful\n", "Line 2 .* has the label 'cheerful'"),
        ("path,label\n", "names nothing to measure on"),
        ("", "has no column label or path"),
    ],
)
def test_invalid_manifests_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_manifest(path, SENTIMENTS)


def prediction(label: int, probabilities: list[float] | None, person: str = "") -> Prediction:
    values = None if probabilities is None else np.array(probabilities)
    return Prediction(Item(Path("x"), label, person), values)


def test_missing_answer_is_wrong_and_counted_separately() -> None:
    facts = summarize_predictions(
        [
            prediction(0, [0.8, 0.1, 0.1], "ann"),
            prediction(0, None, "ann"),
            prediction(2, [0.6, 0.2, 0.2], "bob"),
            prediction(2, [0.0, 0.1, 0.9], "bob"),
        ],
        SENTIMENTS,
    )
    assert facts["n"] == 4
    assert facts["unusable"] == 1
    assert facts["accuracy"] == 0.5
    assert facts["uar"] == 0.5
    assert facts["confusion"] == [[1, 0, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert facts["per_person"]["ann"]["accuracy"] == 0.5
    assert facts["per_person_spread"] == {
        "people": 2,
        "least": 0.5,
        "median": 0.5,
        "most": 0.5,
        "standard_deviation": 0,
    }
    assert facts["answered"]["n"] == 3
    assert facts["answered"]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    # answers at 0.8 (right), 0.6 (wrong), 0.9 (right)
    assert facts["ece"] == pytest.approx((0.2 + 0.6 + 0.1) / 3, abs=1e-4)


def test_spread_needs_people() -> None:
    facts = summarize_predictions([prediction(1, [0.0, 1.0])], MOUTH_STATES)
    assert facts["per_person"] == {}
    assert facts["per_person_spread"] is None
    assert facts["accuracy"] == 1


def run(task: str, manifest: Path, out: Path) -> tuple[dict[str, object], list[dict[str, str]]]:
    arguments = ["evaluate", "--task", task, "--manifest", str(manifest), "--out", str(out)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 2, result.output  # one was unreadable
    with (out / "predictions.csv").open(newline="") as file:
        return json.loads((out / "results.json").read_text()), list(csv.DictReader(file))


def test_every_task_runs_and_survives_unreadable_files(
    tmp_path: Path, portrait: UInt8Array
) -> None:
    Image.fromarray(portrait[60:180, 165:285]).save(tmp_path / "face.png")
    (tmp_path / "text.png").write_text("no image")
    write_clip(tmp_path / "grey.mp4", [(index / 25, flat(90)) for index in range(10)])
    write_clip(tmp_path / "voice.m4a", sound=talk(2.0))
    cases = {
        "faces": ([("face.png", "happy", "a"), ("text.png", "sad", "b")], [False, True]),
        "mouths": ([("face.png", "open", ""), ("gone.png", "closed", "")], [False, True]),
        "voices": ([("voice.m4a", "calm", ""), ("text.png", "angry", "")], [False, True]),
        "clips": ([("grey.mp4", "neutral", ""), ("text.png", "angry", "")], [True, True]),
    }
    for task, (rows, unusable) in cases.items():
        manifest = write_manifest(tmp_path / f"{task}.csv", rows)
        facts, predictions = run(task, manifest, tmp_path / task)
        assert facts["n"] == 2
        assert facts["unusable"] == sum(unusable)
        assert [row["answer"] == "" for row in predictions] == unusable
        for row, missing in zip(predictions, unusable, strict=True):
            classes = MOUTH_STATES if task == "mouths" else SENTIMENTS
            total = sum(float(row[name]) for name in classes) if not missing else 1
            assert total == pytest.approx(1, abs=1e-4)

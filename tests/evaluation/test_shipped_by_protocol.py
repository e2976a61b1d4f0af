"""The shipped networks by protocol: people in their training data are always marked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.manifest import Item
from sentistream.errors import DataError
from sentistream.evaluation.cross_validation import (
    held_out_items,
    load_protocol,
    protocol_splits,
    shipped_results,
)
from sentistream.evaluation.evaluation_inputs import find_items
from sentistream.evaluation.predictions import Prediction
from sentistream.evaluation.predictors import task_cards, trained_on
from sentistream.profiles import PAPER
from sentistream.types import SENTIMENTS
from synthetic_clips import clicks, flat, write_clip


def test_training_people_of_the_shipped_networks_are_known() -> None:
    clips, voices = task_cards("clips", PAPER), task_cards("voices", PAPER)
    assert trained_on("java-sed-01", "java-sed", clips)
    assert not trained_on("java-sed-01", "java-sed", voices)
    assert trained_on("ravdess-05", "ravdess", clips)
    assert not any(
        trained_on(person, person.rpartition("-")[0], clips) for person in HELD_OUT_PEOPLE
    )
    assert trained_on("", "fer2013", clips)  # unknown people count as trained on
    assert not trained_on("ann", "my-shop", clips)
    clips[0].data.append({"source": "my-shop", "people": ["ann"]})
    assert trained_on("ann", "my-shop", clips)
    assert not trained_on("bob", "my-shop", clips)


def test_headline_figures_are_of_people_not_trained_on() -> None:
    items = [
        Item(Path(f"{person}-{index}"), index, f"java-sed-{person}", "java-sed")
        for person in ("01", "03", "08")
        for index in range(3)
    ]
    protocol = load_protocol("leave-one-speaker-out")
    parts = list(protocol_splits(protocol, items))
    chosen = held_out_items(items, parts, task_cards("clips", PAPER))
    # all of speaker 01 (trained on) is right, and the positive ones of the others
    predictions = [
        Prediction(item, np.eye(3)[item.label if item.person == "java-sed-01" else 0])
        for item in chosen
    ]
    facts = shipped_results(protocol, predictions, SENTIMENTS)
    assert facts["on"] == "people never learned from"
    assert facts["n"] == 6
    assert facts["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert facts["learned"]["accuracy"] == 1
    first, second, _ = facts["parts"]
    assert first["never_learned_from"] is None
    assert first["learned_from"]["people"] == ["java-sed-01"]
    assert second["never_learned_from"]["people"] == ["java-sed-03"]
    only = shipped_results(protocol, predictions[:3], SENTIMENTS)
    assert only["on"] == "people learned from"


def test_folders_of_recordings_are_read(tmp_path: Path) -> None:
    for name in (
        "01-01-03-01-01-01-01.mp4",
        "01-01-06-01-01-01-01.mp4",
        "02-01-03-01-01-01-02.mp4",
    ):
        (tmp_path / name).touch()
    (tmp_path / "06-01-02_01.mp4").touch()
    items, outside = find_items(tmp_path, "clips")
    assert outside == 1  # fear
    assert [(item.person, item.label, item.groups["sex"]) for item in items] == [
        ("ravdess-01", 0, "man"),
        ("java-sed-06", 2, "man"),
    ]
    with pytest.raises(DataError, match="no voices of RAVDESS or Java-SED"):
        find_items(tmp_path, "voices")


def test_command_separates_people_trained_on_from_others(tmp_path: Path) -> None:
    for person in ("03", "01"):
        pictures = [(index / 25, flat(90)) for index in range(5)]
        write_clip(tmp_path / f"{person}-01-03_01.mp4", pictures, clicks(0.2, 48_000))
    arguments = ["evaluate", "--protocol", "leave-one-speaker-out", "--data", str(tmp_path)]
    out = tmp_path / "out"
    result = CliRunner().invoke(main, [*arguments, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "java-sed-01: 0.0% of 1" in result.output
    assert "(learned from)" in result.output
    assert "On people never learned from: 0.0% of 1 right" in result.output
    facts = json.loads((out / "results.json").read_text())
    assert facts["protocol"] == "leave-one-speaker-out"
    assert facts["per_person"].keys() == {"java-sed-03"}
    overlapping = CliRunner().invoke(main, ["evaluate", "--protocol", "paper", *arguments[3:]])
    assert overlapping.exit_code == 2
    assert "nothing to measure on" in overlapping.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "either --manifest or --data"),
        (["--task", "faces", "--data", "."], "cannot be measured on a folder"),
        (["--task", "voices", "--appearance", "--data", "{}"], "shows no whole faces"),
    ],
)
def test_invalid_arguments_are_refused(tmp_path: Path, arguments: list[str], problem: str) -> None:
    (tmp_path / "03-01-03_01.flac").touch()
    filled = [argument.format(tmp_path) for argument in arguments]
    result = CliRunner().invoke(main, ["evaluate", *filled])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.split())

"""``sentistream train`` with a profile of tiny networks, to try every option."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch
from torch import nn

from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.training.callbacks import draw_curves
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.examples import Examples
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Augmentation, Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import ClassificationTask
from sentistream.training.training_profiles import (
    TRAINABLE_PROFILES,
    TrainingProfile,
    training_profile,
)


def faces(count: int, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    values = 60 + 60 * labels[:, None, None, None] + generator.integers(-50, 51, (count, 8, 8, 3))
    return Examples(
        inputs={"face": values.astype(np.uint8)},
        labels=labels,
        people=np.array([f"{seed}-{number // 4}" for number in range(count)]),
        sources=np.full(count, "made"),
    )


class Face(ClassificationTask):
    profile = "tiny"
    name = "face"
    recipe = Recipe(batch=16, epochs=2, augmentation=Augmentation(flip=True))
    updates_batch_norm = True

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        for broken in sorted(preparation.data.glob("*.broken")):
            preparation.on_problem(f"{broken} cannot be read.")
        preparation.on_progress("faces")
        return Splits(faces(80, 1), faces(24, 2))

    def build(self, runs: Path) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
        )


class Spare(Face):
    name = "spare"
    recipe = Recipe(batch=16, epochs=2, learning_rate=1e30, optimizer="sgd")
    shipped = False


class Grown(Face):
    """Initialized from the trained ``face``."""

    name = "grown"
    recipe = Recipe(batch=16, epochs=1, average=0.9)

    def build(self, runs: Path) -> nn.Module:
        network = super().build(runs)
        load_network_weights(runs / "face", network)
        return network


Call = Callable[..., Result]


def write_nothing(
    _network: nn.Module, _inputs: object, _outputs: int, path: Path, *_: Any, **__: Any
) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return "0"


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs the command; its output is in ``tmp_path/out``."""
    profile = TrainingProfile("tiny", {task.name: task for task in (Face(), Spare(), Grown())})
    monkeypatch.setattr("sentistream.cli.train.training_profile", lambda _: profile)
    # takes many seconds, and is tested in test_preparation.py
    monkeypatch.setattr("sentistream.training.publish.export_onnx", write_nothing)

    def call(*options: str) -> Result:
        arguments = ["train", *options, "--data", str(tmp_path), "--out", str(tmp_path / "out")]
        return CliRunner().invoke(main, arguments)

    return call


def test_unreadable_data_is_reported_in_output_and_exit_code(train: Call, tmp_path: Path) -> None:
    (tmp_path / "one.broken").touch()
    for options in (("all", "--epochs", "1"), ("face", "--dry-run")):
        result = train(*options, "--threads", "1", "--device", "cpu")
        assert result.exit_code == 2
        assert "face: left out: " in result.stderr
        assert "1 could not be read and are left out." in result.stderr
    assert (tmp_path / "out" / "models" / "grown.json").exists()


def test_all_trains_every_shipped_network_and_its_card(train: Call, tmp_path: Path) -> None:
    result = train("all", "--epochs", "3", "--seed", "5", "--threads", "1", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "face epoch 3: training loss" in result.output
    assert "grown on made (people not trained on, n = 24): accuracy" in result.output
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "models").iterdir()) == [
        "face.json",
        "face.onnx",
        "grown.json",
        "grown.onnx",
    ]
    card = json.loads((out / "models" / "face.json").read_text())
    assert card["name"] == "tiny/face"
    assert (card["seed"], card["recipe"]["epochs"]) == (5, 3)
    assert card["data"] == [
        {
            "source": "made",
            "name": "made",
            "terms": "not known",
            "permits": "not known; ask its authors",
            "examples": 80,
        }
    ]
    row = card["figures"][0]
    assert row["intervals_over"] == "people"
    for figure in ("accuracy", "uar", "macro_f1"):
        low, high = row[f"{figure}_ci95"]
        assert 0 <= low <= row[figure] <= high <= 1
    with (out / "face" / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["step"] for row in rows] == ["5", "10", "15"]
    assert float(rows[0]["rate"]) == pytest.approx(0.001 / (1 + 0.00002 * 4))


def test_patience_holds_out_people_and_reports_their_accuracy(train: Call, tmp_path: Path) -> None:
    result = train("face", "--patience", "2")
    assert result.exit_code == 0, result.output
    assert "; validation loss " in result.output
    history = (tmp_path / "out" / "face" / "history.csv").read_text()
    assert "validation_accuracy" in history.splitlines()[0]
    card = json.loads((tmp_path / "out" / "models" / "face.json").read_text())
    assert card["recipe"]["best_epoch"] in (1, 2)


def test_same_command_resumes(train: Call) -> None:
    train("face", "--epochs", "1")
    again = train("face", "--epochs", "2")
    assert "face: resumes after step 5." in again.output
    assert "epoch 1:" not in again.output
    other = train("face", "--epochs", "2", "--seed", "9")
    assert "had other settings (seed)" in other.output.replace("\n", " ")
    assert "epoch 1:" in other.output


def test_dry_run_writes_only_figures(train: Call, tmp_path: Path) -> None:
    result = train("all", "--dry-run", "--patience", "3")
    assert result.exit_code == 0, result.output
    assert "face: learns from 72 examples (face 8x8x3), 8 for validation, 24 held out" in (
        result.output
    )
    # 3*4*9 + 4 weights, 4 batch norm values a channel, 144*3 + 3
    assert "563 parameters" in result.output
    assert "5 steps an epoch" in result.output
    assert "grown: its data is there; it starts from networks that are not trained" in result.output
    assert "spare" not in result.output
    assert not (tmp_path / "out").exists()


def test_tensorboard_logs_are_written(train: Call, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="needs the extra 'tensorboard'",
    )
    assert train("face", "--epochs", "1", "--tensorboard").exit_code == 0
    assert train("face", "--epochs", "2", "--tensorboard").exit_code == 0
    logs = accumulator.EventAccumulator(str(tmp_path / "out" / "face" / "tensorboard"))
    logs.Reload()
    assert {"loss/step", "rate", "loss/train", "loss/held_out", "accuracy/held_out"} <= set(
        logs.Tags()["scalars"]
    )
    assert [event.step for event in logs.Scalars("loss/step")] == list(range(1, 11))
    assert [event.step for event in logs.Scalars("accuracy/train")] == [5, 10]
    assert len(logs.Images(logs.Tags()["images"][0])) == 1


def test_missing_tensorboard_is_reported(train: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = train("face", "--tensorboard")
    assert result.exit_code == 2
    assert "pip install 'sentistream[tensorboard]'" in result.output


def test_diverging_run_is_one_sentence(train: Call) -> None:
    result = train("spare")
    assert result.exit_code == 2
    assert "Error: The " in result.output
    assert "Lower the learning rate" in result.output
    assert "Traceback" not in result.output


def test_unknown_network_lists_the_known_ones(train: Call) -> None:
    result = train("nose")
    assert result.exit_code == 2
    assert "The profile tiny has no network 'nose'. Choose one of: face, spare, grown, all." in (
        result.output
    )


def test_missing_gpu_is_reported(train: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = train("face", "--device", "cuda")
    assert result.exit_code == 2
    assert "--device cpu" in result.output


def test_curves_are_plotted(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    history = [
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "train_accuracy": 0.5,
            "held_out_loss": 1.0,
            "held_out_accuracy": 0.4,
        }
        for epoch in (1, 2, 3)
    ]
    assert draw_curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1080, 420)
    assert not draw_curves([], tmp_path / "none.png")


def test_curves_are_skipped_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not draw_curves([{"epoch": 1.0}], tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


def test_untrainable_profile_is_refused() -> None:
    with pytest.raises(InputError, match=r"No profile 'heavy' .* paper, lite"):
        training_profile("heavy")


@pytest.mark.parametrize("name", TRAINABLE_PROFILES)
def test_each_task_belongs_to_its_profile_and_has_a_card(name: str) -> None:
    for network, task in training_profile(name).tasks.items():
        assert (task.profile, task.name) == (name, network)
        assert task.card_text is not None

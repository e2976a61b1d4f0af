"""A killed run resumes to identical weights, bit for bit, wherever it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentistream.errors import DataError, OutputError, TrainingError
from sentistream.training.callbacks import Callback, Step
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.examples import Examples
from sentistream.training.recipes import Augmentation, Recipe
from sentistream.training.task import ClassificationTask
from sentistream.training.trainer import fit

RECIPE = Recipe(
    optimizer="adamw",
    weight_decay=0.01,
    schedule="cosine",
    warm_up=0.1,
    batch=16,
    epochs=6,
    label_smoothing=0.1,
    mixup=0.4,
    average=0.9,
    clip=1.0,
    patience=4,
    validation=0.2,
    augmentation=Augmentation(rotation=20, flip=True),
)
"""Every setting that adds to a run's state."""


def tiny() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.Flatten(), nn.Linear(144, 3)
    )


def faces(count: int, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    return Examples(
        inputs={"face": generator.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)},
        labels=np.arange(count) % 3,
        people=np.array([f"{seed}-{number // 3}" for number in range(count)]),
        sources=np.full(count, "made"),
    )


SPLITS = faces(90, 1), faces(12, 2)


class KilledError(Exception):
    pass


class Watcher(Callback):
    """Records callbacks; ends the run after ``last`` steps."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.resumed = -1
        self.notes: list[str] = []

    def on_note(self, text: str) -> None:
        self.notes.append(text)

    def on_resume(self, step: int) -> None:
        self.resumed = step

    def on_step(self, step: Step) -> None:
        if step.step == self.last:
            raise KilledError


def assert_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def without_seconds(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    return [
        {name: value for name, value in entry.items() if name != "seconds"} for entry in history
    ]


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, patience=0, average=0.0, mixup=0.0),
        Recipe(optimizer="sgd", momentum=0.9, batch=16, epochs=4),
        Recipe(batch=16, epochs=4, augmentation=Augmentation(rotation=20)),
    ],
    ids=["everything", "cosine alone", "momentum", "as the paper"],
)
@pytest.mark.parametrize("after", [1, 7, 13])
def test_resuming_within_an_epoch_gives_identical_weights(
    recipe: Recipe, after: int, tmp_path: Path
) -> None:
    whole = tiny()
    progress = fit(whole, *SPLITS, recipe, tmp_path / "whole", checkpoint_seconds=0)
    with pytest.raises(KilledError):
        fit(
            tiny(),
            *SPLITS,
            recipe,
            tmp_path / "killed",
            callback=Watcher(after),
            checkpoint_seconds=0,
        )
    resumed, seen = tiny(), Watcher()
    again = fit(resumed, *SPLITS, recipe, tmp_path / "killed", callback=seen)
    assert seen.resumed == after
    assert_same(whole.state_dict(), resumed.state_dict())
    assert without_seconds(again.history) == without_seconds(progress.history)
    assert again.best_epoch == progress.best_epoch
    loaded = tiny()
    load_network_weights(tmp_path / "killed", loaded)
    assert_same(whole.state_dict(), loaded.state_dict())


def test_checkpoint_interval_does_not_change_the_weights(tmp_path: Path) -> None:
    often, seldom = tiny(), tiny()
    fit(often, *SPLITS, RECIPE, tmp_path / "often", checkpoint_seconds=0)
    fit(seldom, *SPLITS, RECIPE, tmp_path / "seldom")
    assert_same(often.state_dict(), seldom.state_dict())


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_checkpoint import RECIPE, SPLITS, Watcher, tiny
from sentistream.training.trainer import fit
import torch
torch.set_num_threads(1)

class Loud(Watcher):
    def on_step(self, step):
        print(step.step, flush=True)

fit(tiny(), *SPLITS, RECIPE, Path(sys.argv[2]), callback=Loud(), checkpoint_seconds=0)
"""


def test_resuming_after_sigkill_gives_identical_weights(tmp_path: Path) -> None:
    """SIGKILL at an arbitrary moment."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole, resumed, seen = tiny(), tiny(), Watcher()
    fit(whole, *SPLITS, RECIPE, tmp_path / "whole")
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 11:
            break
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    fit(resumed, *SPLITS, RECIPE, tmp_path / "killed", callback=seen)
    torch.set_num_threads(threads)
    assert seen.resumed >= 10
    assert_same(whole.state_dict(), resumed.state_dict())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mixup": 0.2}, "mixup"),
        ({"seed": 2}, "seed"),
        ({"average": 0.0}, "average"),
        ({"epochs": 9}, "epochs"),
        ({"augmentation": None}, "augmentation"),
    ],
)
def test_changed_recipe_starts_over_with_a_note(
    change: dict[str, object], named: str, tmp_path: Path
) -> None:
    fit(tiny(), *SPLITS, RECIPE, tmp_path)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    seen = Watcher(1)
    with pytest.raises(KilledError):
        fit(tiny(), *SPLITS, replace(RECIPE, **change), tmp_path, callback=seen)  # type: ignore[arg-type]
    assert seen.resumed == 0
    assert f"had other settings ({named})" in seen.notes[0]
    assert (tmp_path / "checkpoint-earlier.safetensors").read_bytes() == before


def name_functions(folder: Path, functions: tuple[str | None, str | None, str]) -> None:
    """Give a checkpoint a fingerprint from before tasks existed."""
    path = folder / "checkpoint.safetensors"
    with safe_open(path, framework="pt") as file:
        notes = json.loads(file.metadata()["notes"])
    settings = notes["settings"]
    del settings["task"], settings["task revision"]
    settings |= dict(zip(("further augmentation", "loss", "inputs"), functions, strict=True))
    save_file(load_file(path), path, {"notes": json.dumps(notes)})


PICTURES = "sentistream.networks.export.convert_pictures"


def test_checkpoint_from_before_tasks_resumes(tmp_path: Path) -> None:
    whole, resumed, seen = tiny(), tiny(), Watcher()
    fit(whole, *SPLITS, RECIPE, tmp_path / "whole")
    folder = tmp_path / "killed"
    with pytest.raises(KilledError):
        fit(tiny(), *SPLITS, RECIPE, folder, callback=Watcher(7), checkpoint_seconds=0)
    name_functions(folder, (None, None, PICTURES))
    fit(resumed, *SPLITS, RECIPE, folder, callback=seen)
    assert seen.resumed == 7
    assert_same(whole.state_dict(), resumed.state_dict())


def test_checkpoint_of_another_task_starts_over_with_a_note(tmp_path: Path) -> None:
    class Revised(ClassificationTask):
        revision = 2

    fit(tiny(), *SPLITS, replace(RECIPE, epochs=1), tmp_path)
    seen = Watcher()
    fit(tiny(), *SPLITS, replace(RECIPE, epochs=1), tmp_path, task=Revised(), callback=seen)
    assert "had other settings (task revision)" in seen.notes[0]
    name_functions(tmp_path, ("sentistream.training.lite_augment.mouths", None, PICTURES))
    seen = Watcher()
    fit(tiny(), *SPLITS, replace(RECIPE, epochs=1), tmp_path, callback=seen)
    assert "had other settings (further augmentation, inputs, task" in seen.notes[0]


def test_more_epochs_continue_the_run_if_the_schedule_is_independent(
    tmp_path: Path,
) -> None:
    recipe = Recipe(batch=16, epochs=2)
    whole, resumed, seen = tiny(), tiny(), Watcher()
    fit(whole, *SPLITS, replace(recipe, epochs=4), tmp_path / "whole")
    fit(resumed, *SPLITS, recipe, tmp_path / "more")
    fit(resumed, *SPLITS, replace(recipe, epochs=4), tmp_path / "more", callback=seen)
    assert seen.resumed == 12
    assert_same(whole.state_dict(), resumed.state_dict())


def test_finished_run_returns_its_weights_again(tmp_path: Path) -> None:
    first, second = tiny(), tiny()
    fit(first, *SPLITS, RECIPE, tmp_path)
    fit(second, *SPLITS, RECIPE, tmp_path, callback=Watcher(0))
    assert_same(first.state_dict(), second.state_dict())


def test_weights_with_channels_last_are_kept(tmp_path: Path) -> None:
    first, second = tiny(), tiny()
    for network in (first, second):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(first, *SPLITS, RECIPE, tmp_path)
    fit(second, *SPLITS, RECIPE, tmp_path, callback=Watcher(0))
    assert_same(first.state_dict(), second.state_dict())
    assert next(second.parameters()).is_contiguous(memory_format=torch.channels_last)
    loaded = tiny()
    load_network_weights(tmp_path, loaded)
    assert_same(first.state_dict(), loaded.state_dict())


def test_new_run_starts_from_the_given_weights(tmp_path: Path) -> None:
    started: list[int] = []

    class Starting(ClassificationTask):
        def initialize(self, network: nn.Module, examples: Examples) -> None:
            started.append(len(examples))

    fit(tiny(), *SPLITS, RECIPE, tmp_path, task=Starting())
    fit(tiny(), *SPLITS, RECIPE, tmp_path, task=Starting())
    assert started == [72]


@pytest.mark.parametrize("place", [-1, -500, 200])
def test_damaged_checkpoint_is_refused(place: int, tmp_path: Path) -> None:
    fit(tiny(), *SPLITS, replace(RECIPE, epochs=1), tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"checkpoint\.safetensors (is damaged|cannot be read)"):
        fit(tiny(), *SPLITS, replace(RECIPE, epochs=1), tmp_path)
    path.write_bytes(content[:1_000])
    with pytest.raises(DataError, match="cannot be read"):
        load_network_weights(tmp_path, tiny())


def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    from full_disk import full_disk  # another test runs this file as a script

    recipe = replace(RECIPE, patience=0)
    whole, resumed = tiny(), tiny()
    fit(whole, *SPLITS, recipe, tmp_path / "whole")
    folder = tmp_path / "full"
    with pytest.raises(KilledError):
        fit(tiny(), *SPLITS, recipe, folder, callback=Watcher(8), checkpoint_seconds=0)
    with (
        full_disk(),
        pytest.raises(OutputError, match=r"checkpoint.* cannot be written \(No space"),
    ):
        fit(resumed, *SPLITS, recipe, folder, checkpoint_seconds=0)
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]
    resumed, seen = tiny(), Watcher()
    fit(resumed, *SPLITS, recipe, folder, callback=seen)
    assert seen.resumed == 8
    assert_same(whole.state_dict(), resumed.state_dict())


def test_nan_loss_names_the_last_good_checkpoint(tmp_path: Path) -> None:
    class Poisoned(ClassificationTask):
        batches = 0

        def augment(
            self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
        ) -> tuple[list[Tensor], Tensor]:
            self.batches += 1
            factor = float("nan") if self.batches == 8 else 1
            return [values * factor for values in inputs], labels

    recipe = Recipe(batch=16, epochs=4)
    with pytest.raises(TrainingError) as caught:
        fit(tiny(), *SPLITS, recipe, tmp_path, task=Poisoned())
    assert "The loss became nan in epoch 2, step 2." in caught.value.problem
    assert f"{tmp_path / 'checkpoint.safetensors'} (1 epochs and 0 steps)" in caught.value.problem
    weights = load_file(tmp_path / "checkpoint.safetensors")
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())


def test_nan_weights_are_never_saved(tmp_path: Path) -> None:
    """The slope of the root at 0 is infinite, while the loss itself is finite."""

    class Infinite(ClassificationTask):
        def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
            return (outputs.sum() * 0).sqrt()

    with pytest.raises(TrainingError, match=r"not finite after step 1\. There is no earlier"):
        fit(
            tiny(),
            *SPLITS,
            Recipe(batch=16, epochs=1),
            tmp_path,
            task=Infinite(),
            checkpoint_seconds=0,
        )
    assert not list(tmp_path.iterdir())

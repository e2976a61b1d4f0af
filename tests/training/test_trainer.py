"""Training converges, resumes to the same weights after a kill, and refuses leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.errors import DataError
from sentistream.networks.paper import MouthNetwork
from sentistream.training.callbacks import Callback, Step
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.examples import Examples, load_examples
from sentistream.training.inference import probabilities
from sentistream.training.mouth_task import PaperMouthTask
from sentistream.training.trainer import fit

RECIPE = replace(PaperMouthTask.recipe, epochs=4, batch=16)


def mouths(count: int, person: str, seed: int) -> Examples:
    """Bright crops are open, dark ones closed: easy to learn."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count)
    base = np.where(labels == 1, 170, 90)[:, None, None, None]
    crops = base + generator.integers(-30, 30, (count, 28, 28, 3))
    return Examples(
        inputs={"mouth": crops.astype(np.uint8)},
        labels=labels,
        people=np.array([f"{person}-{number}" for number in range(count)]),
        sources=np.full(count, "made"),
    )


@pytest.fixture(scope="module")
def splits() -> tuple[Examples, Examples]:
    return mouths(96, "anna", 1), mouths(40, "bert", 2)


class KilledError(Exception):
    pass


class Killer(Callback):
    """Ends a run after that many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, step: Step) -> None:
        if step.step == self.after:
            raise KilledError


class Epochs(Callback):
    """Records which epochs were trained."""

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        self.numbers.append(history[-1]["epoch"])


def new_network() -> MouthNetwork:
    torch.manual_seed(RECIPE.seed)
    return MouthNetwork()


def test_training_converges(splits: tuple[Examples, Examples], tmp_path: Path) -> None:
    network = new_network()
    progress = fit(network, *splits, RECIPE, tmp_path)
    assert [entry["epoch"] for entry in progress.history] == [1, 2, 3, 4]
    assert progress.step == 4 * 6
    assert progress.history[-1]["held_out_accuracy"] > 0.95
    answers = probabilities(network, splits[1])
    assert answers.shape == (40, 1)
    assert answers[splits[1].labels == 1].mean() > answers[splits[1].labels == 0].mean() + 0.1


def test_killed_run_resumes_to_the_same_weights(
    splits: tuple[Examples, Examples], tmp_path: Path
) -> None:
    whole = new_network()
    fit(whole, *splits, RECIPE, tmp_path / "whole")

    with pytest.raises(KilledError):
        fit(new_network(), *splits, RECIPE, tmp_path / "killed", callback=Killer(15))
    resumed = new_network()
    seen = Epochs()
    fit(resumed, *splits, RECIPE, tmp_path / "killed", callback=seen)
    assert seen.numbers == [3, 4]
    for first, second in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(first, second)
    loaded = MouthNetwork()
    load_network_weights(tmp_path / "killed", loaded)
    assert torch.equal(next(loaded.parameters()), next(resumed.parameters()))


def test_changed_recipe_does_not_resume(splits: tuple[Examples, Examples], tmp_path: Path) -> None:
    fit(new_network(), *splits, replace(RECIPE, epochs=1), tmp_path)
    other = replace(RECIPE, epochs=1, learning_rate=0.01)
    assert fit(new_network(), *splits, other, tmp_path).history[0]["epoch"] == 1
    more = fit(new_network(), *splits, replace(other, epochs=2), tmp_path)
    assert [entry["epoch"] for entry in more.history] == [1, 2]


def test_person_in_both_splits_is_refused(
    splits: tuple[Examples, Examples], tmp_path: Path
) -> None:
    train, _ = splits
    leaking = mouths(3, "anna", 5)
    with pytest.raises(DataError, match=r"3 people are both .* anna-0, anna-1"):
        fit(new_network(), train, leaking, RECIPE, tmp_path)


def test_starting_from_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no trained network .* Train audio first"):
        load_network_weights(tmp_path / "audio", MouthNetwork())


def test_examples_survive_saving(splits: tuple[Examples, Examples], tmp_path: Path) -> None:
    splits[0].save(tmp_path / "deep" / "examples.npz")
    loaded = load_examples(tmp_path / "deep" / "examples.npz")
    assert (loaded.inputs["mouth"] == splits[0].inputs["mouth"]).all()
    assert loaded.people.tolist() == splits[0].people.tolist()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["examples.npz"]

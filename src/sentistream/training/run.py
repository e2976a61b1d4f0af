"""One network's training run in one folder: prepare once, train, go on after a kill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from sentistream.training.checkpoint import Progress
from sentistream.training.examples import load_examples
from sentistream.training.loop import OnEpoch, OnStep, fit
from sentistream.training.paper import PARTS, Sides
from sentistream.training.recipes import PAPER_RECIPES, Recipe


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        name: The network's.
        network: Trained, in evaluation mode.
        recipe: As followed.
        progress: Its history.
        train, held_out: What it learned from and was measured on.
    """

    name: str
    network: nn.Module
    recipe: Recipe
    progress: Progress
    sides: Sides


def run(
    name: str,
    data: Path,
    out: Path,
    *,
    epochs: int | None = None,
    on_epoch: OnEpoch = lambda _: None,
    on_step: OnStep = lambda _step, _steps: None,
) -> Run:
    """Trains the network ``name`` of the ``paper`` profile.

    Args:
        name: One of ``PARTS``.
        data: The folder with the data sets.
        out: Where prepared examples and checkpoints go, below the network's name.
        epochs: Instead of the recipe's own.

    Raises:
        DataError: The data is missing or would leak.
    """
    folder = out / name
    sides = prepare(name, data, folder)
    recipe = PAPER_RECIPES[name]
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    torch.manual_seed(recipe.seed)
    network = PARTS[name].build(out)
    progress = fit(network, *sides, recipe, folder, on_epoch=on_epoch, on_step=on_step)
    return Run(name, network, recipe, progress, sides)


def prepare(name: str, data: Path, folder: Path) -> Sides:
    """The examples of one network, made once and then read from ``folder``."""
    paths = folder / "train.npz", folder / "held-out.npz"
    if not all(path.exists() for path in paths):
        for examples, path in zip(PARTS[name].prepare(data), paths, strict=True):
            examples.save(path)
    return load_examples(paths[0]), load_examples(paths[1])

"""One network's training run in one folder: prepare once, train, go on after a kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from sentistream.training.batch_statistics import reestimate
from sentistream.training.checkpoint import Progress, has_checkpoint
from sentistream.training.loop import OnEpoch, OnStep, fit
from sentistream.training.paper import PARTS
from sentistream.training.preparation import Preparation, Sides
from sentistream.training.recipes import PAPER_RECIPES, Recipe


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        name: The network's.
        network: Trained, in evaluation mode.
        recipe: As followed.
        progress: Its history.
        sides: What it learned from and was measured on.
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
    on_prepare: Callable[[str], None] = lambda _: None,
    on_epoch: OnEpoch = lambda _: None,
    on_step: OnStep = lambda _step, _steps: None,
) -> Run:
    """Trains the network ``name`` of the ``paper`` profile.

    Args:
        name: One of ``PARTS``.
        data: The folder with the data sets.
        out: Where prepared examples go (below ``prepared``) and checkpoints (below ``name``).
        epochs: Instead of the recipe's own.
        on_prepare: Called often with a word on what is being prepared.
        on_epoch, on_step: As ``fit`` calls them.

    Raises:
        DataError: The data is missing or would leak.
    """
    part = PARTS[name]
    sides = part.examples(Preparation(data, out / "prepared", on_prepare))
    recipe = PAPER_RECIPES[name]
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    torch.manual_seed(recipe.seed)
    network = part.build(out)
    if not has_checkpoint(out / name):
        part.start(network, sides.train)
    progress = fit(
        network,
        sides.train,
        sides.held_out,
        recipe,
        out / name,
        on_epoch=on_epoch,
        on_step=on_step,
    )
    reestimate(network, sides.train)
    return Run(name, network, recipe, progress, sides)

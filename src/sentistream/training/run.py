"""One network's training run in one folder: prepare once, train, go on after a kill."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sentistream.training.batch_statistics import reestimate
from sentistream.training.card_texts import CardText
from sentistream.training.curves import draw_curves
from sentistream.training.devices import be_deterministic
from sentistream.training.history import HistoryFile
from sentistream.training.loop import CHECKPOINT_SECONDS, fit
from sentistream.training.observers import Observer, Observers
from sentistream.training.parts import OnPrepare, OnProblem, Part, Sides
from sentistream.training.profiles import TrainedProfile
from sentistream.training.recipes import Recipe
from sentistream.training.state import Progress


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        profile, name: The network's.
        part: What it is to training.
        network: Trained, in evaluation mode, on the processor.
        recipe: As followed.
        progress: Its history.
        sides: What it learned from and was measured on.
        card_text: What is said of it beside figures; None where nothing was written.
    """

    profile: str
    name: str
    part: Part
    network: nn.Module
    recipe: Recipe
    progress: Progress
    sides: Sides
    card_text: CardText | None


def run(
    profile: TrainedProfile,
    name: str,
    data: Path,
    out: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    on_prepare: OnPrepare = lambda _: None,
    on_problem: OnProblem = lambda _: None,
    observer: Observer | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Run:
    """Trains the network ``name`` of a profile.

    Args:
        profile: As ``trained_profile`` gives it.
        name: One of its parts.
        data: The folder with the data sets.
        out: Where prepared examples go (below ``prepared``), checkpoints, ``history.csv``
            and ``curves.png`` (below ``name``).
        changes: Fields of the recipe with other values than its own.
        device: Where it is trained.
        on_prepare: Called often with a word on what is being prepared.
        on_problem: Told of each file or image that cannot be read and is left out.
        observer: Is told what happens, as by ``fit``.
        checkpoint_seconds: As ``fit`` takes them.

    Raises:
        DataError: The data is missing or would leak.
        TrainingError: The loss is no finite number.
        OutputError: A checkpoint cannot be written.
    """
    part = profile.parts[name]
    recipe = replace(profile.recipes[name], **(changes or {}))
    be_deterministic(torch.device(device))
    sides = part.examples(data, out / "prepared", on_prepare, on_problem)
    torch.manual_seed(recipe.seed)
    network = part.build(out).to(device)
    began = copy.deepcopy(network.state_dict()) if part.halfway else {}
    table = HistoryFile(out / name)
    progress = fit(
        network,
        sides.train,
        sides.held_out,
        recipe,
        out / name,
        start=part.start,
        augmentation=part.augmentation,
        loss=part.loss,
        right=part.right,
        convert=part.convert,
        observer=Observers(table, observer or Observer()),
        checkpoint_seconds=checkpoint_seconds,
    )
    # a kill may have come between a checkpoint and its row
    table.on_epoch(progress.history)
    draw_curves(progress.history, out / name / "curves.png")
    if part.halfway:
        network.load_state_dict(halfway(began, network.state_dict()))
        change = part.augmentation
        reestimate(network, sides.train, convert=part.convert, augmentation=change)
    elif part.statistics:
        reestimate(network, sides.train, convert=part.convert)
    text = profile.card_texts.get(name)
    return Run(profile.name, name, part, network.cpu(), recipe, progress, sides, text)


def halfway(began: dict[str, Tensor], ended: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mean of two states of one network; whole numbers are those of the second."""
    return {
        name: (began[name].to(value.device) + value) / 2 if value.is_floating_point() else value
        for name, value in ended.items()
    }

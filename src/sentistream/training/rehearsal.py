"""A step on trial: does it work, how large is it, how long will it take?"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sentistream.errors import DataError
from sentistream.networks.cost import multiply_adds
from sentistream.networks.layers import parameter_count
from sentistream.training.devices import be_deterministic
from sentistream.training.leakage import refuse_leaks
from sentistream.training.measuring import values
from sentistream.training.parts import OnPrepare, OnProblem
from sentistream.training.profiles import TrainedProfile
from sentistream.training.trainer import Trainer

_TIMED_STEPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a training run will be.

    Attributes:
        learn, validation, held_out: Examples to learn from, to judge early stopping, to measure.
        inputs: Shape of one example's inputs.
        parameters, multiply_adds: Of the network, as its card counts them.
        epochs, steps: At most, and steps an epoch.
        step_seconds: What a step takes.
        seconds: What the whole run takes, measuring included, if nothing stops it early.
        loss: Of the first step.
    """

    learn: int
    validation: int
    held_out: int
    inputs: dict[str, tuple[int, ...]]
    parameters: int
    multiply_adds: int
    epochs: int
    steps: int
    step_seconds: float
    seconds: float
    loss: float


def rehearse(
    profile: TrainedProfile,
    name: str,
    data: Path,
    out: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    on_prepare: OnPrepare = lambda _: None,
    on_problem: OnProblem = lambda _: None,
) -> Rehearsal | None:
    """Prepares the examples, does three steps and forgets them; writes no checkpoint.

    Args:
        profile, name, data, out, changes, device, on_prepare, on_problem: As ``run`` takes them.

    Returns:
        None where the network starts from others that are not trained yet.

    Raises:
        DataError: The data is missing or would leak.
    """
    part = profile.parts[name]
    recipe = replace(profile.recipes[name], **(changes or {}))
    be_deterministic(torch.device(device))
    sides = part.examples(data, out / "prepared", on_prepare, on_problem)
    refuse_leaks(sides.train, sides.held_out)
    torch.manual_seed(recipe.seed)
    try:
        network = part.build(out).to(device)
    except DataError:
        return None
    shapes = {key: values.shape[1:] for key, values in sides.train.inputs.items()}
    cost = multiply_adds(copy.deepcopy(network).cpu(), shapes, part.convert)
    trainer = Trainer(
        network, sides.train, recipe, part.augmentation, part.loss, part.right, part.convert
    )
    batches = trainer.order()
    loss = trainer.step(*trainer.prepare(batches[0]))
    before = time.perf_counter()
    for number in range(_TIMED_STEPS):
        trainer.step(*trainer.prepare(batches[(number + 1) % len(batches)]))
    step_seconds = (time.perf_counter() - before) / _TIMED_STEPS
    asked = np.arange(min(64, len(sides.held_out)))
    before = time.perf_counter()
    values(network, sides.held_out, convert=part.convert, positions=asked)
    answer_seconds = (time.perf_counter() - before) / len(asked)
    measured = len(sides.held_out) + len(trainer.validate)
    return Rehearsal(
        learn=len(trainer.learn),
        validation=len(trainer.validate),
        held_out=len(sides.held_out),
        inputs=shapes,
        parameters=parameter_count(network),
        multiply_adds=cost,
        epochs=recipe.epochs,
        steps=trainer.steps,
        step_seconds=step_seconds,
        seconds=recipe.epochs * (trainer.steps * step_seconds + measured * answer_seconds),
        loss=loss,
    )

"""One network's training run: prepare examples, train or resume; or a dry run of three steps."""

from __future__ import annotations

import copy
import ctypes
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sentistream.errors import DataError, InputError
from sentistream.networks.cost import multiply_adds
from sentistream.networks.layers import parameter_count
from sentistream.training.callbacks import Callback, Callbacks, HistoryFile, draw_curves
from sentistream.training.checkpoint import Progress
from sentistream.training.inference import raw_outputs, update_batch_norm
from sentistream.training.preparation import OnProblem, OnProgress, Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import Task
from sentistream.training.trainer import CHECKPOINT_SECONDS, Trainer, fit

_TIMED_STEPS = 2
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        task: The network's.
        network: Trained, in evaluation mode, on the CPU.
        recipe: As followed.
        progress: Its history.
        splits: Its examples.
    """

    task: Task
    network: nn.Module
    recipe: Recipe
    progress: Progress
    splits: Splits


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a training run will be like.

    Attributes:
        train, validation, held_out: Numbers of examples.
        inputs: Shapes of one example's inputs.
        parameters, multiply_adds: Of the network, as its model card counts them.
        epochs, steps: Largest number of epochs, and steps per epoch.
        step_seconds: Duration of a step.
        seconds: Duration of the whole run with evaluation, unless it stops early.
        loss: Of the first step.
    """

    train: int
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


def run(
    task: Task,
    data: Path,
    out: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    on_prepare: OnProgress = lambda _: None,
    on_problem: OnProblem = lambda _: None,
    callback: Callback | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Run:
    """Trains the network of a task, or resumes its run.

    Args:
        task: The network's.
        data: The folder with the data sets.
        out: For cached examples (in ``prepared``), and checkpoints, ``history.csv`` and
            ``curves.png`` (in a folder named as the task).
        changes: Fields of the recipe with other values.
        device: To train on.
        on_prepare: Called often with a word on what is being prepared.
        on_problem: Called for each file or image that cannot be read and is left out.
        callback: Called during training.
        checkpoint_seconds: Time between checkpoints within an epoch.

    Raises:
        DataError: The data is missing or would leak.
        TrainingError: Loss or weights are not finite.
        OutputError: A checkpoint cannot be written.
    """
    recipe, folder = replace(task.recipe, **(changes or {})), out / task.name
    make_deterministic(torch.device(device))
    preparation = Preparation(data, out / "prepared", on_prepare, on_problem=on_problem)
    splits = task.prepare(preparation, out)
    torch.manual_seed(recipe.seed)
    network = task.build(out).to(device)
    table = HistoryFile(folder)
    progress = fit(
        network,
        splits.train,
        splits.held_out,
        recipe,
        folder,
        task=task,
        callback=Callbacks(table, callback or Callback()),
        checkpoint_seconds=checkpoint_seconds,
    )
    # the run may have been killed between a checkpoint and its row
    table.on_epoch(progress.history)
    draw_curves(progress.history, folder / "curves.png")
    if task.updates_batch_norm:
        update_batch_norm(network, splits.train, task)
    return Run(task, network.cpu(), recipe, progress, splits)


def dry_run(
    task: Task,
    data: Path,
    out: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    on_prepare: OnProgress = lambda _: None,
    on_problem: OnProblem = lambda _: None,
) -> DryRun | None:
    """Prepares the examples and times three steps; writes no checkpoint.

    Args:
        task, data, out, changes, device, on_prepare, on_problem: As ``run`` takes them.

    Returns:
        None if the network starts from others that are not trained yet.

    Raises:
        DataError: The data is missing or would leak.
    """
    recipe = replace(task.recipe, **(changes or {}))
    make_deterministic(torch.device(device))
    preparation = Preparation(data, out / "prepared", on_prepare, on_problem=on_problem)
    splits = task.prepare(preparation, out)
    torch.manual_seed(recipe.seed)
    try:
        network = task.build(out).to(device)
    except DataError:
        return None
    shapes = {key: values.shape[1:] for key, values in splits.train.inputs.items()}
    cost = multiply_adds(copy.deepcopy(network).cpu(), shapes, task.convert)
    trainer = Trainer(network, splits.train, recipe, task)
    batches = trainer.shuffled_batches()
    loss = trainer.step(*trainer.load_batch(batches[0]))
    before = time.perf_counter()
    for number in range(_TIMED_STEPS):
        trainer.step(*trainer.load_batch(batches[(number + 1) % len(batches)]))
    step_seconds = (time.perf_counter() - before) / _TIMED_STEPS
    sample = np.arange(min(64, len(splits.held_out)))
    before = time.perf_counter()
    raw_outputs(network, splits.held_out, task.convert, sample)
    evaluation_seconds = (time.perf_counter() - before) / len(sample)
    evaluated = len(splits.held_out) + len(trainer.validation_positions)
    epoch_seconds = trainer.steps * step_seconds + evaluated * evaluation_seconds
    return DryRun(
        train=len(trainer.train_positions),
        validation=len(trainer.validation_positions),
        held_out=len(splits.held_out),
        inputs=shapes,
        parameters=parameter_count(network),
        multiply_adds=cost,
        epochs=recipe.epochs,
        steps=trainer.steps,
        step_seconds=step_seconds,
        seconds=recipe.epochs * epoch_seconds,
        loss=loss,
    )


def choose_device(name: str) -> torch.device:
    """The device for ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        InputError: There is no GPU that PyTorch can use.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        built = torch.version.cuda is not None
        raise InputError(
            "There is no GPU that PyTorch can use."
            if built
            else "The installed PyTorch was built without CUDA.",
            "Train on the CPU (--device cpu)."
            if built
            else "Install a build with CUDA (pytorch.org), or train with --device cpu.",
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and has_gpu) else "cpu")


def make_deterministic(device: torch.device) -> None:
    """On a GPU, asks PyTorch for deterministic algorithms where it has them."""
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def keep_freed_memory() -> bool:
    """Makes glibc keep the memory that a step frees for the next one; says whether it does.

    By default it returns large blocks to the system and gets them again, zeroed, at every step,
    which takes up to a fifth of the time.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))

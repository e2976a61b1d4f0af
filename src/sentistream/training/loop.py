"""The loop that follows a recipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sentistream.errors import TrainingError
from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.checkpoint import last_good, load_checkpoint, save_checkpoint
from sentistream.training.examples import Examples
from sentistream.training.identity import run_settings
from sentistream.training.leakage import refuse_leaks
from sentistream.training.losses import Loss, Right
from sentistream.training.measuring import measure
from sentistream.training.observers import Observer, Step
from sentistream.training.parts import Augment
from sentistream.training.randomness import random_states, restore_random_states
from sentistream.training.recipes import Recipe
from sentistream.training.state import Progress
from sentistream.training.trainer import Trainer

CHECKPOINT_SECONDS = 300.0


def fit(
    network: nn.Module,
    train: Examples,
    held_out: Examples,
    recipe: Recipe,
    folder: Path,
    *,
    start: Callable[[nn.Module, Examples], None] = lambda _network, _examples: None,
    augmentation: Augment | None = None,
    loss: Loss | None = None,
    right: Right | None = None,
    convert: Convert = convert_pictures,
    observer: Observer | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Progress:
    """Trains ``network`` in place; goes on where a run killed in ``folder`` stopped.

    A resumed run gives the same weights as one that was never stopped: everything random
    depends on the seed, the epoch and the state that checkpoints keep.

    Args:
        network: Gives logits, (N, 1) for two classes, (N, classes) otherwise; trained on the
            device where its weights are. Ends with the weights that the recipe chooses: of the
            best epoch, averaged, or the last.
        train, held_out: Examples of different people; the held-out ones are only measured.
        recipe: What is followed.
        folder: Where checkpoints go.
        start: What a new run does first with the network and what it learns from.
        augmentation, loss, right, convert: As in ``Part``.
        observer: Is told what happens.
        checkpoint_seconds: Time after which a checkpoint is written within an epoch, too.

    Raises:
        DataError: A person, a recording or an input stands on both sides, or no validation part
            can be drawn.
        TrainingError: The loss is no finite number.
        OutputError: A checkpoint cannot be written.
    """
    refuse_leaks(train, held_out)
    trainer = Trainer(network, train, recipe, augmentation, loss, right, convert)
    state, observer = trainer.state, observer or Observer()
    settings = run_settings(
        recipe,
        train,
        held_out,
        network,
        further_augmentation=augmentation,
        loss=loss,
        inputs=convert,
    )
    torch.manual_seed(recipe.seed)
    changed = load_checkpoint(folder, state, settings)
    if changed:
        observer.on_note(
            f"The run in {folder} had other settings ({', '.join(changed)}): it is set aside as "
            "checkpoint-earlier.safetensors, and this one begins anew."
        )
    progress = state.progress
    if not progress.step:
        whole = len(trainer.learn) == len(train)
        start(network, train if whole else train.take(trainer.learn))
    observer.on_resume(progress.step)
    while not _finished(progress, recipe):
        _run_epoch(trainer, folder, settings, observer, checkpoint_seconds)
        progress.epoch += 1
        entry = trainer.summary()
        if len(trainer.validate):
            entry |= trainer.validated()
            if entry["validation_loss"] < trainer.lowest_loss():
                state.keep_best()
        by = (loss, right) if right else None
        entry |= measure(state.measured, held_out, convert=convert, by=by)
        progress.history.append(entry)
        progress.begin_epoch()
        save_checkpoint(folder, state, settings)
        observer.on_epoch(progress.history)
    network.load_state_dict(state.final_weights())
    network.eval()
    return progress


def _run_epoch(
    trainer: Trainer,
    folder: Path,
    settings: dict[str, Any],
    observer: Observer,
    checkpoint_seconds: float,
) -> None:
    state, recipe, progress = trainer.state, trainer.recipe, trainer.state.progress
    # where an epoch is gone on with, the checkpoint's random numbers follow those of the order
    kept = random_states(state.generator)
    batches = trainer.order()
    if progress.batch:
        restore_random_states(kept, state.generator)
    saved = before = time.monotonic()
    for positions in batches[progress.batch :]:
        inputs, labels = trainer.prepare(positions)
        if progress.step == 0:
            observer.on_inputs(inputs)
        loss = trainer.step(inputs, labels)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} in epoch {progress.epoch + 1}, step "
                f"{progress.batch + 1}. {last_good(folder)}",
                "Lower the learning rate or limit the gradient (clip) in the recipe; if that "
                "does not help, look for faults in the data.",
            )
        now = time.monotonic()
        progress.seconds, before = progress.seconds + now - before, now
        if now - saved >= checkpoint_seconds and progress.batch < len(batches):
            save_checkpoint(folder, state, settings)
            saved = time.monotonic()
        observer.on_step(
            Step(
                epoch=progress.epoch + 1,
                epochs=recipe.epochs,
                step=progress.step,
                steps=recipe.epochs * trainer.steps,
                loss=loss,
                mean_loss=progress.loss_sum / progress.examples,
                accuracy=progress.correct / progress.examples,
                rate=trainer.rate(progress.step - 1),
            )
        )


def _finished(progress: Progress, recipe: Recipe) -> bool:
    patient = not recipe.patience or progress.epoch - progress.best_epoch < recipe.patience
    return progress.epoch >= recipe.epochs or not patient

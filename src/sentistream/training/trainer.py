"""The training loop: batches, steps, evaluation after each epoch, checkpoints."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentistream.errors import TrainingError
from sentistream.training.augmentation import augment_images, mixup
from sentistream.training.callbacks import Callback, Step
from sentistream.training.checkpoint import (
    Progress,
    TrainingState,
    describe_last_checkpoint,
    fingerprint,
    load_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)
from sentistream.training.examples import Examples
from sentistream.training.inference import as_tensors, device_of, evaluate
from sentistream.training.recipes import (
    Recipe,
    learning_rate_at,
    make_average,
    make_optimizer,
    set_learning_rate,
)
from sentistream.training.splits import Positions, Splits, refuse_leaks, split_validation
from sentistream.training.task import ClassificationTask, Task

CHECKPOINT_SECONDS = 300.0


class Trainer:
    """One run, step by step.

    Args:
        network: Trained in place, on the device where its weights are.
        train: Training examples.
        recipe: Hyperparameters.
        task: Augments batches and computes the loss.

    Attributes:
        state: What a checkpoint keeps.
        train_positions, validation_positions: Indices of the examples to train on, and of those
            set aside for early stopping.
        steps: Per epoch.
    """

    def __init__(self, network: nn.Module, train: Examples, recipe: Recipe, task: Task) -> None:
        self.state: TrainingState = TrainingState(
            network=network,
            optimizer=make_optimizer(network, recipe),
            average=make_average(network, recipe.average) if recipe.average else None,
            generator=torch.Generator(),
        )
        self.recipe = recipe
        self._train = train
        self._task = task
        self.train_positions: Positions = np.arange(len(train))
        self.validation_positions: Positions = self.train_positions[:0]
        if recipe.patience:
            self.train_positions, self.validation_positions = split_validation(
                train, recipe.validation, recipe.seed
            )
        # a batch of one example has no batch statistics
        batches, leftover = divmod(len(self.train_positions), recipe.batch)
        self.steps: int = batches + (leftover > 1 or not batches)

    def shuffled_batches(self) -> list[Positions]:
        """The batches of the current epoch; seeds everything that is random in it."""
        epoch, generator = self.state.progress.epoch, self.state.generator
        generator.manual_seed(self.recipe.seed * 10_007 + epoch)
        torch.manual_seed(self.recipe.seed * 20_011 + epoch)
        shuffled = torch.randperm(len(self.train_positions), generator=generator).numpy()
        order, size = self.train_positions[shuffled], self.recipe.batch
        return [order[at * size : (at + 1) * size] for at in range(self.steps)]

    def load_batch(self, positions: Positions) -> tuple[list[Tensor], Tensor]:
        """Augmented inputs and labels of a batch."""
        generator = self.state.generator
        device = device_of(self.state.network)
        inputs, labels = as_tensors(self._train.take(positions), self._task.convert, device)
        if self.recipe.augmentation is not None:
            inputs = [
                augment_images(images, self.recipe.augmentation, generator) for images in inputs
            ]
        return self._task.augment(inputs, labels, generator)

    def step(self, inputs: list[Tensor], labels: Tensor) -> float:
        """One optimizer step; returns its loss, and stops before the update if not finite."""
        state, recipe, progress = self.state, self.recipe, self.state.progress
        state.network.train()
        set_learning_rate(state.optimizer, self.learning_rate(progress.step))
        state.optimizer.zero_grad(set_to_none=True)
        if recipe.mixup:
            inputs, partners, share = mixup(inputs, recipe.mixup, state.generator)
            outputs = state.network(*inputs)
            value = share * self._loss(outputs, labels)
            value = value + (1 - share) * self._loss(outputs, labels[partners])
        else:
            outputs = state.network(*inputs)
            value = self._loss(outputs, labels)
        loss = float(value.detach())
        if not math.isfinite(loss):
            return loss
        torch.autograd.backward(value)
        if recipe.clip:
            nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
        state.optimizer.step()
        if state.average is not None:
            state.average.update_parameters(state.network)
        progress.step += 1
        progress.batch += 1
        progress.examples += len(labels)
        progress.loss_sum += loss * len(labels)
        progress.correct += int(self._task.correct(outputs, labels).sum())
        return loss

    def _loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return self._task.loss(outputs, labels, self.recipe.label_smoothing)

    def learning_rate(self, step: int) -> float:
        """The learning rate after ``step`` steps."""
        return learning_rate_at(self.recipe, step, self.steps * self.recipe.epochs)

    def validate(self) -> dict[str, float]:
        """``validation_loss`` and ``validation_accuracy``; keeps the weights if they are best."""
        lowest = min(
            (entry["validation_loss"] for entry in self.state.progress.history), default=math.inf
        )
        figures = evaluate(
            self.state.evaluated,
            self._train,
            self._task,
            split="validation",
            positions=self.validation_positions,
        )
        if figures["validation_loss"] < lowest:
            self.state.keep_best()
        return figures

    def epoch_summary(self) -> dict[str, float]:
        """The finished epoch's entry in the history, without its evaluation."""
        progress = self.state.progress
        return {
            "epoch": progress.epoch,
            "step": progress.step,
            "rate": self.learning_rate(progress.step - 1),
            "seconds": round(progress.seconds, 3),
            "train_loss": progress.loss_sum / progress.examples,
            "train_accuracy": progress.correct / progress.examples,
        }


def fit(
    network: nn.Module,
    train: Examples,
    held_out: Examples,
    recipe: Recipe,
    folder: Path,
    *,
    task: Task | None = None,
    callback: Callback | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Progress:
    """Trains ``network`` in place, or resumes a run that was stopped in ``folder``.

    A resumed run ends with the same weights as one never stopped: all randomness depends on the
    seed, the epoch, and the state in checkpoints.

    Args:
        network: Trained on the device where its weights are. Ends with the weights that the
            recipe asks for: of the best epoch, averaged, or the last ones.
        train, held_out: Examples of different people; held-out ones are only evaluated.
        recipe: Hyperparameters.
        folder: For checkpoints.
        task: Augmentation, loss and evaluation; classification of images by default.
        callback: Called during the run.
        checkpoint_seconds: Time between checkpoints within an epoch.

    Raises:
        DataError: A person, a recording or an input is in both splits, or no validation split
            can be drawn.
        TrainingError: Loss or weights are not finite.
        OutputError: A checkpoint cannot be written.
    """
    refuse_leaks(train, held_out)
    task, callback = task or ClassificationTask(), callback or Callback()
    trainer = Trainer(network, train, recipe, task)
    state = trainer.state
    settings = fingerprint(task, recipe, train, held_out, network)
    torch.manual_seed(recipe.seed)
    changed = load_checkpoint(folder, state, settings)
    if changed:
        callback.on_note(
            f"The run in {folder} had other settings ({', '.join(changed)}): it is kept as "
            "checkpoint-earlier.safetensors, and a new run starts."
        )
    progress = state.progress
    if not progress.step:
        all_train = len(trainer.train_positions) == len(train)
        task.initialize(network, train if all_train else train.take(trainer.train_positions))
    callback.on_resume(progress.step)
    while not _finished(progress, recipe):
        _run_epoch(trainer, folder, settings, callback, checkpoint_seconds)
        progress.epoch += 1
        entry = trainer.epoch_summary()
        if len(trainer.validation_positions):
            entry |= trainer.validate()
        entry |= evaluate(state.evaluated, held_out, task)
        progress.history.append(entry)
        progress.begin_epoch()
        save_checkpoint(folder, state, settings)
        callback.on_epoch(progress.history)
    network.load_state_dict(state.final_weights())
    network.eval()
    return progress


def train_network(task: Task, splits: Splits, folder: Path, runs: Path) -> nn.Module:
    """Builds a task's network and trains it by the task's recipe.

    Args:
        task: The network's.
        splits: Its examples.
        folder: For checkpoints; a run stopped there is resumed.
        runs: Folder of finished runs, as ``Task.build`` takes it.

    Raises:
        DataError, TrainingError, OutputError: As ``fit``.
    """
    torch.manual_seed(task.recipe.seed)
    network = task.build(runs)
    fit(network, splits.train, splits.held_out, task.recipe, folder, task=task)
    return network


def _run_epoch(
    trainer: Trainer,
    folder: Path,
    settings: dict[str, Any],
    callback: Callback,
    checkpoint_seconds: float,
) -> None:
    state, recipe, progress = trainer.state, trainer.recipe, trainer.state.progress
    # within an epoch, a checkpoint's random states are later than those of the shuffling
    kept = random_states(state.generator)
    batches = trainer.shuffled_batches()
    if progress.batch:
        restore_random_states(kept, state.generator)
    saved = before = time.monotonic()
    for positions in batches[progress.batch :]:
        inputs, labels = trainer.load_batch(positions)
        if progress.step == 0:
            callback.on_inputs(inputs)
        loss = trainer.step(inputs, labels)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} in epoch {progress.epoch + 1}, step "
                f"{progress.batch + 1}. {describe_last_checkpoint(folder)}",
                "Lower the learning rate or limit the gradient (clip) in the recipe; if that "
                "does not help, look for faults in the data.",
            )
        now = time.monotonic()
        progress.seconds, before = progress.seconds + now - before, now
        if now - saved >= checkpoint_seconds and progress.batch < len(batches):
            save_checkpoint(folder, state, settings)
            saved = time.monotonic()
        callback.on_step(
            Step(
                epoch=progress.epoch + 1,
                epochs=recipe.epochs,
                step=progress.step,
                steps=recipe.epochs * trainer.steps,
                loss=loss,
                mean_loss=progress.loss_sum / progress.examples,
                accuracy=progress.correct / progress.examples,
                learning_rate=trainer.learning_rate(progress.step - 1),
            )
        )


def _finished(progress: Progress, recipe: Recipe) -> bool:
    if progress.epoch >= recipe.epochs:
        return True
    return bool(recipe.patience) and progress.epoch - progress.best_epoch >= recipe.patience

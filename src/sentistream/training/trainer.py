"""A network, what it learns from, and the step that is done again and again."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.augment import augment
from sentistream.training.examples import Examples
from sentistream.training.inputs import as_tensors
from sentistream.training.losses import Loss, Right, cross_entropy, mixing, right_class
from sentistream.training.measuring import device_of, measure
from sentistream.training.optimizing import make_average, make_optimizer, rate_at, set_rate
from sentistream.training.parts import Augment
from sentistream.training.recipes import Recipe
from sentistream.training.state import State
from sentistream.training.validation import Positions, draw_validation


class Trainer:
    """One run, step by step.

    Args:
        network: Gives logits; trained in place, where its weights are.
        train: What it learns from.
        recipe: What is followed.
        augmentation, loss, right, convert: As in ``Part``.

    Attributes:
        state: The run as it is.
        learn, validate: Positions of the training examples to learn from and to validate on.
        steps: Of an epoch.
    """

    def __init__(
        self,
        network: nn.Module,
        train: Examples,
        recipe: Recipe,
        augmentation: Augment | None = None,
        loss: Loss | None = None,
        right: Right | None = None,
        convert: Convert = convert_pictures,
    ) -> None:
        self.state: State = State(
            network=network,
            optimizer=make_optimizer(network, recipe),
            average=make_average(network, recipe.average) if recipe.average else None,
            generator=torch.Generator(),
        )
        self.recipe = recipe
        self._train = train
        self._augmentation = augmentation
        self._loss = loss or (
            lambda logits, labels: cross_entropy(logits, labels, recipe.label_smoothing)
        )
        self._measured_by = (loss, right) if right else None
        self._right = right or right_class
        self._convert = convert
        self.learn: Positions = np.arange(len(train))
        self.validate: Positions = self.learn[:0]
        if recipe.patience:
            self.learn, self.validate = draw_validation(train, recipe.validation, recipe.seed)
        # one leftover example has no batch statistics
        batches, leftover = divmod(len(self.learn), recipe.batch)
        self.steps: int = batches + (leftover > 1 or not batches)

    def order(self) -> list[Positions]:
        """The batches of the epoch under way; seeds everything that is random in it."""
        epoch, generator = self.state.progress.epoch, self.state.generator
        generator.manual_seed(self.recipe.seed * 10_007 + epoch)
        torch.manual_seed(self.recipe.seed * 20_011 + epoch)
        order = self.learn[torch.randperm(len(self.learn), generator=generator).numpy()]
        size = self.recipe.batch
        return [order[at * size : (at + 1) * size] for at in range(self.steps)]

    def prepare(self, positions: Positions) -> tuple[list[Tensor], Tensor]:
        """Inputs and labels of a batch, augmented."""
        recipe, generator = self.recipe, self.state.generator
        device = device_of(self.state.network)
        inputs, labels = as_tensors(self._train.take(positions), self._convert, device)
        if recipe.augmentation is not None:
            inputs = [augment(values, recipe.augmentation, generator) for values in inputs]
        if self._augmentation is not None:
            inputs, labels = self._augmentation(inputs, labels, generator)
        return inputs, labels

    def step(self, inputs: list[Tensor], labels: Tensor) -> float:
        """One step of the optimiser; returns its loss, which may be no finite number."""
        state, recipe, progress = self.state, self.recipe, self.state.progress
        state.network.train()
        set_rate(state.optimizer, self.rate(progress.step))
        state.optimizer.zero_grad(set_to_none=True)
        if recipe.mixup:
            inputs, partners, share = mixing(inputs, recipe.mixup, state.generator)
            logits = state.network(*inputs)
            value = share * self._loss(logits, labels)
            value = value + (1 - share) * self._loss(logits, labels[partners])
        else:
            logits = state.network(*inputs)
            value = self._loss(logits, labels)
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
        progress.correct += int(self._right(logits, labels).sum())
        return loss

    def rate(self, step: int) -> float:
        """The learning rate after so many steps."""
        return rate_at(self.recipe, step, self.steps * self.recipe.epochs)

    def validated(self) -> dict[str, float]:
        """``validation_loss`` and ``validation_accuracy`` of the network as it is measured."""
        return measure(
            self.state.measured,
            self._train,
            side="validation",
            convert=self._convert,
            positions=self.validate,
            by=self._measured_by,
        )

    def lowest_loss(self) -> float:
        """Of the epochs in the history, on the validation part; infinite where there is none."""
        return min(
            (entry["validation_loss"] for entry in self.state.progress.history), default=math.inf
        )

    def summary(self) -> dict[str, float]:
        """The finished epoch's line of the history, as far as training itself goes."""
        progress = self.state.progress
        return {
            "epoch": progress.epoch,
            "step": progress.step,
            "rate": self.rate(progress.step - 1),
            "seconds": round(progress.seconds, 3),
            "train_loss": progress.loss_sum / progress.examples,
            "train_accuracy": progress.correct / progress.examples,
        }

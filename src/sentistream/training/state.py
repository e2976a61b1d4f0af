"""Everything that a training run is made of while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

Weights = dict[str, Tensor]


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Finished passes.
        step: Finished optimiser steps, of all passes.
        batch: Finished steps of the pass that is under way.
        examples: Examples of it that were seen.
        loss_sum: Their losses added up.
        correct: How many of them were answered correctly.
        seconds: What it took so far.
        best_epoch: The epoch of the lowest validation loss; 0 where none was measured.
        history: One entry an epoch: losses and accuracies, learning rate, seconds.
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    examples: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def begin_epoch(self) -> None:
        """Forget the sums of the pass before."""
        self.batch = self.examples = self.correct = 0
        self.loss_sum = self.seconds = 0.0


@dataclass(slots=True)
class State:
    """A run as it is: what a checkpoint keeps.

    Attributes:
        network: As the optimiser moves it.
        optimizer: With its moments.
        average: The moving average of the weights, if the recipe has one.
        generator: Gives order, augmentation and mixing.
        best: The best epoch's weights; empty before there is one.
        progress: How far it has come.
    """

    network: nn.Module
    optimizer: Optimizer
    average: AveragedModel | None
    generator: torch.Generator
    best: Weights = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def measured(self) -> nn.Module:
        """The network that is measured: the averaged one, where there is one."""
        if self.average is None:
            return self.network
        module: nn.Module = self.average.module
        return module

    def keep_best(self) -> None:
        """Remember the weights that are measured now."""
        self.best = {name: value.clone() for name, value in self.measured.state_dict().items()}
        self.progress.best_epoch = self.progress.epoch

    def final_weights(self) -> Weights:
        """What the run gives: the best epoch's weights, or those measured last."""
        weights: Weights = self.best or self.measured.state_dict()
        return weights

"""Recipes: the hyperparameters of a training run, and the optimizer and schedule they describe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Random changes to training images; beyond its edge an image repeats the edge.

    Attributes:
        rotation: Largest rotation, degrees, either way.
        shift: Largest shift, share of width and of height, either way.
        shear: Largest shear, radians of the angle, either way.
        zoom: Largest zoom in or out, share, per axis.
        flip: Whether to mirror half of the images.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    flip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run.

    Attributes:
        optimizer: ``adam``, ``adamw`` (decoupled weight decay) or ``sgd``.
        learning_rate: At the start, or at the end of the warm-up.
        momentum: Of ``sgd``, 0 to below 1.
        weight_decay: Of ``adamw`` and ``sgd``; never applied to biases and normalization.
        schedule: ``keras_decay`` or ``cosine`` (half a wave down to zero over all epochs).
        decay: For ``keras_decay``: the rate after ``n`` steps is
            ``learning_rate / (1 + decay * n)`` (Keras 2.3).
        warm_up: Share of all steps over which ``cosine`` first rises from zero, 0 to below 1.
        batch: Examples per step.
        epochs: Passes over the training examples, at most.
        label_smoothing: Share of each label spread evenly over all classes, 0 to below 1.
        mixup: Alpha of the beta distribution that mixes pairs of examples (Zhang et al. 2018);
            0 for no mixup.
        average: Decay of the moving average of the weights, 0 to below 1. Unless it is 0, the
            averaged weights are evaluated and published.
        clip: Largest norm of the gradient; 0 for no clipping.
        patience: Early stopping: training stops after this many epochs without a lower
            validation loss and keeps the best epoch's weights; 0 for no early stopping.
        validation: Share of the training examples set aside for early stopping; unused
            without patience.
        augmentation: Of images; None for no augmentation.
        seed: Of weights, order, augmentation and the validation split.

    Raises:
        ValueError: A setting is out of range, or has no effect with the others.
    """

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = 0.001
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["keras_decay", "cosine"] = "keras_decay"
    decay: float = 0.00002
    warm_up: float = 0.0
    batch: int = 32
    epochs: int = 50
    label_smoothing: float = 0.0
    mixup: float = 0.0
    average: float = 0.0
    clip: float = 0.0
    patience: int = 0
    validation: float = 0.1
    augmentation: Augmentation | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("momentum", "warm_up", "label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is 0 to below 1, not {getattr(self, name)}.")
        for name in ("weight_decay", "decay", "mixup", "clip", "patience", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is 0 or more, not {getattr(self, name)}.")
        for name in ("learning_rate", "batch", "epochs"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is more than 0, not {getattr(self, name)}.")
        if not 0 < self.validation < 1:
            raise ValueError(f"validation is between 0 and 1, not {self.validation}.")
        if self.momentum and self.optimizer != "sgd":
            raise ValueError(f"momentum is for sgd, not for {self.optimizer}.")
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError("weight_decay is for adamw and sgd, not for adam.")
        if self.warm_up and self.schedule != "cosine":
            raise ValueError(f"warm_up is for cosine, not for {self.schedule}.")


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over all weights of ``network``."""
    groups = _parameter_groups(network, recipe.weight_decay)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=0.0)
    # epsilon is Keras's, with which the paper was made
    return torch.optim.Adam(groups, lr=recipe.learning_rate, eps=1e-7)


def learning_rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of one step.

    Args:
        recipe: Has the schedule.
        step: Steps done before it.
        steps: Steps of the whole run.
    """
    if recipe.schedule == "keras_decay":
        return recipe.learning_rate / (1 + recipe.decay * step)
    warm_up = round(recipe.warm_up * steps)
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / warm_up
    share = (step - warm_up) / max(steps - warm_up, 1)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and batch statistics.

    The decay starts low, ``(1 + n) / (10 + n)`` after ``n`` steps, so that the average forgets
    the first steps, and rises to ``decay``.
    """

    def update(average: Any, current: Any, count: Tensor | int) -> None:
        number = int(count)
        now = min(decay, (1 + number) / (10 + number))
        for mean, value in zip(average, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - now)
            else:
                mean.copy_(value)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    if not weight_decay:
        return [{"params": list(network.parameters())}]
    weights = list(network.parameters())
    return [
        {"params": [value for value in weights if value.ndim > 1], "weight_decay": weight_decay},
        {"params": [value for value in weights if value.ndim <= 1], "weight_decay": 0.0},
    ]

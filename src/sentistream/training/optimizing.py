"""Optimisers, learning rates and the moving average of the weights, by recipe."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from sentistream.training.recipes import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all weights of ``network``."""
    groups = _groups(network, recipe.weight_decay)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=0.0)
    # epsilon is Keras's, with which the paper was made
    return torch.optim.Adam(groups, lr=recipe.learning_rate, eps=1e-7)


def rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        recipe: With the schedule.
        step: Finished steps of the run, from 0.
        steps: Of the whole run.
    """
    if recipe.schedule == "keras_decay":
        return recipe.learning_rate / (1 + recipe.decay * step)
    rising = round(recipe.warm_up * steps)
    if step < rising:
        return recipe.learning_rate * (step + 1) / rising
    share = (step - rising) / max(steps - rising, 1)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and batch statistics.

    It is short at the start, ``(1 + n) / (10 + n)`` after ``n`` steps, so that the weights of
    the first steps are forgotten, and reaches ``decay`` later.
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


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    if not weight_decay:
        return [{"params": list(network.parameters())}]
    weights = list(network.parameters())
    return [
        {"params": [value for value in weights if value.ndim > 1], "weight_decay": weight_decay},
        {"params": [value for value in weights if value.ndim <= 1], "weight_decay": 0.0},
    ]

"""One network of a profile as training knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.card_figures import card_figures
from sentistream.training.examples import Examples
from sentistream.training.leakage import refuse_leaks
from sentistream.training.losses import Loss, Right
from sentistream.types import FloatArray

OnPrepare = Callable[[str], None]
"""Called often with a word on what is being prepared."""

OnProblem = Callable[[str], None]
"""Told of each file or image that cannot be read and is left out."""

Augment = Callable[[list[Tensor], Tensor, torch.Generator], tuple[list[Tensor], Tensor]]
"""Changes a batch's float inputs and labels at random, all of it drawn from the generator (or
PyTorch's own), so that a resumed run draws the same."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Examples to learn from and examples of other people to be measured on.

    Raises:
        DataError: A person, a recording or an input stands on both sides.
    """

    train: Examples
    held_out: Examples

    def __post_init__(self) -> None:
        refuse_leaks(self.train, self.held_out)


@dataclass(frozen=True, slots=True)
class Part:
    """One of a profile's networks.

    Attributes:
        examples: What it learns from, given the folder with the data sets, the one where
            prepared examples are kept, and whom to tell.
        build: A network with starting weights, given the folder of the finished runs. Gives
            logits, (N, 1) for two classes, (N, classes) otherwise.
        start: What a new run does first with the network and its training examples.
        augmentation: Done to each training batch, after the recipe's own.
        loss: Instead of cross entropy, for training only (also for measuring where ``right`` is
            given); knows of no label smoothing.
        right: Which answers count as right, where they are no classes.
        convert: From prepared inputs to the network's arguments.
        outputs: Meaning of each output; None for the sentiments.
        finish: What is published of the trained network.
        as_values: Whether that gives its outputs as they are to be, not logits.
        figures: What its card says of its answers on held-out examples.
        classes: The published class of each label learned from, -1 for none; None where they
            are the same.
        statistics: Whether batch normalisation's statistics are measured anew at the end.
        halfway: Whether the mean of starting and final weights is taken (WiSE-FT, Wortsman et
            al. 2022): what a network knew before it went on learning is not forgotten. Its
            statistics are measured anew.
        int8_from: The input whose convolutions are also published in 8 bits.
        any_size: Where not 0, inputs may have any height and width that are multiples of it.
        shipped: Whether ``all`` trains it.
    """

    examples: Callable[[Path, Path, OnPrepare, OnProblem], Sides]
    build: Callable[[Path], nn.Module]
    start: Callable[[nn.Module, Examples], None] = lambda _network, _examples: None
    augmentation: Augment | None = None
    loss: Loss | None = None
    right: Right | None = None
    convert: Convert = convert_pictures
    outputs: tuple[str, ...] | None = None
    finish: Callable[[nn.Module], nn.Module] = lambda network: network
    as_values: bool = False
    figures: Callable[[FloatArray, Examples], list[dict[str, Any]]] = card_figures
    classes: tuple[int, ...] | None = None
    statistics: bool = True
    halfway: bool = False
    int8_from: str | None = None
    any_size: int = 0
    shipped: bool = True

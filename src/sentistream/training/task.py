"""Tasks: everything specific to training one network, and cross entropy, the usual loss.

A task says where the network's examples come from, how it is built, how a batch is augmented,
what its loss is, and how it is published. One module for each kind of network has the tasks of
both profiles: ``mouth_task``, ``face_task``, ``voice_task``, ``fusion_task``, ``detector_task``
and ``landmark_task``; ``training_profiles`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.networks.export import convert_pictures
from sentistream.training.examples import Examples
from sentistream.training.model_cards import CardText, card_figures
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.types import SENTIMENTS, FloatArray

_SMALLEST_PROBABILITY = 1e-7


class Task:
    """How one network is trained and published.

    Attributes:
        profile, name: Of the network; its run is in ``OUT/name``, its file ``name.onnx``.
        revision: Raised when augmentation or loss change, so that no run resumes from a
            checkpoint of the earlier ones.
        recipe: Hyperparameters.
        card_text: The written part of its model card; None if nothing was written.
        outputs: Meaning of each output.
        raw_outputs: Whether ``exported`` gives final values rather than logits.
        published_classes: The published class of each class learned, -1 for none; None where
            they are the same.
        int8_input: The input whose convolutions are also published in 8 bits.
        size_multiple: Unless 0, the published network takes inputs of any height and width that
            are multiples of it.
        counted_size: Width and height of the inputs for which its multiply-adds are counted;
            0 for those of its examples.
        updates_batch_norm: Whether batch-norm statistics are computed again after training.
        shipped: Whether ``sentistream train all`` includes it.
    """

    profile: str = ""
    name: str = ""
    revision: int = 1
    recipe: Recipe = Recipe()
    card_text: CardText | None = None
    outputs: tuple[str, ...] = SENTIMENTS
    raw_outputs: bool = False
    published_classes: tuple[int, ...] | None = None
    int8_input: str | None = None
    size_multiple: int = 0
    counted_size: int = 0
    updates_batch_norm: bool = False
    shipped: bool = True

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        """The examples.

        Args:
            preparation: Reads and caches data.
            runs: Folder of finished runs, for tasks that need other networks.

        Raises:
            DataError: Data is missing, or would leak between the splits.
        """
        raise NotImplementedError

    def build(self, runs: Path) -> nn.Module:
        """The network with its starting weights.

        Args:
            runs: Folder of finished runs, for networks that start from others.

        Raises:
            DataError: A run it starts from is missing.
        """
        raise NotImplementedError

    def initialize(self, network: nn.Module, examples: Examples) -> None:
        """Fits parts of a new network to its training examples before the first step."""

    def convert(self, stored: Mapping[str, Tensor]) -> list[Tensor]:
        """Prepared inputs, by name, as the network's arguments; part of the ONNX file, too."""
        return convert_pictures(stored)

    def as_shown(self, train: Examples) -> Mapping[str, NDArray[Any]]:
        """Training examples without augmentation as the ONNX file takes them, by input name."""
        return train.inputs

    def same_answers(self, one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
        """Whether two networks, each (N, outputs), give the same answers, (N,)."""
        same: NDArray[np.bool_] = one.argmax(axis=1) == other.argmax(axis=1)
        return same

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        """Changes a training batch at random, after the recipe's own augmentation.

        All randomness comes from ``generator`` or PyTorch's own generator, so that a resumed run
        draws the same.
        """
        return inputs, labels

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """The training loss, a scalar.

        Args:
            outputs: Shape (N, ...).
            labels: As ``augment`` returns them.
            label_smoothing: Of the recipe; losses other than cross entropy ignore it.
        """
        raise NotImplementedError

    def evaluation_loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss on validation and held-out examples, a scalar."""
        return self.loss(outputs, labels)

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Which outputs count as correct in the accuracy, bool, shape (N,)."""
        raise NotImplementedError

    def exported(self, network: nn.Module) -> nn.Module:
        """The trained network as it is published."""
        return network

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        """The figures of the model card.

        Args:
            answers: Of the published network, shape (N, outputs).
            held_out: The N examples, with published classes as labels.
        """
        return card_figures(answers, held_out)


class ClassificationTask(Task):
    """A network that gives logits, (N, 1) for two classes or (N, classes), by cross entropy."""

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return cross_entropy(outputs, labels, label_smoothing)

    def evaluation_loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return bounded_cross_entropy(outputs, labels)

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return predicted_classes(outputs) == class_numbers(labels)


class PaperTask(ClassificationTask):
    """A network of the profile ``paper``."""

    profile = "paper"
    updates_batch_norm = True


LITE_RECIPE = Recipe(
    optimizer="adamw",
    learning_rate=0.0025,
    weight_decay=0.05,
    schedule="cosine",
    warm_up=0.04,
    batch=96,
    epochs=36,
    label_smoothing=0.1,
    average=0.999,
)
"""What the recipes of the ``lite`` networks have in common."""


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Equation 3 of the paper, or its two-class form for a single logit.

    Args:
        logits: Shape (N, classes), or (N, 1) for two classes.
        labels: Class numbers, shape (N,); or float shares of the classes, shape (N, classes),
            or of the second of two classes, shape (N,).
        label_smoothing: Share of each label spread evenly over all classes, 0 to below 1.
    """
    if logits.shape[1] == 1:
        targets = labels.float()
        if label_smoothing:
            targets = targets * (1 - label_smoothing) + label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits[:, 0], targets)
    return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)


def bounded_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """``cross_entropy`` with probabilities of at least 1e-7, so that no example dominates it."""
    if logits.shape[1] == 1:
        return cross_entropy(logits.sigmoid().logit(_SMALLEST_PROBABILITY), labels)
    return cross_entropy(logits.softmax(dim=1).clamp_min(_SMALLEST_PROBABILITY).log(), labels)


def predicted_classes(logits: Tensor) -> Tensor:
    """Class numbers, shape (N,)."""
    return (logits[:, 0] >= 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)


def class_numbers(labels: Tensor) -> Tensor:
    """Labels as class numbers, shape (N,); of shares, the largest."""
    if not labels.is_floating_point():
        return labels
    return (labels >= 0.5).long() if labels.ndim == 1 else labels.argmax(dim=1)

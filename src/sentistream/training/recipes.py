"""How each network is trained: the paper's settings (section 3.2), nothing hidden in code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Random changes to training pictures; what comes in from outside repeats the edge.

    Attributes:
        rotation: Largest turn, degrees, either way.
        shift: Largest shift, share of width and of height, either way.
        shear: Largest shear, radians of the angle, either way.
        zoom: Largest zoom in or out, share, per axis.
        flip: Whether to mirror half of the pictures.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    flip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    Attributes:
        optimizer: ``adam`` or ``sgd`` (without momentum).
        learning_rate: At the start.
        decay: The rate after ``n`` steps is ``learning_rate / (1 + decay * n)`` (Keras 2.3).
        batch: Examples a step.
        epochs: Passes over the training examples.
        augmentation: None for none.
        seed: Of weights, order and augmentation.
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 0.001
    decay: float = 0.00002
    batch: int = 32
    epochs: int = 50
    augmentation: Augmentation | None = None
    seed: int = 1


PAPER_RECIPES = {
    "mouth": Recipe(augmentation=Augmentation(rotation=30)),
    "visual": Recipe(
        augmentation=Augmentation(rotation=25, shift=0.1, shear=0.2, zoom=0.2, flip=True)
    ),
    "visual-plain": Recipe(),
    "audio": Recipe(),
    "fused": Recipe(optimizer="sgd", learning_rate=0.01, decay=0.0),
}
"""By network; ``visual-plain`` is the variant without augmentation."""

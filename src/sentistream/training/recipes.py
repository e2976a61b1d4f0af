"""How networks are trained, nothing hidden in code; the paper's settings (section 3.2)."""

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
        optimizer: ``adam``, ``adamw`` (weight decay apart from the gradient) or ``sgd``.
        learning_rate: At the start; with warm-up, at its end.
        momentum: Of ``sgd``, 0 to below 1.
        weight_decay: Of ``adamw`` and ``sgd``; biases and normalisation are left out of it.
        schedule: ``keras_decay`` or ``cosine`` (half a wave down to zero over all epochs).
        decay: For ``keras_decay``: the rate after ``n`` steps is
            ``learning_rate / (1 + decay * n)`` (Keras 2.3).
        warm_up: Share of all steps in which ``cosine`` first rises from zero, 0 to below 1.
        batch: Examples a step.
        epochs: Passes over the training examples, at most.
        label_smoothing: Share of each label given to all classes alike, 0 to below 1.
        mixup: Alpha of the beta distribution by which pairs of examples are mixed
            (Zhang et al. 2018); 0 for none.
        average: Decay of the moving average of the weights, 0 to below 1. Where it is not 0,
            the averaged weights are what is measured and published.
        clip: Largest norm of the gradient; 0 for no limit.
        patience: Epochs without a lower validation loss after which training stops and the
            best epoch's weights are kept; 0 for never.
        validation: Share of the training examples on which that is judged; only drawn where
            there is patience.
        augmentation: Of pictures; None for none.
        seed: Of weights, order, augmentation and the validation part.

    Raises:
        ValueError: A setting is out of its range, or has no effect beside the others.
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

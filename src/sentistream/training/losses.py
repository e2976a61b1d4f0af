"""What training makes small."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]
"""A scalar of logits (N, outputs) and labels: class numbers (N,), or shares as float."""


Right = Callable[[Tensor, Tensor], Tensor]
"""Which answers are right, (N,), of outputs (N, outputs) and labels."""


def right_class(logits: Tensor, labels: Tensor) -> Tensor:
    """Those whose most probable class is the label's largest."""
    return predicted(logits) == class_numbers(labels)


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Equation 3, or its two-class form for a single logit.

    Args:
        logits: Shape (N, classes), or (N, 1) for two.
        labels: Class numbers, shape (N,); or float: shares of the classes, shape (N, classes),
            or of the second of two, shape (N,).
        smoothing: Share of each label given to all classes alike, 0 to below 1.
    """
    if logits.shape[1] == 1:
        targets = labels.float()
        if smoothing:
            targets = targets * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits[:, 0], targets)
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def predicted(logits: Tensor) -> Tensor:
    """Class numbers, shape (N,)."""
    return (logits[:, 0] >= 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)


def class_numbers(labels: Tensor) -> Tensor:
    """Labels as class numbers, shape (N,): of shares, the largest."""
    if not labels.is_floating_point():
        return labels
    return (labels >= 0.5).long() if labels.ndim == 1 else labels.argmax(dim=1)


def mixing(
    inputs: list[Tensor], alpha: float, generator: torch.Generator
) -> tuple[list[Tensor], Tensor, float]:
    """Each example mixed with another of its batch (mixup, Zhang et al. 2018).

    The share is drawn from PyTorch's own generator, the partners from ``generator``.

    Returns:
        The mixed inputs; which example each was mixed with, shape (N,); the share, 0.5 to 1,
        that each kept of itself.
    """
    drawn = float(torch.distributions.Beta(alpha, alpha).sample())
    share = max(drawn, 1 - drawn)
    partners = torch.randperm(len(inputs[0]), generator=generator).to(inputs[0].device)
    mixed = [values * share + values[partners] * (1 - share) for values in inputs]
    return mixed, partners, share

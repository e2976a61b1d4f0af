"""What a network answers, and how good that is, during and after training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.examples import Examples
from sentistream.training.inputs import as_tensors
from sentistream.training.losses import cross_entropy, predicted
from sentistream.types import FloatArray


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(network.parameters()).device


def probabilities(
    network: nn.Module,
    examples: Examples,
    batch: int = 64,
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
) -> FloatArray:
    """The network's answers in evaluation mode, shape (N, outputs).

    Args:
        network: Left in evaluation mode.
        examples: What it is asked about.
        batch: Examples at once.
        convert: From prepared inputs to the network's.
        positions: Which of the examples; all by default.
    """
    network.eval()
    device = device_of(network)
    chosen = np.arange(len(examples)) if positions is None else positions
    answers = []
    with torch.inference_mode():
        for some in _batches(chosen, batch):
            logits = network(*as_tensors(examples.take(some), convert, device)[0])
            answers.append(
                (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)).cpu().numpy()
            )
    return np.concatenate(answers)


def measure(
    network: nn.Module,
    examples: Examples,
    *,
    side: str = "held_out",
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
) -> dict[str, float]:
    """Loss (cross entropy) and accuracy, as ``SIDE_loss`` and ``SIDE_accuracy``."""
    answers = torch.from_numpy(
        probabilities(network, examples, convert=convert, positions=positions)
    )
    labels = torch.from_numpy(examples.labels if positions is None else examples.labels[positions])
    logits = answers.logit(1e-7) if answers.shape[1] == 1 else answers.clamp_min(1e-7).log()
    return {
        f"{side}_loss": float(cross_entropy(logits, labels)),
        f"{side}_accuracy": float((predicted(logits) == labels).float().mean()),
    }


def _batches(positions: NDArray[np.integer], batch: int) -> Iterator[NDArray[np.integer]]:
    for start in range(0, len(positions), batch):
        yield positions[start : start + batch]

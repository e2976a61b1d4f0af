"""What a network answers, and how good that is, during and after training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.examples import Examples
from sentistream.training.inputs import as_tensors
from sentistream.training.losses import Loss, Right, cross_entropy, predicted
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
    logits = _outputs(network, examples, batch, convert, positions)
    answers: FloatArray = (
        logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
    ).numpy()
    return answers


def values(
    network: nn.Module,
    examples: Examples,
    batch: int = 64,
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
) -> FloatArray:
    """The network's outputs as they are, shape (N, outputs); see ``probabilities``."""
    answers: FloatArray = _outputs(network, examples, batch, convert, positions).numpy()
    return answers


def _outputs(
    network: nn.Module,
    examples: Examples,
    batch: int,
    convert: Convert,
    positions: NDArray[np.integer] | None,
) -> Tensor:
    network.eval()
    device = device_of(network)
    chosen = np.arange(len(examples)) if positions is None else positions
    with torch.inference_mode():
        answers = [
            network(*as_tensors(examples.take(some), convert, device)[0]).cpu()
            for some in _batches(chosen, batch)
        ]
    return torch.cat(answers)


def measure(
    network: nn.Module,
    examples: Examples,
    *,
    side: str = "held_out",
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
    by: tuple[Loss | None, Right] | None = None,
) -> dict[str, float]:
    """Loss (cross entropy) and accuracy, as ``SIDE_loss`` and ``SIDE_accuracy``.

    Args:
        network, examples, convert, positions: As for ``probabilities``.
        side: Whose figures these are.
        by: The loss, and which answers are right, where they are no classes.
    """
    if by is not None:
        outputs = _outputs(network, examples, 64, convert, positions)
        targets = torch.from_numpy(examples.labels)
        targets = targets if positions is None else targets[positions]
        loss, right = by
        return {
            f"{side}_loss": float((loss or cross_entropy)(outputs, targets)),
            f"{side}_accuracy": float(right(outputs, targets).float().mean()),
        }
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

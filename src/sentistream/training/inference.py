"""A PyTorch network's outputs for examples, how good they are, and batch-norm statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.examples import Examples
from sentistream.training.task import ClassificationTask, Task
from sentistream.types import FloatArray

_BATCH = 64


class TorchRunnable:
    """A PyTorch network with the interface of an exported one.

    Args:
        network: Trained; left in evaluation mode.
        task: The network's.
    """

    def __init__(self, network: nn.Module, task: Task) -> None:
        self._network, self._task = task.exported(network).eval(), task

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """Probabilities, shape (N, outputs); the outputs as they are where the task says so."""
        tensors = {name: torch.tensor(values) for name, values in inputs.items()}
        with torch.inference_mode():
            answers: Tensor = self._network(*self._task.convert(tensors))
        if not self._task.raw_outputs:
            answers = answers.sigmoid() if answers.shape[1] == 1 else answers.softmax(dim=1)
        return np.asarray(answers.numpy(), dtype=np.float32)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(network.parameters()).device


def as_tensors(
    examples: Examples,
    convert: Convert = convert_pictures,
    device: torch.device | str = "cpu",
) -> tuple[list[Tensor], Tensor]:
    """Network inputs and labels, on ``device``."""
    stored = {name: torch.from_numpy(values).to(device) for name, values in examples.inputs.items()}
    return convert(stored), torch.from_numpy(examples.labels).to(device)


def probabilities(
    network: nn.Module,
    examples: Examples,
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
) -> FloatArray:
    """The network's probabilities in evaluation mode, shape (N, outputs).

    Args:
        network: Left in evaluation mode.
        examples: N of them.
        convert: From prepared inputs to the network's.
        positions: Indices of the examples to use; all by default.
    """
    logits = _outputs(network, examples, convert, positions)
    answers = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
    return np.asarray(answers.numpy())


def raw_outputs(
    network: nn.Module,
    examples: Examples,
    convert: Convert = convert_pictures,
    positions: NDArray[np.integer] | None = None,
) -> FloatArray:
    """The network's outputs as they are, shape (N, outputs); see ``probabilities``."""
    return np.asarray(_outputs(network, examples, convert, positions).numpy())


def evaluate(
    network: nn.Module,
    examples: Examples,
    task: Task | None = None,
    *,
    split: str = "held_out",
    positions: NDArray[np.integer] | None = None,
) -> dict[str, float]:
    """Loss and accuracy, as ``SPLIT_loss`` and ``SPLIT_accuracy``.

    Args:
        network: Left in evaluation mode.
        examples: What it is evaluated on.
        task: Has the loss and says which outputs are correct; classification by default.
        split: What the examples are called in the history.
        positions: Indices of the examples to use; all by default.
    """
    task = task or ClassificationTask()
    outputs = _outputs(network, examples, task.convert, positions)
    labels = torch.from_numpy(examples.labels if positions is None else examples.labels[positions])
    return {
        f"{split}_loss": float(task.evaluation_loss(outputs, labels)),
        f"{split}_accuracy": float(task.correct(outputs, labels).float().mean()),
    }


def update_batch_norm(
    network: nn.Module,
    examples: Examples,
    task: Task | None = None,
    *,
    batch: int = 32,
    batches: int = 64,
) -> None:
    """Replaces batch normalization's running statistics by their mean over training batches.

    The running statistics of training lag behind the weights and see dropout; with the paper's
    small dense layers that can send every answer to one class. Weights do not change.

    Args:
        network: Left in evaluation mode.
        examples: Training examples; drawn in random order with a fixed seed.
        task: Converts inputs; classification of images by default.
        batch: Examples per batch.
        batches: Largest number of batches.
    """
    task = task or ClassificationTask()
    network.eval()
    layers = [
        module
        for module in network.modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train()
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(examples), generator=generator).numpy()
    with torch.inference_mode():
        for number in range(min(batches, len(examples) // batch)):
            for layer in layers:
                layer.momentum = 1 / (number + 1)
            chosen = examples.take(order[number * batch : (number + 1) * batch])
            inputs, _ = as_tensors(chosen, task.convert, device_of(network))
            network(*inputs)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()


def _outputs(
    network: nn.Module,
    examples: Examples,
    convert: Convert,
    positions: NDArray[np.integer] | None,
) -> Tensor:
    network.eval()
    device = device_of(network)
    chosen = np.arange(len(examples)) if positions is None else positions
    with torch.inference_mode():
        answers = [
            network(*as_tensors(examples.take(some), convert, device)[0]).cpu()
            for some in _batches(chosen)
        ]
    return torch.cat(answers)


def _batches(positions: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    for start in range(0, len(positions), _BATCH):
        yield positions[start : start + _BATCH]

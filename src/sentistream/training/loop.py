"""The loop that follows a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sentistream.networks.export import as_network_input
from sentistream.training.augment import augment
from sentistream.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from sentistream.training.examples import Examples
from sentistream.training.leakage import refuse_leaks
from sentistream.training.recipes import Recipe
from sentistream.types import FloatArray

OnEpoch = Callable[[dict[str, float]], None]
OnStep = Callable[[int, int], None]


def fit(
    network: nn.Module,
    train: Examples,
    held_out: Examples,
    recipe: Recipe,
    folder: Path,
    *,
    on_epoch: OnEpoch = lambda _: None,
    on_step: OnStep = lambda _step, _steps: None,
) -> Progress:
    """Trains ``network`` in place; goes on where a run killed in ``folder`` stopped.

    A resumed run gives the same weights as one that was never stopped: the order of the
    examples and their augmentation depend on the seed and the epoch alone.

    Args:
        network: Gives logits, (N, 1) for two classes, (N, classes) otherwise.
        train, held_out: Examples of different people; the held-out ones are only measured.
        folder: Where checkpoints go.
        on_epoch: Called with each epoch's losses and accuracies.
        on_step: Called with finished and all steps of the epoch.

    Raises:
        DataError: A person, a recording or an input stands on both sides.
    """
    refuse_leaks(train, held_out)
    optimizer = _make_optimizer(network, recipe)
    # more epochs are the same run taken further
    same_run = {key: value for key, value in asdict(recipe).items() if key != "epochs"}
    settings = repr((same_run, len(train), len(held_out), type(network).__name__))
    torch.manual_seed(recipe.seed)
    progress = load_checkpoint(folder, network, optimizer, settings)
    while progress.epoch < recipe.epochs:
        network.train()
        generator = torch.Generator().manual_seed(recipe.seed * 10_007 + progress.epoch)
        torch.manual_seed(recipe.seed * 20_011 + progress.epoch)
        order = torch.randperm(len(train), generator=generator).numpy()
        batches = [order[at : at + recipe.batch] for at in range(0, len(order), recipe.batch)]
        total_loss, correct = 0.0, 0
        for number, positions in enumerate(batches):
            inputs, labels = as_tensors(train.take(positions))
            if recipe.augmentation is not None:
                inputs = [augment(values, recipe.augmentation, generator) for values in inputs]
            _set_rate(optimizer, recipe.learning_rate / (1 + recipe.decay * progress.step))
            optimizer.zero_grad(set_to_none=True)
            logits = network(*inputs)
            loss = cross_entropy(logits, labels)
            torch.autograd.backward(loss)
            optimizer.step()
            progress.step += 1
            total_loss += float(loss.detach()) * len(positions)
            correct += int((predicted(logits) == labels).sum())
            on_step(number + 1, len(batches))
        measured = measure(network, held_out)
        progress.epoch += 1
        progress.history.append(
            {
                "epoch": progress.epoch,
                "train_loss": total_loss / len(train),
                "train_accuracy": correct / len(train),
                **measured,
            }
        )
        save_checkpoint(folder, network, optimizer, progress, settings)
        on_epoch(progress.history[-1])
    network.eval()
    return progress


def probabilities(network: nn.Module, examples: Examples, batch: int = 64) -> FloatArray:
    """The network's answers in evaluation mode, shape (N, outputs)."""
    network.eval()
    answers = []
    with torch.inference_mode():
        for positions in _runs(len(examples), batch):
            logits = network(*as_tensors(examples.take(positions))[0])
            answers.append(
                (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)).numpy()
            )
    return np.concatenate(answers)


def measure(network: nn.Module, examples: Examples) -> dict[str, float]:
    """Loss and accuracy on held-out examples."""
    answers = torch.from_numpy(probabilities(network, examples))
    labels = torch.from_numpy(examples.labels)
    logits = answers.logit(1e-7) if answers.shape[1] == 1 else answers.clamp_min(1e-7).log()
    return {
        "held_out_loss": float(cross_entropy(logits, labels)),
        "held_out_accuracy": float((predicted(logits) == labels).float().mean()),
    }


def as_tensors(examples: Examples) -> tuple[list[Tensor], Tensor]:
    """Network inputs (float, channels first) and labels."""
    inputs = [as_network_input(torch.from_numpy(values)) for values in examples.inputs.values()]
    return inputs, torch.from_numpy(examples.labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Equation 3, or its two-class form for a single logit."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.float())
    return functional.cross_entropy(logits, labels)


def predicted(logits: Tensor) -> Tensor:
    """Class numbers, shape (N,)."""
    return (logits[:, 0] >= 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)


def _make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=recipe.learning_rate)
    # epsilon is Keras's, with which the paper was made
    return torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, eps=1e-7)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _runs(length: int, batch: int) -> Iterator[np.ndarray]:
    for start in range(0, length, batch):
        yield np.arange(start, min(start + batch, length))

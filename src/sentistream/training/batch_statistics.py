"""Batch normalisation's moving statistics, measured anew when training is over.

During training they trail behind weights that still move, and dropout is on; with the paper's
small dense layers the difference can be large enough to send every answer to one class.
"""

from __future__ import annotations

import torch
from torch import nn

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.examples import Examples
from sentistream.training.inputs import as_tensors
from sentistream.training.measuring import device_of
from sentistream.training.parts import Augment


def reestimate(
    network: nn.Module,
    examples: Examples,
    batch: int = 32,
    batches: int = 64,
    convert: Convert = convert_pictures,
    augmentation: Augment | None = None,
) -> None:
    """Replaces the moving statistics by their mean over training batches, in place.

    Args:
        network: Left in evaluation mode; weights do not change.
        examples: What it was trained on, in random order from a fixed seed.
        batch: Examples a batch.
        batches: How many batches at most.
        convert: From prepared inputs to the network's.
        augmentation: As in training; None shows examples as they are.
    """
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
            positions = order[number * batch : (number + 1) * batch]
            chosen = examples.take(positions)
            inputs, labels = as_tensors(chosen, convert, device_of(network))
            if augmentation is not None:
                inputs, _ = augmentation(inputs, labels, generator)
            network(*inputs)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()

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


def reestimate(
    network: nn.Module,
    examples: Examples,
    batch: int = 32,
    batches: int = 64,
    convert: Convert = convert_pictures,
) -> None:
    """Replaces the moving statistics by their mean over training batches, in place.

    Args:
        network: Left in evaluation mode; weights do not change.
        examples: What it was trained on, in random order from a fixed seed.
        batch: Examples a batch.
        batches: How many batches at most.
        convert: From prepared inputs to the network's.
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
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0)).numpy()
    with torch.inference_mode():
        for number in range(min(batches, len(examples) // batch)):
            for layer in layers:
                layer.momentum = 1 / (number + 1)
            positions = order[number * batch : (number + 1) * batch]
            network(*as_tensors(examples.take(positions), convert, device_of(network))[0])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()

"""The cost of one inference."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sentistream.networks.export import Convert, convert_pictures


def multiply_adds(
    network: nn.Module,
    shapes: Mapping[str, tuple[int, ...]],
    convert: Convert = convert_pictures,
) -> int:
    """Multiply-adds of convolutions and matrix products for one sample in evaluation mode.

    Columns that are silent for every sound count as well, though engines compute them only once.

    Args:
        shapes: (height, width, channels) of each input.
        convert: From uint8 inputs of these shapes to the network's arguments.
    """
    was_training = network.training
    network.eval()
    inputs = convert(
        {name: torch.zeros(1, *shape, dtype=torch.uint8) for name, shape in shapes.items()}
    )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(*inputs)
    network.train(was_training)
    return int(counter.get_total_flops()) // 2

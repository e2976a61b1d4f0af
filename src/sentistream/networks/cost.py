"""What one answer costs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def multiply_adds(network: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Multiply-adds of convolutions and matrix products for one sample in evaluation mode.

    Columns that are silent for every sound count too, though engines compute them only once.

    Args:
        shapes: (height, width, channels) of each input.
    """
    was_training = network.training
    network.eval()
    inputs = [torch.zeros(1, shape[2], *shape[:2]) for shape in shapes.values()]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(*inputs)
    network.train(was_training)
    return int(counter.get_total_flops()) // 2

"""From prepared examples to what a network takes."""

from __future__ import annotations

import torch
from torch import Tensor

from sentistream.networks.export import Convert, convert_pictures
from sentistream.training.examples import Examples


def as_tensors(
    examples: Examples,
    convert: Convert = convert_pictures,
    device: torch.device | str = "cpu",
) -> tuple[list[Tensor], Tensor]:
    """Network inputs and labels, on ``device``."""
    stored = {name: torch.from_numpy(values).to(device) for name, values in examples.inputs.items()}
    return convert(stored), torch.from_numpy(examples.labels).to(device)

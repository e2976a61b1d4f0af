"""The rows of Tables 1-4 as modules: every row with parameters or a new shape is one of these.

Pictures are float tensors of shape (N, 3, height, width) with values 0 to 1. Weights start by
Xavier's method, biases at zero. Batch normalisation has Keras's constants, which the
paper used: it follows the ReLU and keeps 99 % of its moving statistics.
"""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn

Shape = tuple[int, ...]
_Layer = TypeVar("_Layer", nn.Conv2d, nn.Linear)


def parameter_count(module: nn.Module) -> int:
    """Parameters as counted in the paper, with batch norm's moving mean and variance."""
    statistics = sum(
        buffer.numel() for name, buffer in module.named_buffers() if "running_" in name
    )
    return statistics + sum(parameter.numel() for parameter in module.parameters())


def convolution(channels: int, filters: int, kernel: int) -> nn.Sequential:
    """Convolution + ReLU, stride 1, padded so that height and width stay."""
    layer = nn.Conv2d(channels, filters, kernel, padding=kernel // 2)
    return nn.Sequential(_xavier(layer), nn.ReLU())


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Flattening, then a fully connected layer + ReLU."""
    return nn.Sequential(nn.Flatten(), _xavier(nn.Linear(inputs, outputs)), nn.ReLU())


def classifier(inputs: int, outputs: int) -> nn.Linear:
    """The last layer; gives logits. The paper's tables include its softmax (or sigmoid)."""
    return _xavier(nn.Linear(inputs, outputs))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def batch_norm_flat(channels: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)


def pooling(size: int, dropout: float = 0.0) -> nn.Sequential:
    """Max pooling without padding or overlap, then dropout of single values."""
    layers: list[nn.Module] = [nn.MaxPool2d(size)]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def trace_shapes(network: nn.Sequential, inputs: Tensor) -> list[tuple[Shape, int]]:
    """Each row's output shape (without the batch) and parameters, as in the tables."""
    rows: list[tuple[Shape, int]] = []
    for row in network:
        inputs = row(inputs)
        rows.append((tuple(inputs.shape[1:]), parameter_count(row)))
    return rows


def _xavier(layer: _Layer) -> _Layer:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer

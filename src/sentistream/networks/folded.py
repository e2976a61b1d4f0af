"""The audio network on distinct columns only: the same output for at most a fifth of the work.

The paper's spectrogram shows three columns as blocks of 133 or 134 equal pixel columns, so
nearly all columns of every layer's output are equal too. Two output columns are equal when
their windows of input columns are; following this rule from the picture to the dense layer
leaves 9 to 24 distinct columns out of 400 to 66. They are computed once, and the dense layer's
weights of equal columns are added up. The third block is silence for every sound: its columns
are computed once for the whole batch (and once for all when exported).

This is exact, in training too: batch normalisation weights each distinct column by how often
it occurs in the picture. 2,082 M multiply-adds become 375 M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.networks.paper import AudioNetwork
from sentistream.voice.spectrogram import COLUMN_OF_PIXEL, SOUNDING_COLUMNS, VIRIDIS

_PADDING = -1
_DENSE_ROW = 13


@dataclass(frozen=True, slots=True)
class Columns:
    """The distinct columns of a layer's output and their positions.

    Attributes:
        index: The distinct column at each position, shape (width,); those that depend on
            the sound are numbered first.
        sounding: How many depend on the sound.
        windows: For each distinct column the columns of the layer before under its kernel.
    """

    index: NDArray[np.int64]
    sounding: int
    windows: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct column occurs in the output."""
        return np.bincount(self.index, minlength=len(self.windows))


PICTURE = Columns(
    index=COLUMN_OF_PIXEL.astype(np.int64),
    sounding=SOUNDING_COLUMNS,
    windows=((0,), (1,), (2,)),
)


def after_convolution(columns: Columns) -> Columns:
    """The distinct columns of a convolution three wide with one column of padding."""
    padded = np.pad(columns.index, 1, constant_values=_PADDING)
    return _distinct(np.lib.stride_tricks.sliding_window_view(padded, 3), columns.sounding)


def after_pooling(columns: Columns, size: int) -> Columns:
    """The distinct columns of max pooling ``size`` wide, without padding or overlap."""
    width = len(columns.index) // size
    windows = np.sort(columns.index[: width * size].reshape(width, size), axis=1)
    return _distinct(windows, columns.sounding)


def _distinct(windows: NDArray[np.int64], sounding_before: int) -> Columns:
    def is_silent(window: tuple[int, ...]) -> bool:
        return not any(0 <= column < sounding_before for column in window)

    keys = [tuple(int(column) for column in window) for window in windows]
    distinct = sorted(set(keys), key=lambda key: (is_silent(key), keys.index(key)))
    number = {key: position for position, key in enumerate(distinct)}
    return Columns(
        index=np.array([number[key] for key in keys]),
        sounding=sum(not is_silent(key) for key in distinct),
        windows=tuple(distinct),
    )


class FoldedAudioNetwork(nn.Module):
    """``AudioNetwork`` for spectrograms given as their sounding columns.

    It shares its parameters with the network it is made from: training one trains the other.
    Inside, columns are of shape (distinct columns, N, channels, height).
    """

    def __init__(self, network: AudioNetwork | None = None) -> None:
        super().__init__()
        self.network: AudioNetwork = AudioNetwork() if network is None else network
        silent = torch.from_numpy(VIRIDIS[0].astype(np.float32) / 255)
        self.register_buffer("silence", silent.reshape(1, 1, 3, 1), persistent=False)
        self.silence: Tensor

    def forward(self, columns: Tensor) -> Tensor:
        """Logits (N, 3) of sounding columns (N, 3, 400, 2) with values 0 to 1."""
        sounding = columns.permute(3, 0, 1, 2)
        silent = self.silence.expand(-1, -1, -1, columns.shape[2])
        layout = PICTURE
        rows = list(self.network.children())
        for row in rows[:_DENSE_ROW]:
            if isinstance(row, nn.BatchNorm2d):
                sounding, silent = _normalise(row, sounding, silent, layout)
            else:
                operation = row.get_submodule("0")
                following = _layout_after(operation, layout)
                everything = torch.cat([sounding, silent.expand(-1, columns.shape[0], -1, -1)])
                own = following.windows[: following.sounding]
                common = following.windows[following.sounding :]
                sounding = _apply(operation, everything, own, first=0)
                silent = _apply(operation, silent, common, first=layout.sounding)
                layout = following
        everything = torch.cat([sounding, silent.expand(-1, columns.shape[0], -1, -1)])
        hidden = _dense(rows[_DENSE_ROW].get_submodule("1"), everything, layout).relu()
        for row in rows[_DENSE_ROW + 1 :]:
            hidden = row(hidden)
        return hidden


def _layout_after(operation: nn.Module, layout: Columns) -> Columns:
    if isinstance(operation, nn.Conv2d):
        return after_convolution(layout)
    if isinstance(operation, nn.MaxPool2d) and isinstance(operation.kernel_size, int):
        return after_pooling(layout, operation.kernel_size)
    raise TypeError(f"The audio network has no layer of type {type(operation).__name__}.")


def _apply(
    operation: nn.Module, columns: Tensor, windows: tuple[tuple[int, ...], ...], first: int
) -> Tensor:
    """A convolution + ReLU, or a pooling, of each window of columns.

    Args:
        columns: Shape (columns, N, channels, height), numbered from ``first``.
    """
    zeros = len(columns)
    padded = torch.cat([columns, torch.zeros_like(columns[:1])])
    numbers = torch.tensor(windows, device=columns.device)
    numbers = torch.where(numbers == _PADDING, zeros, numbers - first)
    parts = [padded.index_select(0, at) for at in numbers.unbind(dim=1)]
    if isinstance(operation, nn.Conv2d):
        side_by_side = torch.cat(parts, dim=2).flatten(0, 1).unsqueeze(2)
        # from (out, in, vertical, horizontal) to (out, horizontal x in, 1, vertical)
        kernel = operation.weight.permute(0, 3, 1, 2).flatten(1, 2).unsqueeze(2)
        result = functional.conv2d(side_by_side, kernel, operation.bias, padding=(0, 1)).relu()
    else:
        highest = parts[0]
        for part in parts[1:]:
            highest = torch.maximum(highest, part)
        result = functional.max_pool2d(highest.flatten(0, 1).unsqueeze(2), (1, len(parts)))
    return result.reshape(len(windows), columns.shape[1], *result.shape[1::2])


def _normalise(
    row: nn.BatchNorm2d, sounding: Tensor, silent: Tensor, layout: Columns
) -> tuple[Tensor, Tensor]:
    """Batch normalisation as if every column occurred as often as in the picture."""
    if row.running_mean is None or row.running_var is None or row.momentum is None:
        raise TypeError("The audio network's batch normalisation keeps moving statistics.")
    mean, variance = row.running_mean, row.running_var
    if row.training:
        samples, height = sounding.shape[1], sounding.shape[3]
        counts = torch.from_numpy(layout.counts).to(sounding)
        own, common = counts[: layout.sounding], counts[layout.sounding :] * samples
        total = float(counts.sum()) * samples * height
        mean = (own @ sounding.sum((1, 3)) + common @ silent.sum((1, 3))) / total
        centre = mean[:, None]
        own_spread = own @ (sounding - centre).square().sum((1, 3))
        common_spread = common @ (silent - centre).square().sum((1, 3))
        variance = (own_spread + common_spread) / total
        with torch.no_grad():
            row.running_mean.lerp_(mean, row.momentum)
            row.running_var.lerp_(variance * (total / (total - 1)), row.momentum)
            if row.num_batches_tracked is not None:
                row.num_batches_tracked.add_(1)
    scale = row.weight / torch.sqrt(variance + row.eps)
    shift = row.bias - mean * scale
    scale, shift = scale[:, None], shift[:, None]
    return sounding * scale + shift, silent * scale + shift


def _dense(layer: nn.Module, columns: Tensor, layout: Columns) -> Tensor:
    """The dense layer with the weights of equal columns added up."""
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"The dense row holds a linear layer, not {type(layer).__name__}.")
    distinct, _, channels, height = columns.shape
    by_column = layer.weight.reshape(layer.out_features, channels, height, len(layout.index))
    index = torch.from_numpy(layout.index).to(columns.device)
    folded = by_column.new_zeros(layer.out_features, channels, height, distinct)
    folded = folded.index_add(3, index, by_column).permute(0, 3, 1, 2)
    return functional.linear(columns.transpose(0, 1).flatten(1), folded.flatten(1), layer.bias)

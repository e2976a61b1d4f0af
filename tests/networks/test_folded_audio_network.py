"""The folded audio network equals the unfolded one, in training too."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.networks.export import as_network_input
from sentistream.networks.folded import (
    PICTURE,
    FoldedAudioNetwork,
    after_convolution,
    after_pooling,
)
from sentistream.networks.paper import AudioNetwork
from sentistream.voice.spectrogram import draw


@pytest.fixture
def pair() -> tuple[AudioNetwork, FoldedAudioNetwork]:
    """Two copies of one network whose batch norms differ from their initial state."""
    torch.manual_seed(3)
    network = AudioNetwork()
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            assert part.running_mean is not None and part.running_var is not None
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias, 0, 0.2)
    return network, FoldedAudioNetwork(copy.deepcopy(network))


def spectrograms(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same spectrograms as whole pictures and as columns."""
    columns = np.random.default_rng(5).integers(0, 256, (count, 400, 2, 3)).astype(np.uint8)
    return (
        as_network_input(torch.from_numpy(draw(columns))),
        as_network_input(torch.from_numpy(columns)),
    )


def test_folded_network_gives_the_same_answer(
    pair: tuple[AudioNetwork, FoldedAudioNetwork],
) -> None:
    whole, folded = (network.eval() for network in pair)
    pictures, columns = spectrograms(2)
    with torch.inference_mode():
        expected = whole(pictures)
        assert expected.abs().max() > 0.01
        assert torch.allclose(folded(columns), expected, atol=1e-5)


def test_folded_network_trains_the_same(pair: tuple[AudioNetwork, FoldedAudioNetwork]) -> None:
    whole, folded = (network.train() for network in pair)
    pictures, columns = spectrograms(3)
    expected, got = whole(pictures), folded(columns)
    # batch norm over 3 examples of 16 values amplifies rounding
    assert torch.allclose(got, expected, atol=2e-3)
    (expected * torch.arange(3.0)).sum().backward()
    (got * torch.arange(3.0)).sum().backward()
    assert isinstance(folded, FoldedAudioNetwork)
    for (name, first), second in zip(
        whole.named_parameters(), folded.network.parameters(), strict=True
    ):
        assert first.grad is not None and second.grad is not None, name
        scale = float(first.grad.abs().max())
        difference = float((first.grad - second.grad).abs().max())
        # gradients that should be zero (a bias before batch norm) are rounding errors on both sides
        assert difference < 0.01 * scale + 1e-3, name
    buffers = zip(whole.named_buffers(), folded.network.buffers(), strict=True)
    for (name, expected), got in buffers:
        assert torch.allclose(expected.float(), got.float(), atol=1e-5), name


def test_columns_of_each_layer_are_all_accounted_for() -> None:
    layout, width = PICTURE, 400
    for step, size in [("conv", 1), ("pool", 3), ("conv", 1), ("conv", 1), ("pool", 2)]:
        layout = after_convolution(layout) if step == "conv" else after_pooling(layout, size)
        width //= size
        assert len(layout.index) == width == layout.counts.sum()
        assert set(layout.index) == set(range(len(layout.windows)))
        silent_first = layout.windows[layout.sounding :]
        assert len(silent_first) >= 1
    assert len(layout.windows) < 20

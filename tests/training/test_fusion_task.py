"""The fused network starts from its trained branches, not from random weights."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.paper import FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.training.examples import Examples
from sentistream.training.fusion_task import fit_last_layer
from sentistream.training.inference import evaluate


def test_only_the_last_layer_is_trained_and_answers_improve() -> None:
    torch.manual_seed(2)
    network = FusedNetwork(VisualNetwork(), FoldedAudioNetwork())
    generator = np.random.default_rng(1)
    labels = np.arange(64) % 3
    brightness = 40 + 80 * labels[:, None, None, None]
    nobody = np.array([""] * len(labels))
    examples = Examples(
        {
            "face": (brightness + generator.integers(0, 9, (64, 96, 96, 3))).astype(np.uint8),
            "spectrogram": generator.integers(0, 256, (64, 400, 2, 3)).astype(np.uint8),
        },
        labels,
        nobody,
        nobody,
    )
    branches = [*network.visual.parameters(), *network.audio.parameters()]
    before = [value.clone() for value in branches]
    fusion = network.fusion.weight.clone()
    fit_last_layer(network, examples)
    assert all(torch.equal(*pair) for pair in zip(before, branches, strict=True))
    assert not torch.equal(network.fusion.weight, fusion)
    after = evaluate(network, examples)
    torch.nn.init.zeros_(network.fusion.weight)
    torch.nn.init.zeros_(network.fusion.bias)
    assert after["held_out_loss"] < evaluate(network, examples)["held_out_loss"]


def test_wrong_branch_network_is_refused() -> None:
    nobody = np.array([""])
    examples = Examples(
        {"mouth": np.zeros((1, 28, 28, 3), np.uint8)}, np.zeros(1, int), nobody, nobody
    )
    with pytest.raises(TypeError, match="not MouthNetwork"):
        fit_last_layer(MouthNetwork(), examples)

"""Batch-norm statistics are recomputed on the training examples."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.networks.paper import VisualNetwork
from sentistream.training.examples import Examples
from sentistream.training.inference import update_batch_norm


def test_statistics_are_recomputed_and_weights_unchanged() -> None:
    torch.manual_seed(1)
    network = VisualNetwork()
    weights = [value.clone() for value in network.parameters()]
    first = network[1]
    assert isinstance(first, torch.nn.BatchNorm2d)
    assert first.running_mean is not None and first.running_var is not None
    first.running_mean.fill_(50)
    first.running_var.fill_(1e-9)
    faces = np.random.default_rng(2).integers(0, 256, (64, 96, 96, 3)).astype(np.uint8)
    names = np.array([""] * 64)
    update_batch_norm(network, Examples({"face": faces}, np.zeros(64, int), names, names))
    with torch.inference_mode():
        inputs = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255
        activations = network[0](inputs)
    assert torch.allclose(first.running_mean, activations.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(first.running_var, activations.var((0, 2, 3)), rtol=1e-2)
    assert first.momentum == 0.01
    assert not any(module.training for module in network.modules())
    for before, after in zip(weights, network.parameters(), strict=True):
        assert torch.equal(before, after)

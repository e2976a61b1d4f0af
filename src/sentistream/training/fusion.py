"""The fused network's start: its 21 own parameters, fitted to the branches as they are.

From random ones, the first steps would bend the trained branches towards an arbitrary mixture.
"""

from __future__ import annotations

import torch
from torch import nn

from sentistream.networks.paper import FusedNetwork
from sentistream.training.batch_statistics import reestimate
from sentistream.training.examples import Examples
from sentistream.training.inputs import as_tensors
from sentistream.training.losses import cross_entropy
from sentistream.training.measuring import device_of

_WEIGHT_DECAY = 1e-3


def fit_fusion(network: nn.Module, examples: Examples, batch: int = 64) -> None:
    """Minimises Equation 3 over the last layer alone (logistic regression), in place.

    Args:
        network: A ``FusedNetwork`` whose branches are trained.
        examples: Pairs of face and spectrogram.
        batch: Examples that go through the branches at once.
    """
    if not isinstance(network, FusedNetwork):
        raise TypeError(f"A fused network is needed, not {type(network).__name__}.")
    reestimate(network, examples)
    answers, device = [], device_of(network)
    with torch.no_grad():
        for start in range(0, len(examples), batch):
            inputs, _ = as_tensors(examples.take(slice(start, start + batch)), device=device)
            answers.append(network.branches(*inputs))
    both, labels = torch.cat(answers), torch.from_numpy(examples.labels).to(device)
    optimizer = torch.optim.LBFGS(
        network.fusion.parameters(), max_iter=200, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        optimizer.zero_grad()
        value = cross_entropy(network.fusion(both), labels)
        value = value + _WEIGHT_DECAY * network.fusion.weight.square().sum()
        torch.autograd.backward(value)
        return float(value.detach())

    optimizer.step(loss)  # type: ignore[no-untyped-call]

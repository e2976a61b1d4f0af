"""The ``lite`` profile's landmark network: where the 68 points are, and whether it is a face.

It replaces regression trees of 100 MB, from which it was trained, and most runs of the
detector: a tracked face confirms itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentistream.networks.lite import active, plain, standardised

POINTS = 68


class LandmarkNetwork(nn.Module):
    """Points of one face, (N, 1, 64, 64) to (N, 137).

    The first output is a logit for a face; then follow x and y of each point, as shares of the
    input's width from its centre.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            active(1, 12, stride=2),
            active(12, 24, stride=2),
            plain(24),
            active(24, 48, stride=2),
            plain(48),
            plain(48),
            active(48, 64, stride=2),
            nn.Flatten(),
            nn.Linear(64 * 16, 128, bias=False),
            nn.BatchNorm1d(128),
            nn.ReLU(),
        )
        self.place: nn.Linear = nn.Linear(128, 1 + 2 * POINTS)

    def forward(self, face: Tensor) -> Tensor:
        placed: Tensor = self.place(self.body(standardised(face)))
        return placed


class Placed(nn.Module):
    """A landmark network's outputs, decoded: probability and shares of the input.

    Args:
        network: Gives (N, 137) as ``LandmarkNetwork`` does.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        """(N, 137): probability of a face, then x and y of each point, 0 to 1 within the input."""
        answers = self.network(face)
        return torch.cat([answers[:, :1].sigmoid(), answers[:, 1:] + 0.5], dim=1)

"""What each of the paper's four networks learns from, and how it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.paper import FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.examples import Examples
from sentistream.training.fusion import fit_fusion
from sentistream.training.preparation import Preparation, Sides


@dataclass(frozen=True, slots=True)
class Part:
    """One of the four networks.

    Attributes:
        examples: What it learns from.
        build: A network with starting weights, given the folder of the finished runs.
        start: What a new run does first with the network and its training examples.
    """

    examples: Callable[[Preparation], Sides]
    build: Callable[[Path], nn.Module]
    start: Callable[[nn.Module, Examples], None] = lambda _network, _examples: None


def _fused_from_branches(runs: Path) -> FusedNetwork:
    """The trained branches joined (section 3.2)."""
    visual, audio = VisualNetwork(), FoldedAudioNetwork()
    load_network_weights(runs / "visual", visual)
    load_network_weights(runs / "audio", audio)
    return FusedNetwork(visual, audio)


PARTS = {
    "mouth": Part(Preparation.mouths, lambda _: MouthNetwork()),
    "visual": Part(Preparation.faces, lambda _: VisualNetwork()),
    "visual-plain": Part(Preparation.faces, lambda _: VisualNetwork()),
    "audio": Part(Preparation.voices, lambda _: FoldedAudioNetwork()),
    "fused": Part(Preparation.pairs, _fused_from_branches, fit_fusion),
}
"""In the order in which they are trained; the fused network needs visual and audio."""

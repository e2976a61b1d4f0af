"""What each of the paper's four networks learns from, and how it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.paper import FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.training.card_texts import PAPER_CARD_TEXTS
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.fusion import fit_fusion
from sentistream.training.parts import OnPrepare, OnProblem, Part, Sides
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import PAPER_RECIPES


def _fused_from_branches(runs: Path) -> FusedNetwork:
    """The trained branches joined (section 3.2)."""
    visual, audio = VisualNetwork(), FoldedAudioNetwork()
    load_network_weights(runs / "visual", visual)
    load_network_weights(runs / "audio", audio)
    return FusedNetwork(visual, audio)


def _prepared(
    kind: Callable[[Preparation], Sides],
) -> Callable[[Path, Path, OnPrepare, OnProblem], Sides]:
    return lambda data, folder, on_progress, on_problem: kind(
        Preparation(data, folder, on_progress, on_problem=on_problem)
    )


PARTS = {
    "mouth": Part(_prepared(Preparation.mouths), lambda _: MouthNetwork(), outputs=("open",)),
    "visual": Part(_prepared(Preparation.faces), lambda _: VisualNetwork()),
    "visual-plain": Part(_prepared(Preparation.faces), lambda _: VisualNetwork(), shipped=False),
    "audio": Part(_prepared(Preparation.voices), lambda _: FoldedAudioNetwork()),
    "fused": Part(
        _prepared(Preparation.pairs),
        _fused_from_branches,
        fit_fusion,
        # three quarters of the profile's work
        int8_from="spectrogram",
    ),
}
"""In the order in which they are trained; the fused network needs visual and audio."""

RECIPES = PAPER_RECIPES

CARD_TEXTS = PAPER_CARD_TEXTS

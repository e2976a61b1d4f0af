"""Every row of the paper's Tables 1-4: output shape and parameters."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.layers import Shape, parameter_count, trace_shapes
from sentistream.networks.paper import AudioNetwork, FusedNetwork, MouthNetwork, VisualNetwork

TABLE_1: list[tuple[Shape, int]] = [
    ((20, 28, 28), 1_520),
    ((20, 14, 14), 0),
    ((50, 14, 14), 25_050),
    ((50, 7, 7), 0),
    ((500,), 1_225_500),
    ((1,), 501),
]
TABLE_2: list[tuple[Shape, int]] = [
    ((16, 96, 96), 448),
    ((16, 96, 96), 64),
    ((16, 32, 32), 0),
    ((32, 32, 32), 4_640),
    ((32, 32, 32), 128),
    ((32, 32, 32), 9_248),
    ((32, 32, 32), 128),
    ((32, 16, 16), 0),
    ((64, 16, 16), 18_496),
    ((64, 16, 16), 256),
    ((64, 16, 16), 36_928),
    ((64, 16, 16), 256),
    ((64, 8, 8), 0),
    ((16,), 65_552),
    ((16,), 64),
    ((3,), 51),
]
TABLE_3: list[tuple[Shape, int]] = [
    ((32, 400, 400), 896),
    ((32, 400, 400), 128),
    ((32, 133, 133), 0),
    ((64, 133, 133), 18_496),
    ((64, 133, 133), 256),
    ((64, 133, 133), 36_928),
    ((64, 133, 133), 256),
    ((64, 66, 66), 0),
    ((128, 66, 66), 73_856),
    ((128, 66, 66), 512),
    ((128, 66, 66), 147_584),
    ((128, 66, 66), 512),
    ((128, 33, 33), 0),
    ((16,), 2_230_288),
    ((16,), 64),
    ((3,), 51),
]


@pytest.mark.parametrize(
    ("network", "size", "table"),
    [
        (MouthNetwork, 28, TABLE_1),
        (VisualNetwork, 96, TABLE_2),
        (AudioNetwork, 400, TABLE_3),
    ],
    ids=["table 1", "table 2", "table 3"],
)
def test_layers_match_the_papers_table(
    network: type, size: int, table: list[tuple[Shape, int]]
) -> None:
    inputs = torch.zeros(1, 3, size, size)
    assert trace_shapes(network().eval(), inputs) == table


def test_totals_match_the_paper() -> None:
    mouth, visual, audio = MouthNetwork(), VisualNetwork(), AudioNetwork()
    fused = FusedNetwork(visual, audio)
    assert parameter_count(mouth) == 1_252_571
    assert parameter_count(visual) == 136_259
    assert parameter_count(audio) == 2_509_827
    assert parameter_count(fused) == 2_646_107
    assert parameter_count(fused.fusion) == 21
    # whole system: mouth, the face branch for a closed mouth, and the fused network
    assert sum(map(parameter_count, (mouth, VisualNetwork(), fused))) == 4_034_937


def test_folded_network_has_the_same_parameters() -> None:
    assert parameter_count(FoldedAudioNetwork()) == 2_509_827


def test_fused_output_is_computed_from_the_branches_distributions() -> None:
    fused = FusedNetwork(VisualNetwork(), AudioNetwork()).eval()
    face, picture = torch.rand(2, 3, 96, 96), torch.rand(2, 3, 400, 400)
    with torch.inference_mode():
        branches = [fused.visual(face).softmax(1), fused.audio(picture).softmax(1)]
        expected = torch.cat(branches, 1) @ fused.fusion.weight.T + fused.fusion.bias
        assert torch.allclose(fused(face, picture), expected, atol=1e-6)


def test_dropout_follows_every_pooling_of_mouth_and_visual_but_not_of_audio() -> None:
    def rates(network: torch.nn.Module) -> list[float]:
        return [part.p for part in network.modules() if isinstance(part, torch.nn.Dropout)]

    assert rates(MouthNetwork()) == [0.25, 0.25]
    assert rates(VisualNetwork()) == [0.25, 0.25, 0.25]
    assert rates(AudioNetwork()) == []

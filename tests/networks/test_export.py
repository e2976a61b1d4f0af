"""ONNX Runtime and OpenVINO give PyTorch's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

pytest.importorskip("onnx", reason="needs the extra 'train'")

from sentistream.networks.export import FromPictures, export_onnx
from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.layers import parameter_count
from sentistream.networks.paper import AudioNetwork, FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.runtime.inference import ENGINES, Network
from sentistream.runtime.model_card import ModelCard
from sentistream.types import UInt8Array
from sentistream.voice.spectrogram import draw

FACE, SPECTROGRAM = (96, 96, 3), (400, 2, 3)


def card_for(inputs: dict[str, tuple[int, ...]], network: torch.nn.Module) -> ModelCard:
    return ModelCard(
        name="test/network",
        version="0",
        task="",
        file="network.onnx",
        sha256="",
        parameters=parameter_count(network),
        multiply_adds=0,
        inputs={name: list(shape) for name, shape in inputs.items()},
        outputs=[],
        licence="",
    )


def random_pictures(inputs: dict[str, tuple[int, ...]], count: int) -> dict[str, UInt8Array]:
    generator = np.random.default_rng(2)
    return {
        name: generator.integers(0, 256, (count, *shape)).astype(np.uint8)
        for name, shape in inputs.items()
    }


@pytest.fixture(scope="module")
def fused() -> FusedNetwork:
    torch.manual_seed(4)
    return FusedNetwork(VisualNetwork(), FoldedAudioNetwork()).eval()


@dataclass(frozen=True)
class Exported:
    """A network and its exported file; exporting takes seconds."""

    network: torch.nn.Module
    inputs: dict[str, tuple[int, ...]]
    outputs: int
    path: Path
    sha256: str


@pytest.fixture(scope="module")
def exported(
    fused: FusedNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Exported]:
    """Exports each network once."""
    cases: dict[str, tuple[torch.nn.Module, dict[str, tuple[int, ...]], int]] = {
        "mouth": (MouthNetwork(), {"mouth": (28, 28, 3)}, 1),
        "visual": (fused.visual, {"face": FACE}, 3),
        "fused": (fused, {"face": FACE, "spectrogram": SPECTROGRAM}, 3),
    }

    @cache
    def export(which: str) -> Exported:
        path = tmp_path_factory.mktemp(which) / "network.onnx"
        return Exported(*cases[which], path, export_onnx(*cases[which], path))

    return export


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("which", ["mouth", "visual", "fused"])
def test_engines_agree_with_pytorch(
    which: str, engine: str, exported: Callable[[str], Exported]
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="needs the extra 'openvino'")
    found = exported(which)
    runner = Network(card_for(found.inputs, found.network), found.path.read_bytes(), engine)
    reference = FromPictures(found.network, found.outputs).eval()
    for count in (1, 3):
        pictures = random_pictures(found.inputs, count)
        with torch.inference_mode():
            expected = reference(*map(torch.from_numpy, pictures.values())).numpy()
        got = runner.run(**pictures)
        assert got.shape == (count, found.outputs)
        assert np.abs(got - expected).max() < 2e-3


def test_exported_folded_network_equals_the_unfolded_one_in_pytorch(
    fused: FusedNetwork, exported: Callable[[str], Exported]
) -> None:
    found = exported("fused")
    assert isinstance(fused.audio, FoldedAudioNetwork)
    unfolded = FusedNetwork(VisualNetwork(), AudioNetwork()).eval()
    unfolded.visual, unfolded.audio = fused.visual, fused.audio.network
    unfolded.fusion = fused.fusion
    pictures = random_pictures(found.inputs, 1)
    with torch.inference_mode():
        expected = FromPictures(unfolded, 3)(
            torch.from_numpy(pictures["face"]), torch.from_numpy(draw(pictures["spectrogram"]))
        ).numpy()
    got = Network(card_for(found.inputs, fused), found.path.read_bytes()).run(**pictures)
    assert np.abs(got - expected).max() < 2e-3


def test_exported_file_is_half_size_reproducible_and_anonymous(
    exported: Callable[[str], Exported], tmp_path: Path
) -> None:
    found = exported("visual")
    again = export_onnx(found.network, found.inputs, found.outputs, tmp_path / "again.onnx")
    assert again == found.sha256
    content = found.path.read_bytes()
    assert len(content) < 2.6 * parameter_count(found.network)
    assert str(Path.cwd()).encode() not in content
    assert b".py" not in content

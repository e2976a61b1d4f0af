"""ONNX Runtime and OpenVINO give PyTorch's answers."""

from __future__ import annotations

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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("which", ["mouth", "visual", "fused"])
def test_engines_agree_with_pytorch(
    which: str, engine: str, fused: FusedNetwork, tmp_path: Path
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="needs the extra 'openvino'")
    cases: dict[str, tuple[torch.nn.Module, dict[str, tuple[int, ...]], int]] = {
        "mouth": (MouthNetwork(), {"mouth": (28, 28, 3)}, 1),
        "visual": (fused.visual, {"face": FACE}, 3),
        "fused": (fused, {"face": FACE, "spectrogram": SPECTROGRAM}, 3),
    }
    network, inputs, outputs = cases[which]
    path = tmp_path / "network.onnx"
    export_onnx(network, inputs, outputs, path)
    runner = Network(card_for(inputs, network), path.read_bytes(), engine)
    reference = FromPictures(network, outputs).eval()
    for count in (1, 3):
        pictures = random_pictures(inputs, count)
        with torch.inference_mode():
            expected = reference(*map(torch.from_numpy, pictures.values())).numpy()
        got = runner.run(**pictures)
        assert got.shape == (count, outputs)
        assert np.abs(got - expected).max() < 2e-3


def test_exported_folded_network_equals_the_unfolded_one_in_pytorch(
    fused: FusedNetwork, tmp_path: Path
) -> None:
    inputs: dict[str, tuple[int, ...]] = {"face": FACE, "spectrogram": SPECTROGRAM}
    path = tmp_path / "fused.onnx"
    export_onnx(fused, inputs, 3, path)
    assert isinstance(fused.audio, FoldedAudioNetwork)
    unfolded = FusedNetwork(VisualNetwork(), AudioNetwork()).eval()
    unfolded.visual, unfolded.audio = fused.visual, fused.audio.network
    unfolded.fusion = fused.fusion
    pictures = random_pictures(inputs, 1)
    with torch.inference_mode():
        expected = FromPictures(unfolded, 3)(
            torch.from_numpy(pictures["face"]), torch.from_numpy(draw(pictures["spectrogram"]))
        ).numpy()
    got = Network(card_for(inputs, fused), path.read_bytes()).run(**pictures)
    assert np.abs(got - expected).max() < 2e-3


def test_exported_file_is_half_size_reproducible_and_anonymous(
    tmp_path: Path,
) -> None:
    network = VisualNetwork()
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    checksums = {export_onnx(network, {"face": FACE}, 3, path) for path in (first, second)}
    assert len(checksums) == 1
    content = first.read_bytes()
    assert len(content) < 2.6 * parameter_count(network)
    assert str(Path.cwd()).encode() not in content
    assert b".py" not in content

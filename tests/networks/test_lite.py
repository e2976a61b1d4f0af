"""The lite networks: small, blind to what does not matter, and exact about what does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from torch import Tensor

from sentistream.networks.export import export_onnx
from sentistream.networks.layers import parameter_count
from sentistream.networks.lite import (
    FACE_EMOTIONS,
    VOICE_EMOTIONS,
    FaceNetwork,
    Fusion,
    MouthNetwork,
    Sentiments,
    VoiceNetwork,
)
from sentistream.types import SENTIMENTS


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def some_voice(frames: int) -> Tensor:
    generator = np.random.default_rng(frames)
    heard = generator.integers(1, 200, (1, 1, frames, 112)).astype(np.float32)
    return torch.from_numpy(heard) / 255


def test_all_together_stay_below_the_promised_size() -> None:
    networks = (FaceNetwork(), MouthNetwork(), VoiceNetwork(), Fusion())
    assert sum(parameter_count(network) for network in networks) <= 400_000


def test_light_and_contrast_change_nothing() -> None:
    picture = 0.2 + 0.3 * torch.rand(2, 1, 48, 48)
    for network in (FaceNetwork().eval(), MouthNetwork().eval()):
        shown = picture if isinstance(network, FaceNetwork) else picture[..., :32, :32]
        with torch.no_grad():
            assert torch.allclose(network(shown), network(1.8 * shown + 0.05), atol=0.05)


def test_a_louder_microphone_changes_nothing() -> None:
    network = VoiceNetwork().eval()
    soft = some_voice(200)
    loud = soft.clone()
    loud[..., :64] += 20 / 255  # ten decibels
    with torch.no_grad():
        assert torch.allclose(network(soft), network(loud), atol=1e-3)


def test_what_lies_behind_an_utterances_end_is_not_heard() -> None:
    network = VoiceNetwork().eval()
    spoken = some_voice(200)
    padded = torch.zeros(1, 1, 440, 112)
    padded[:, :, :200] = spoken
    with torch.no_grad():
        alone, in_batch = network(spoken), network(padded)
    assert torch.allclose(alone.softmax(1), in_batch.softmax(1), atol=0.01)


def test_sentiments_are_their_emotions_added_up() -> None:
    network = VoiceNetwork().eval()
    heard = some_voice(120)
    with torch.no_grad():
        emotions = dict(zip(VOICE_EMOTIONS, network(heard).softmax(1)[0].tolist(), strict=True))
        found = Sentiments(network, VOICE_EMOTIONS)(heard).softmax(1)[0].tolist()
    sums = [
        emotions["happy"],
        emotions["neutral"] + emotions["calm"],
        emotions["sad"] + emotions["angry"],
    ]
    assert found == pytest.approx([value / sum(sums) for value in sums], abs=1e-5)


def test_a_mirrored_face_gets_the_same_answer() -> None:
    network = Sentiments(FaceNetwork(), FACE_EMOTIONS, mirrored=True).eval()
    face = torch.rand(3, 1, 48, 48)
    with torch.no_grad():
        assert torch.allclose(network(face), network(face.flip(3)), atol=1e-5)


def test_without_trust_the_voice_says_nothing() -> None:
    fusion = Fusion()
    face = torch.tensor([[0.2, 0.5, 0.3]])
    with torch.no_grad():
        answers = [
            fusion(face, torch.tensor([voice]), torch.zeros(1, 1)).softmax(1)
            for voice in ([0.9, 0.05, 0.05], [0.05, 0.05, 0.9])
        ]
        assert torch.allclose(answers[0], face, atol=1e-5)
        assert torch.equal(answers[0], answers[1])


def test_trust_brings_the_voice_in() -> None:
    fusion = Fusion()
    face, voice = torch.tensor([[0.3, 0.4, 0.3]]), torch.tensor([[0.05, 0.05, 0.9]])
    with torch.no_grad():
        negative = [
            float(fusion(face, voice, torch.tensor([[trust]])).softmax(1)[0, 2])
            for trust in (0.0, 0.5, 1.0)
        ]
    assert negative == sorted(negative)
    assert negative[-1] > 0.8


@pytest.mark.parametrize("frames", [60, 151, 300])
def test_an_exported_voice_may_be_of_any_length(tmp_path: Path, frames: int) -> None:
    ort = pytest.importorskip("onnxruntime")
    network = Sentiments(VoiceNetwork(), VOICE_EMOTIONS).eval()
    export_onnx(network, {"voice": (-1, 112, 1)}, len(SENTIMENTS), tmp_path / "voice.onnx")
    session = ort.InferenceSession(tmp_path / "voice.onnx")
    heard = np.random.default_rng(1).integers(1, 250, (2, frames, 112, 1)).astype(np.uint8)
    (found,) = session.run(None, {"voice": heard})
    with torch.no_grad():
        expected = network(torch.from_numpy(heard).permute(0, 3, 1, 2).float() / 255).softmax(1)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-3)


def test_an_exported_fusion_takes_numbers(tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    shapes: dict[str, tuple[int, ...]] = {"face": (3,), "voice": (3,), "trust": (1,)}
    export_onnx(
        Fusion(),
        shapes,
        3,
        tmp_path / "fusion.onnx",
        lambda values: list(values.values()),
        dict.fromkeys(shapes, "float32"),
    )
    session = ort.InferenceSession(tmp_path / "fusion.onnx")
    face = np.array([[0.2, 0.5, 0.3]], np.float32)
    inputs = {"face": face, "voice": face, "trust": np.zeros((1, 1), np.float32)}
    np.testing.assert_allclose(session.run(None, inputs)[0], face, atol=1e-5)

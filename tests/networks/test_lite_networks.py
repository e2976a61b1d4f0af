"""The lite networks: small, invariant to irrelevant changes, and exact otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from torch import Tensor

from sentistream.datasets.labels import EMOTIONS
from sentistream.networks.export import export_onnx
from sentistream.networks.layers import parameter_count
from sentistream.networks.lite import (
    FACE_EMOTIONS,
    FaceNetwork,
    Fusion,
    MouthNetwork,
    Sentiments,
    VoiceAnswers,
    VoiceNetwork,
    VoiceSpectrumNetwork,
)
from sentistream.types import SENTIMENTS
from sentistream.vision.alignment import VIEW_SIZE
from sentistream.voice.functionals import NAMES


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def some_voice(count: int = 1, utterances: int = 0) -> list[Tensor]:
    """Functionals, mean, spread, and the number of earlier utterances."""
    values, mean = torch.randn(count, len(NAMES)), torch.randn(count, len(NAMES))
    spread = torch.rand(count, len(NAMES)) + 0.5
    return [values, mean, spread, torch.full((count, 1), float(utterances))]


def test_networks_together_stay_below_the_size_limit() -> None:
    voices = VoiceNetwork(), VoiceSpectrumNetwork()
    networks = (FaceNetwork(), MouthNetwork(), *voices, Fusion())
    assert sum(parameter_count(network) for network in networks) <= 450_000


def test_face_network_is_invariant_to_light_and_contrast() -> None:
    picture = 0.2 + 0.3 * torch.rand(2, 1, VIEW_SIZE, VIEW_SIZE)
    for network in (FaceNetwork().eval(), MouthNetwork().eval()):
        shown = picture if isinstance(network, FaceNetwork) else picture[..., :32, :32]
        with torch.no_grad():
            assert torch.allclose(network(shown), network(1.8 * shown + 0.05), atol=0.05)


def test_voice_network_is_invariant_to_gain_without_a_baseline() -> None:
    network = VoiceNetwork().eval()
    values, *history = some_voice()
    louder = values.clone()
    louder[:, NAMES.index("level")] += 10
    with torch.no_grad():
        assert torch.equal(network(values, *history), network(louder, *history))
        known = [*history[:2], torch.full((1, 1), 8.0)]
        assert not torch.allclose(network(values, *known), network(louder, *known))


def test_empty_baseline_has_no_effect() -> None:
    network = VoiceNetwork().eval()
    values, mean, spread, utterances = some_voice()
    with torch.no_grad():
        assert torch.equal(
            network(values, mean, spread, utterances),
            network(values, mean + 5, spread * 3, utterances),
        )


def test_constant_voice_and_momentary_change_differ() -> None:
    network = VoiceNetwork().eval()
    values, _, spread, utterances = some_voice(utterances=20)
    with torch.no_grad():
        usual = network(values, values, spread, utterances)
        unusual = network(values, values - 2, spread, utterances)
        still = network(values + 3, values + 3, spread, utterances)
    assert not torch.allclose(usual, unusual, atol=1e-3)
    # for a well-known voice, only the deviation from its baseline counts much
    assert (usual - still).abs().max() < (usual - unusual).abs().max()


def test_learned_population_sets_the_normalization() -> None:
    network = VoiceNetwork()
    values = torch.randn(500, len(NAMES)) * 3 + 7
    network.learn_population(values, torch.full((len(NAMES),), 1.5))
    assert torch.allclose(network.centre, values.mean(0))
    assert torch.allclose(network.scale, values.std(0))
    assert torch.allclose(network.within, 1.5 / values.std(0) + 0.05)


def test_familiarity_falls_with_the_distance_from_the_learned_utterances() -> None:
    network = VoiceNetwork().eval()
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(800, len(NAMES), generator=generator)
    values[:, 1] = values[:, 0] + 0.1 * values[:, 1]  # two that always agree
    network.learn_population(values, torch.ones(len(NAMES)))
    with torch.no_grad():
        learned = network.familiarity(values)
        farther = [network.familiarity(values * factor).mean() for factor in (1.5, 2.5, 4.0)]
        disagreeing = values.clone()
        disagreeing[:, 1] = -disagreeing[:, 0]
        odd = network.familiarity(disagreeing)
        louder = values.clone()
        louder[:, NAMES.index("level")] += 100
        assert torch.equal(network.familiarity(louder), learned)
    assert learned.shape == (800, 1)
    assert learned.max() == 1
    assert (learned == 1).float().mean() == pytest.approx(0.5, abs=0.01)
    assert learned.mean() > farther[0] > farther[1] > farther[2] > 0
    assert odd.mean() < learned.mean() - 0.05


def some_spectrum(frames: int = 200, held: int = 440) -> list[torch.Tensor]:
    """Levels, periodicity and a mask of the utterance's frames."""
    generator = torch.Generator().manual_seed(frames)
    levels = -60 + 15 * torch.randn(2, frames, 64, generator=generator)
    periodicity = torch.rand(2, frames, 48, generator=generator)
    values = torch.zeros(2, held, 64), torch.zeros(2, held, 48), torch.zeros(2, held, 1)
    values[0][:, :frames], values[1][:, :frames], values[2][:, :frames] = levels, periodicity, 1
    return list(values)


def trained_spectrum_network() -> VoiceSpectrumNetwork:
    """With non-initial batch statistics."""
    torch.manual_seed(3)
    network = VoiceSpectrumNetwork()
    for _ in range(3):
        network(*some_spectrum())
    return network.eval()


def test_spectrum_network_is_invariant_to_gain_and_padding() -> None:
    network = trained_spectrum_network()
    levels, periodicity, valid = some_spectrum()
    with torch.no_grad():
        answer = network(levels, periodicity, valid)
        louder = network(levels + 20, periodicity, valid)
        cut = network(levels[:, :204], periodicity[:, :204], valid[:, :204])
        other = network(levels.flip(1), periodicity.flip(1), valid.flip(1))
    torch.testing.assert_close(louder, answer, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(cut, answer, atol=1e-3, rtol=1e-3)
    # reversed in time it differs
    assert not torch.allclose(other, answer, atol=1e-2)


def test_sentiments_are_sums_of_their_emotions() -> None:
    network = VoiceNetwork().eval()
    utterances = some_voice()
    with torch.no_grad():
        emotions = dict(zip(EMOTIONS, network(*utterances).softmax(1)[0].tolist(), strict=True))
        found = Sentiments(network, EMOTIONS)(*utterances).softmax(1)[0].tolist()
    sums = [
        emotions["happy"],
        emotions["neutral"] + emotions["calm"],
        emotions["sad"] + emotions["angry"],
    ]
    assert found == pytest.approx([value / sum(sums) for value in sums], abs=1e-5)


def test_mirrored_face_gets_the_same_answer() -> None:
    network = Sentiments(FaceNetwork(), FACE_EMOTIONS, mirrored=True).eval()
    face = torch.rand(3, 1, VIEW_SIZE, VIEW_SIZE)
    with torch.no_grad():
        assert torch.allclose(network(face), network(face.flip(3)), atol=1e-5)


def test_voice_without_trust_has_no_effect() -> None:
    fusion = Fusion()
    face = torch.tensor([[0.2, 0.5, 0.3]])
    with torch.no_grad():
        answers = [
            fusion(face, torch.tensor([voice]), torch.zeros(1, 1)).softmax(1)
            for voice in ([0.9, 0.05, 0.05], [0.05, 0.05, 0.9])
        ]
        assert torch.allclose(answers[0], face, atol=1e-5)
        assert torch.equal(answers[0], answers[1])


def test_trust_includes_the_voice() -> None:
    fusion = Fusion()
    face, voice = torch.tensor([[0.3, 0.4, 0.3]]), torch.tensor([[0.05, 0.05, 0.9]])
    with torch.no_grad():
        negative = [
            float(fusion(face, voice, torch.tensor([[trust]])).softmax(1)[0, 2])
            for trust in (0.0, 0.5, 1.0)
        ]
    assert negative == sorted(negative)
    assert negative[-1] > 0.8


def test_exported_voice_network_gives_the_same(tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    voice = VoiceNetwork()
    voice.learn_population(some_voice(200)[0], torch.ones(len(NAMES)))
    network = VoiceAnswers(voice).eval()
    names = ("functionals", "mean", "spread", "heard")
    utterances = some_voice(3, utterances=4)
    shapes: dict[str, tuple[int, ...]] = {
        name: tuple(value.shape[1:]) for name, value in zip(names, utterances, strict=True)
    }
    export_onnx(
        network,
        shapes,
        len(SENTIMENTS) + 1,
        tmp_path / "voice.onnx",
        lambda values: list(values.values()),
        dict.fromkeys(names, "float32"),
        raw_outputs=True,
    )
    session = ort.InferenceSession(tmp_path / "voice.onnx")
    arrays = {name: value.numpy() for name, value in zip(names, utterances, strict=True)}
    (found,) = session.run(None, arrays)
    with torch.no_grad():
        assert found == pytest.approx(network(*utterances).numpy(), abs=2e-3)
        assert found[:, :3] == pytest.approx(
            Sentiments(voice, EMOTIONS)(*utterances).softmax(1).numpy(), abs=2e-3
        )
    assert (found[:, 3] > 0).all() and (found[:, 3] <= 1).all()


def test_exported_fusion_network_takes_scalars(tmp_path: Path) -> None:
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

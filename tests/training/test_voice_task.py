"""The lite voice network learns sentiments relative to a voice's baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.datasets.labels import EMOTIONS
from sentistream.evaluation.predictions import HISTORY_SIZE
from sentistream.networks.lite import VoiceNetwork, VoiceSpectrumNetwork
from sentistream.training.voice_examples import OTHER_NEGATIVE, utterances_with_history
from sentistream.training.voice_task import VoiceSpectrumTask, VoiceTask
from sentistream.voice.functionals import NAMES

TASK = VoiceTask()


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def utterances_of(people: dict[str, int], condition: str = "as recorded") -> dict[str, Any]:
    """Synthetic functionals: for each person that many utterances around a level of their own."""
    random = np.random.default_rng(4)
    names = [name for name, count in people.items() for _ in range(count)]
    level = {name: 10.0 * number for number, name in enumerate(people)}
    voice = np.array([random.normal(level[name], 1, len(NAMES)) for name in names], np.float32)
    return {
        "voice": voice,
        "label": np.arange(len(names)) % len(EMOTIONS),
        "person": np.array(names),
        "source": np.array([name.rpartition("-")[0] for name in names]),
        "clip": np.array([f"clip-{index}" for index in range(len(names))]),
        "condition": np.full(len(names), condition),
    }


def test_baseline_is_of_the_same_voice_without_the_utterance_itself() -> None:
    utterances = utterances_of({"a-1": 12, "a-2": 3, "b-1": 1})
    examples = utterances_with_history(utterances, held_out=True, seed=1)
    counts = examples.inputs["heard"][:, 0]
    assert set(counts[examples.people == "a-1"].tolist()) == {0, HISTORY_SIZE}
    assert set(counts[examples.people == "a-2"].tolist()) == {0, 2}
    assert set(counts[examples.people == "b-1"].tolist()) == {0}
    known = counts > 0
    level = {"a-1": 0.0, "a-2": 10.0}
    for person, mean in zip(
        examples.people[known].tolist(), examples.inputs["mean"][known], strict=True
    ):
        assert abs(float(mean.mean()) - level[person]) < 1
    (alone,) = np.flatnonzero((examples.people == "a-2") & (counts == 2))[:1]
    own = examples.inputs["functionals"][alone]
    others = utterances["voice"][
        (utterances["person"] == "a-2") & (utterances["voice"] != own).any(axis=1)
    ]
    assert examples.inputs["mean"][alone] == pytest.approx(others.mean(axis=0), abs=1e-5)


def test_corpora_and_sentiments_are_weighted_equally() -> None:
    utterances = utterances_of({"a-1": 64, "b-1": 16})
    utterances["label"] = np.array([EMOTIONS.index("happy")] * 60 + [EMOTIONS.index("sad")] * 20)
    examples = utterances_with_history(utterances, held_out=True, seed=1)
    weights, labels = examples.labels[:, 1], examples.labels[:, 0]
    of_a = examples.sources == "a"
    happy, sad = (
        float(weights[of_a & (labels == EMOTIONS.index(name))].sum()) for name in ("happy", "sad")
    )
    assert happy == pytest.approx(sad, rel=1e-3)
    assert float(weights.mean()) == pytest.approx(1, abs=1e-3)


def test_voice_loss_accepts_sentiments_without_an_emotion() -> None:
    sad, happy = (torch.full((1, len(EMOTIONS)), -4.0) for _ in range(2))
    sad[0, EMOTIONS.index("sad")] = happy[0, EMOTIONS.index("happy")] = 4
    label = torch.tensor([[float(OTHER_NEGATIVE), 1.0]])
    assert TASK.loss(sad, label) < TASK.loss(happy, label)
    assert TASK.correct(sad, label).tolist() == [True]
    assert TASK.correct(happy, label).tolist() == [False]


def test_voice_network_learns_deviations_from_the_baseline() -> None:
    random = np.random.default_rng(2)
    people = {f"a-{number}": 16 for number in range(8)}
    utterances = utterances_of(people)
    happy = np.arange(len(utterances["label"])) % 2 == 0
    utterances["label"] = np.where(happy, EMOTIONS.index("happy"), EMOTIONS.index("sad"))
    utterances["voice"][happy, :10] += 3
    utterances["voice"] += random.normal(0, 0.1, utterances["voice"].shape).astype(np.float32)
    train = utterances_with_history(utterances, held_out=False, seed=3)
    network = VoiceNetwork()
    TASK.initialize(network, train)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    inputs = [torch.from_numpy(values) for values in train.inputs.values()]
    labels = torch.from_numpy(np.asarray(train.labels))
    for _ in range(60):
        optimizer.zero_grad()
        TASK.loss(network(*inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    measured = utterances_with_history(utterances, held_out=True, seed=4)
    with torch.no_grad():
        logits = network.eval()(*(torch.from_numpy(one) for one in measured.inputs.values()))
    right = TASK.correct(logits, torch.from_numpy(np.asarray(measured.labels)))
    known = torch.from_numpy(measured.inputs["heard"][:, 0] > 0)
    assert float(right[known].float().mean()) > 0.95


def sweeps() -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of one second with rising or falling bands, padded, and their labels."""
    random = np.random.default_rng(5)
    frames = np.zeros((16, 440, 112), np.uint8)
    for index, one in enumerate(frames):
        place = np.linspace(8, 50, 100) if index % 2 else np.linspace(50, 8, 100)
        distance = np.abs(np.arange(64) - place[:, None] + random.normal(0, 2))
        one[:100, :64] = np.clip(150 - 4 * distance + random.normal(0, 3, (100, 64)), 1, 255)
        one[:100, 64:] = 127
    emotions = [EMOTIONS.index("happy" if index % 2 else "sad") for index in range(16)]
    labels = torch.tensor([[float(emotion), 1.0] for emotion in emotions])
    return torch.from_numpy(frames), labels


def test_spectrum_network_learns_how_a_voice_moves() -> None:
    task, network = VoiceSpectrumTask(), VoiceSpectrumNetwork()
    frames, labels = sweeps()
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(network.parameters(), 0.003)
    for _ in range(25):
        inputs, targets = task.augment(task.convert({"frames": frames}), labels, generator)
        optimizer.zero_grad()
        torch.autograd.backward(task.loss(network(*inputs), targets))
        optimizer.step()
    with torch.no_grad():
        logits = network.eval()(*task.convert({"frames": frames}))
    assert task.correct(logits, labels).all()


def test_spectrum_crop_stays_within_the_utterance() -> None:
    task = VoiceSpectrumTask()
    frames, labels = sweeps()
    inputs = task.convert({"frames": frames})
    assert inputs[2].sum(dim=(1, 2)).tolist() == [100.0] * 16
    changed, _ = task.augment(inputs, labels, torch.Generator().manual_seed(2))
    again, _ = task.augment(inputs, labels, torch.Generator().manual_seed(2))
    for one, other in zip(changed, again, strict=True):
        assert torch.equal(one, other)
    lengths = changed[2].sum(dim=(1, 2))
    assert (lengths >= 50).all() and (lengths <= 100).all() and (lengths < 100).any()
    assert not changed[2][:, 100:].any()

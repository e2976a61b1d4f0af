"""Learning the lite networks: what is changed at random, and that labels reach what ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.labels import EMOTIONS
from sentistream.evaluation.predictions import HISTORY_SIZE
from sentistream.networks.lite import VoiceNetwork
from sentistream.training import lite_augment, lite_voices, voted_faces
from sentistream.training.lite import PARTS, RECIPES
from sentistream.training.lite_card_texts import CARD_TEXTS
from sentistream.training.run import halfway
from sentistream.training.voice_augmentation import CONDITIONS, recorded_in
from sentistream.voice.functionals import NAMES
from synthetic import talk

LABELS = torch.arange(6)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def test_every_part_has_a_recipe_and_a_text() -> None:
    assert PARTS.keys() == RECIPES.keys() == CARD_TEXTS.keys()


@pytest.mark.parametrize("change", [lite_augment.faces, lite_augment.faces_gently])
def test_faces_keep_their_label_and_become_views(change: object) -> None:
    assert callable(change)
    stored = torch.rand(6, 1, lite_augment.STORED_FACE, lite_augment.STORED_FACE)
    (seen,), labels = change([stored], LABELS, torch.Generator())
    assert seen.shape == (6, 1, 48, 48)
    assert torch.equal(labels, LABELS)
    assert bool(seen.isfinite().all())
    (again,), _ = change([stored], LABELS, torch.Generator())
    assert not torch.equal(seen, again)


def test_a_changed_face_still_shows_the_same_face() -> None:
    size = lite_augment.STORED_FACE
    y = torch.linspace(-1, 1, size)[:, None]
    bright_below = (0.5 + 0.4 * y).expand(32, 1, size, size)
    (seen,), _ = lite_augment.faces_gently([bright_below], torch.zeros(32), torch.Generator())
    below = seen[:, :, 30:].mean((1, 2, 3)) > seen[:, :, :18].mean((1, 2, 3))
    assert bool(below.all())


def test_mouths_stay_mouths() -> None:
    (seen,), labels = lite_augment.mouths([torch.rand(6, 1, 32, 32)], LABELS, torch.Generator())
    assert seen.shape == (6, 1, 32, 32)
    assert torch.equal(labels, LABELS)


def utterances_of(people: dict[str, int], condition: str = "as recorded") -> dict[str, Any]:
    """Made-up functionals: of each person so many utterances about a level of its own."""
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


def test_a_history_is_of_the_same_voice_and_never_of_the_utterance_itself() -> None:
    heard = utterances_of({"a-1": 12, "a-2": 3, "b-1": 1})
    examples = lite_voices.voices_with_history(heard, held_out=True, seed=1)
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
    others = heard["voice"][(heard["person"] == "a-2") & (heard["voice"] != own).any(axis=1)]
    assert examples.inputs["mean"][alone] == pytest.approx(others.mean(axis=0), abs=1e-5)


def test_corpora_and_sentiments_weigh_alike() -> None:
    heard = utterances_of({"a-1": 64, "b-1": 16})
    heard["label"] = np.array([EMOTIONS.index("happy")] * 60 + [EMOTIONS.index("sad")] * 20)
    examples = lite_voices.voices_with_history(heard, held_out=True, seed=1)
    weights, labels = examples.labels[:, 1], examples.labels[:, 0]
    of_a = examples.sources == "a"
    happy, sad = (
        float(weights[of_a & (labels == EMOTIONS.index(name))].sum()) for name in ("happy", "sad")
    )
    assert happy == pytest.approx(sad, rel=1e-3)
    assert float(weights.mean()) == pytest.approx(1, abs=1e-3)


def test_the_loss_of_a_voice_knows_sentiments_without_an_emotion() -> None:
    sad, happy = (torch.full((1, len(EMOTIONS)), -4.0) for _ in range(2))
    sad[0, EMOTIONS.index("sad")] = happy[0, EMOTIONS.index("happy")] = 4
    label = torch.tensor([[float(lite_voices.OTHER_NEGATIVE), 1.0]])
    assert lite_voices.voice_loss(sad, label) < lite_voices.voice_loss(happy, label)
    assert lite_voices.right_sentiment(sad, label).tolist() == [True]
    assert lite_voices.right_sentiment(happy, label).tolist() == [False]


def test_the_voice_network_learns_what_differs_from_the_usual() -> None:
    random = np.random.default_rng(2)
    people = {f"a-{number}": 16 for number in range(8)}
    heard = utterances_of(people)
    happy = np.arange(len(heard["label"])) % 2 == 0
    heard["label"] = np.where(happy, EMOTIONS.index("happy"), EMOTIONS.index("sad"))
    heard["voice"][happy, :10] += 3
    heard["voice"] += random.normal(0, 0.1, heard["voice"].shape).astype(np.float32)
    train = lite_voices.voices_with_history(heard, held_out=False, seed=3)
    network = VoiceNetwork()
    lite_voices.learn_population(network, train)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    inputs = [torch.from_numpy(values) for values in train.inputs.values()]
    labels = torch.from_numpy(np.asarray(train.labels))
    for _ in range(60):
        optimizer.zero_grad()
        lite_voices.voice_loss(network(*inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    measured = lite_voices.voices_with_history(heard, held_out=True, seed=4)
    with torch.no_grad():
        logits = network.eval()(*(torch.from_numpy(one) for one in measured.inputs.values()))
    right = lite_voices.right_sentiment(logits, torch.from_numpy(np.asarray(measured.labels)))
    known = torch.from_numpy(measured.inputs["heard"][:, 0] > 0)
    assert float(right[known].float().mean()) > 0.95


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_voice_in_any_condition_stays_a_voice(condition: str) -> None:
    sound = talk(2.0)
    heard = recorded_in(sound, condition, "a-1", None)
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    assert float(np.abs(heard).max()) <= 1
    assert 0.85 < len(heard) / len(sound) < 1.15
    # the same person is always in the same place
    assert np.array_equal(heard, recorded_in(sound, condition, "a-1", None))


def test_digital_silence_becomes_faint_noise() -> None:
    sound = talk(1.0)
    sound[:20_000] = 0
    heard = recorded_in(sound, CONDITIONS[0], "a-1", None)
    assert 0 < float(np.abs(heard[:20_000]).max()) < 0.02 * float(np.abs(sound).max())
    spoken = np.abs(sound) > 1e-5
    assert np.array_equal(heard[spoken], sound[spoken])


@pytest.mark.parametrize(
    ("votes", "official", "expected"),
    [
        ({"happiness": 10}, "happy", (1, 0, 0, 0)),
        ({"happiness": 5, "neutral": 5}, "happy", (0.625, 0.375, 0, 0)),
        ({"neutral": 4, "surprise": 6}, "neutral", None),
        ({"sadness": 7, "anger": 3}, "", (0, 0, 0.7, 0.3)),
        (None, "angry", (0, 0, 0, 1)),
        (None, "surprised", None),
    ],
)
def test_what_a_crowd_says_of_a_face(
    tmp_path: Path, votes: dict[str, int] | None, official: str, expected: Any
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    names = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
    row = dict.fromkeys((*names, "contempt", "unknown", "NF"), 0) | (votes or {})
    known = {"name": "one.png" if votes else "another.png", **row, "leave_out": False}
    parquet.write_table(pyarrow.Table.from_pylist([known]), tmp_path / "votes.parquet")
    image = LabelledImage(
        np.zeros((4, 4, 3), np.uint8), "", "set", "train", "", "one.png", official
    )
    found = voted_faces.soft_label(image, voted_faces.read_votes(tmp_path / "votes.parquet"))
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-5)


def test_halfway_between_two_states_is_their_mean() -> None:
    one, two = torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    two.weight.data.fill_(3)
    two.load_state_dict({**two.state_dict(), "num_batches_tracked": torch.tensor(7)})
    mean = halfway(one.state_dict(), two.state_dict())
    assert mean["weight"].tolist() == [2, 2, 2]
    assert int(mean["num_batches_tracked"]) == 7

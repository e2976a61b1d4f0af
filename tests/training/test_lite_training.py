"""Learning the lite networks: what is changed at random, and that labels reach what ships."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from torch import Tensor

from sentistream.networks.lite import VOICE_EMOTIONS
from sentistream.training import lite_augment
from sentistream.training.lite import PARTS, RECIPES
from sentistream.training.lite_card_texts import CARD_TEXTS
from sentistream.types import SENTIMENTS

LABELS = torch.arange(6)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def utterances(frames: int, spoken: int) -> Tensor:
    heard = torch.zeros(6, 1, frames, 112)
    heard[:, :, :spoken] = torch.randint(1, 200, (6, 1, spoken, 112)) / 255
    return heard


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


@pytest.mark.parametrize("spoken", [60, 150, 440])
def test_voices_are_stretches_of_one_to_three_seconds(spoken: int) -> None:
    lengths = set()
    for _ in range(6):
        (heard,), _ = lite_augment.voices([utterances(440, spoken)], LABELS, torch.Generator())
        assert heard.shape[::3] == (6, 112)
        assert bool(heard.isfinite().all())
        lengths.add(heard.shape[2])
    assert min(lengths) >= 100
    assert max(lengths) <= 300
    assert len(lengths) > 1


def test_a_loud_end_stays_where_it_was_spoken() -> None:
    heard = torch.full((6, 1, 440, 112), 60 / 255)
    heard[:, :, 220:, :64] = 160 / 255
    louder = []
    for _ in range(8):
        (changed,), _ = lite_augment.voices([heard], LABELS, torch.Generator())
        thirds = changed[:, 0, :, :64].mean(2).chunk(3, dim=1)
        louder.append((thirds[2].mean() - thirds[0].mean()).item())
    assert np.mean(louder) > 0.02


def test_emotions_outside_the_three_are_not_published() -> None:
    classes = PARTS["voice"].classes
    assert classes is not None
    known = {
        name: SENTIMENTS[number]
        for name, number in zip(VOICE_EMOTIONS, classes, strict=True)
        if number >= 0
    }
    assert known == {
        "happy": "positive",
        "neutral": "neutral",
        "calm": "neutral",
        "sad": "negative",
        "angry": "negative",
    }

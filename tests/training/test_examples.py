"""Examples are drawn, paired and cut as told."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.datasets.images import LabelledImage
from sentistream.errors import DataError
from sentistream.training.augment import augment
from sentistream.training.examples import (
    Examples,
    balanced,
    join,
    pair_by_label,
)
from sentistream.training.faces import prepare_faces, put_background
from sentistream.training.leakage import refuse_shared_people
from sentistream.training.recipes import Augmentation
from sentistream.voice.sound_file import voiced_starts
from sentistream.voice.spectrogram import SAMPLES


def examples(name: str, labels: list[int], people: list[str]) -> Examples:
    values = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return Examples(
        inputs={name: np.broadcast_to(values, (len(labels), 2, 2, 3))},
        labels=np.array(labels),
        people=np.array(people),
        sources=np.full(len(labels), name),
    )


def test_balanced_draws_as_many_of_each_class() -> None:
    few = examples("face", [0, 1, 1, 1, 2, 2], list("abcdef"))
    assert np.bincount(balanced(few, 4, seed=1).labels).tolist() == [4, 4, 4]


def test_pairs_share_their_class_and_remember_both_people() -> None:
    faces = examples("face", [0, 1, 2, 2], ["", "", "", ""])
    voices = examples("voice", [2, 1, 0, 0], ["v", "w", "x", "y"])
    pairs = pair_by_label(faces, voices, per_class=5, seed=1)
    assert set(pairs.inputs) == {"face", "voice"}
    face_labels = faces.labels[pairs.inputs["face"][:, 0, 0, 0]]
    voice_labels = voices.labels[pairs.inputs["voice"][:, 0, 0, 0]]
    assert (face_labels == pairs.labels).all()
    assert (voice_labels == pairs.labels).all()
    assert set(pairs.people.tolist()) <= {"+v", "+w", "+x", "+y"}
    with pytest.raises(DataError, match="1 people stand both"):
        refuse_shared_people(pairs, examples("face", [1], ["w"]))
    refuse_shared_people(pairs, examples("face", [1], ["z"]))


def test_joined_examples_keep_their_order() -> None:
    both = join([examples("face", [0, 1], ["a", "b"]), examples("face", [2], ["c"])])
    assert both.labels.tolist() == [0, 1, 2]
    assert both.people.tolist() == ["a", "b", "c"]


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one length"):
        Examples({"face": np.zeros((2, 1, 1, 3), np.uint8)}, np.zeros(3, int), *[np.array([])] * 2)


def test_voiced_windows_leave_silence_out() -> None:
    sound = np.zeros(48_000, np.float32)
    sound[20_000:30_000] = 0.1 * np.sin(np.arange(10_000) / 10)
    starts = voiced_starts(sound)
    assert len(starts) > 20
    assert (starts + SAMPLES > 20_000).all()
    assert (starts < 30_000).all()


def test_augmentation_of_nothing_changes_nothing() -> None:
    pictures = torch.rand(3, 3, 12, 12)
    same = augment(pictures, Augmentation(), torch.Generator().manual_seed(1))
    assert torch.allclose(same, pictures, atol=1e-5)


def test_augmentation_stays_within_what_it_is_told() -> None:
    rows = torch.linspace(0, 1, 64).reshape(1, 1, 64, 1).expand(200, 3, 64, 64)
    turned = augment(rows, Augmentation(rotation=30), torch.Generator().manual_seed(1))
    middle = turned[:, 0, 24:40, 24:40]
    down, right = middle.diff(dim=1).mean((1, 2)), middle.diff(dim=2).mean((1, 2))
    angles = torch.rad2deg(torch.atan2(right, down))
    assert angles.abs().max() < 30.5
    assert angles.abs().max() > 25
    assert abs(float(angles.mean())) < 5


def test_mirroring_mirrors_half() -> None:
    ramp = torch.linspace(0, 1, 16).reshape(1, 1, 1, 16).expand(400, 3, 16, 16)
    flipped = augment(ramp, Augmentation(flip=True), torch.Generator().manual_seed(1))
    mirrored = (flipped[:, 0, 8, 0] > 0.5).float().mean()
    assert math.isclose(float(mirrored), 0.5, abs_tol=0.1)


def test_backgrounds_leave_the_face_alone() -> None:
    generator = np.random.default_rng(3)
    window = np.full((96, 96, 3), 50, np.uint8)
    inside = np.zeros((96, 96), bool)
    inside[20:70, 30:60] = True
    other = generator.integers(100, 256, (40, 40, 3)).astype(np.uint8)
    results = [put_background(window, inside, other, generator) for _ in range(60)]
    assert all((result[inside] == 50).all() for result in results)
    kinds = {
        "kept" if (result == 50).all() else "one colour" if spread == 0 else "patch"
        for result in results
        for spread in [result[~inside].std(axis=0).max()]
    }
    assert kinds == {"kept", "one colour", "patch"}


def test_an_image_without_a_face_still_gives_a_window_of_the_right_size() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    image = LabelledImage(noise, "positive", "made", "train", "", "1")
    prepared = prepare_faces([image], backgrounds=False, seed=1)
    assert prepared.inputs["face"].shape == (1, 96, 96, 3)
    assert prepared.labels.tolist() == [0]

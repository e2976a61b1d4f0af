"""Examples are drawn, paired and concatenated."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.errors import DataError
from sentistream.training.examples import (
    Examples,
    balanced,
    join,
    pair_by_label,
)
from sentistream.training.splits import refuse_shared_people
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


def test_balanced_sampling_draws_each_class_equally() -> None:
    few = examples("face", [0, 1, 1, 1, 2, 2], list("abcdef"))
    assert np.bincount(balanced(few, 4, seed=1).labels).tolist() == [4, 4, 4]


def test_pairs_share_their_class_and_keep_both_people() -> None:
    faces = examples("face", [0, 1, 2, 2], ["", "", "", ""])
    voices = examples("voice", [2, 1, 0, 0], ["v", "w", "x", "y"])
    pairs = pair_by_label(faces, voices, per_class=5, seed=1)
    assert set(pairs.inputs) == {"face", "voice"}
    face_labels = faces.labels[pairs.inputs["face"][:, 0, 0, 0]]
    voice_labels = voices.labels[pairs.inputs["voice"][:, 0, 0, 0]]
    assert (face_labels == pairs.labels).all()
    assert (voice_labels == pairs.labels).all()
    assert set(pairs.people.tolist()) <= {"+v", "+w", "+x", "+y"}
    with pytest.raises(DataError, match="1 people are both"):
        refuse_shared_people(pairs, examples("face", [1], ["w"]))
    refuse_shared_people(pairs, examples("face", [1], ["z"]))


def test_concatenation_keeps_the_order() -> None:
    both = join([examples("face", [0, 1], ["a", "b"]), examples("face", [2], ["c"])])
    assert both.labels.tolist() == [0, 1, 2]
    assert both.people.tolist() == ["a", "b", "c"]


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="the same length"):
        Examples({"face": np.zeros((2, 1, 1, 3), np.uint8)}, np.zeros(3, int), *[np.array([])] * 2)


def test_voiced_windows_exclude_silence() -> None:
    sound = np.zeros(48_000, np.float32)
    sound[20_000:30_000] = 0.1 * np.sin(np.arange(10_000) / 10)
    starts = voiced_starts(sound)
    assert len(starts) > 20
    assert (starts + SAMPLES > 20_000).all()
    assert (starts < 30_000).all()

"""Windows, backgrounds and soft labels of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from sentistream.datasets.images import LabelledImage
from sentistream.training.face_examples import (
    fill_background,
    paper_face_examples,
    read_votes,
    soft_label,
)


def test_backgrounds_do_not_change_the_face() -> None:
    generator = np.random.default_rng(3)
    window = np.full((96, 96, 3), 50, np.uint8)
    inside = np.zeros((96, 96), bool)
    inside[20:70, 30:60] = True
    other = generator.integers(100, 256, (40, 40, 3)).astype(np.uint8)
    results = [fill_background(window, inside, other, generator) for _ in range(60)]
    assert all((result[inside] == 50).all() for result in results)
    kinds = {
        "kept" if (result == 50).all() else "one colour" if spread == 0 else "patch"
        for result in results
        for spread in [result[~inside].std(axis=0).max()]
    }
    assert kinds == {"kept", "one colour", "patch"}


def test_image_without_a_face_still_gives_a_window_of_the_right_size() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    image = LabelledImage(noise, "positive", "made", "train", "", "1")
    prepared = paper_face_examples([image], backgrounds=False, seed=1)
    assert prepared.inputs["face"].shape == (1, 96, 96, 3)
    assert prepared.labels.tolist() == [0]


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
def test_crowd_votes_become_soft_labels(
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
    found = soft_label(image, read_votes(tmp_path / "votes.parquet"))
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-5)

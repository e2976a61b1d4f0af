"""Twins are found, and only twins."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
from material import encoded, scene
from PIL import Image

from sentistream.datasets.images import read_images
from sentistream.datasets.near_duplicates import (
    connected_groups,
    near_duplicate_pairs,
    near_duplicates,
    thumbnail,
)
from sentistream.types import UInt8Array


def stored_anew(pixels: UInt8Array) -> UInt8Array:
    """Smaller, as a poor JPEG, a little darker, one pixel cut off."""
    image = Image.fromarray(pixels[1:, :-1]).resize((48, 48), Image.Resampling.BILINEAR)
    with Image.open(io.BytesIO(encoded(np.asarray(image), "jpeg", 40))) as again:
        return (np.asarray(again) * 0.9).astype(np.uint8)


def grey(pixels: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def test_the_same_picture_stored_anew_is_found_and_others_are_not() -> None:
    pictures = [scene(seed) for seed in range(60)]
    pictures += [stored_anew(pictures[7]), grey(stored_anew(pictures[7]))]
    pictures.append(stored_anew(pictures[20]))
    assert near_duplicates(pictures) == [[7, 60, 61], [20, 62]]


def test_pictures_of_one_colour_are_twins_of_their_own_colour_only() -> None:
    flat = [np.full((20, 20, 3), level, np.uint8) for level in (10, 10, 200)]
    assert near_duplicates([*flat, scene(1)]) == [[0, 1]]


def test_nothing_and_one_have_no_twins() -> None:
    assert near_duplicates([]) == []
    assert near_duplicates([scene(1)]) == []


def test_groups_join_what_is_linked() -> None:
    assert connected_groups([(5, 3), (1, 2), (3, 9), (8, 2)]) == [[1, 2, 8], [3, 5, 9]]


def test_thousands_take_seconds() -> None:
    generator = np.random.default_rng(3)
    thumbnails = np.stack([thumbnail(scene(seed)) for seed in range(400)])
    many = np.concatenate([thumbnails] * 10)
    noise = generator.integers(-4, 5, many.shape)
    noisy = np.clip(many[:, ::-1] // 2 + 60 + noise, 0, 255).astype(np.uint8)
    start = time.process_time()
    pairs = near_duplicate_pairs(noisy)
    assert time.process_time() - start < 20
    # all copies of each of the 400 find each other
    assert {len(group) for group in connected_groups(pairs)} == {10}


def test_twins_of_real_faces(real_data: Path) -> None:
    rows = []
    for image in read_images(real_data / "faces.parquet"):
        rows.append(image.pixels)
        if len(rows) == 4_000:
            break
    groups = near_duplicates(rows)
    assert 10 < len(groups) < 120

"""Near-duplicates are found, and nothing else."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
from PIL import Image
from synthetic_datasets import encoded, scene

from sentistream.datasets.images import read_images
from sentistream.datasets.near_duplicates import (
    connected_groups,
    near_duplicate_pairs,
    near_duplicates,
    thumbnail,
)
from sentistream.types import UInt8Array


def reencoded(pixels: UInt8Array) -> UInt8Array:
    """Smaller, as a low-quality JPEG, slightly darker, one pixel cropped."""
    image = Image.fromarray(pixels[1:, :-1]).resize((48, 48), Image.Resampling.BILINEAR)
    with Image.open(io.BytesIO(encoded(np.asarray(image), "jpeg", 40))) as again:
        return (np.asarray(again) * 0.9).astype(np.uint8)


def grey(pixels: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def test_reencoded_picture_is_found_and_others_are_not() -> None:
    pictures = [scene(seed) for seed in range(60)]
    pictures += [reencoded(pictures[7]), grey(reencoded(pictures[7]))]
    pictures.append(reencoded(pictures[20]))
    assert near_duplicates(pictures) == [[7, 60, 61], [20, 62]]


def test_single_color_pictures_match_their_own_color_only() -> None:
    flat = [np.full((20, 20, 3), level, np.uint8) for level in (10, 10, 200)]
    assert near_duplicates([*flat, scene(1)]) == [[0, 1]]


def test_empty_and_single_inputs_have_no_duplicates() -> None:
    assert near_duplicates([]) == []
    assert near_duplicates([scene(1)]) == []


def test_groups_merge_linked_pairs() -> None:
    assert connected_groups([(5, 3), (1, 2), (3, 9), (8, 2)]) == [[1, 2, 8], [3, 5, 9]]


def test_thousands_of_pictures_take_seconds() -> None:
    generator = np.random.default_rng(3)
    thumbnails = np.stack([thumbnail(scene(seed)) for seed in range(400)])
    many = np.concatenate([thumbnails] * 10)
    noise = generator.integers(-4, 5, many.shape)
    noisy = np.clip(many[:, ::-1] // 2 + 60 + noise, 0, 255).astype(np.uint8)
    start = time.process_time()
    pairs = near_duplicate_pairs(noisy)
    assert time.process_time() - start < 20
    # all copies of each of the 400 match each other
    assert {len(group) for group in connected_groups(pairs)} == {10}


def test_near_duplicates_of_real_faces_are_found(real_data: Path) -> None:
    rows = []
    for image in read_images(real_data / "faces.parquet"):
        rows.append(image.pixels)
        if len(rows) == 4_000:
            break
    groups = near_duplicates(rows)
    assert 10 < len(groups) < 120

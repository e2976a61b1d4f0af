"""Augmentation stays within its limits and preserves the content of an image."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch
from torch import Tensor

from sentistream.training.augmentation import (
    STORED_FACE_SIZE,
    augment_faces,
    augment_faces_weakly,
    augment_images,
    augment_mouths,
    random_detail,
)
from sentistream.training.recipes import Augmentation
from sentistream.vision.alignment import VIEW_SIZE


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def test_disabled_augmentation_changes_nothing() -> None:
    images = torch.rand(3, 3, 12, 12)
    same = augment_images(images, Augmentation(), torch.Generator().manual_seed(1))
    assert torch.allclose(same, images, atol=1e-5)


def test_augmentation_stays_within_its_limits() -> None:
    rows = torch.linspace(0, 1, 64).reshape(1, 1, 64, 1).expand(200, 3, 64, 64)
    turned = augment_images(rows, Augmentation(rotation=30), torch.Generator().manual_seed(1))
    middle = turned[:, 0, 24:40, 24:40]
    down, right = middle.diff(dim=1).mean((1, 2)), middle.diff(dim=2).mean((1, 2))
    angles = torch.rad2deg(torch.atan2(right, down))
    assert angles.abs().max() < 30.5
    assert angles.abs().max() > 25
    assert abs(float(angles.mean())) < 5


def test_mirroring_mirrors_half() -> None:
    ramp = torch.linspace(0, 1, 16).reshape(1, 1, 1, 16).expand(400, 3, 16, 16)
    flipped = augment_images(ramp, Augmentation(flip=True), torch.Generator().manual_seed(1))
    mirrored = (flipped[:, 0, 8, 0] > 0.5).float().mean()
    assert math.isclose(float(mirrored), 0.5, abs_tol=0.1)


@pytest.mark.parametrize("change", [augment_faces, augment_faces_weakly])
def test_stored_faces_become_random_views(change: Callable[[Tensor], Tensor]) -> None:
    stored = torch.rand(6, 1, STORED_FACE_SIZE, STORED_FACE_SIZE)
    seen = change(stored)
    assert seen.shape == (6, 1, VIEW_SIZE, VIEW_SIZE)
    assert bool(seen.isfinite().all())
    assert not torch.equal(seen, change(stored))


def test_augmented_face_still_shows_the_same_face() -> None:
    size = STORED_FACE_SIZE
    y = torch.linspace(-1, 1, size)[:, None]
    bright_below = (0.5 + 0.4 * y).expand(32, 1, size, size)
    seen = augment_faces_weakly(bright_below)
    below = seen[:, :, 30:].mean((1, 2, 3)) > seen[:, :, :18].mean((1, 2, 3))
    assert bool(below.all())


def test_mouths_keep_their_size() -> None:
    seen = augment_mouths(torch.rand(6, 1, 32, 32))
    assert seen.shape == (6, 1, 32, 32)
    assert bool(seen.isfinite().all())


def test_detail_changes_and_coarse_brightness_stays() -> None:
    coarse = torch.linspace(0.2, 0.8, 48).reshape(1, 1, 1, 48).expand(60, 1, 48, 48)
    fine = 0.05 * torch.tensor([1.0, -1.0]).repeat(24).reshape(1, 1, 48, 1)
    images = coarse + fine
    changed = random_detail(images, 0.5)
    contrast = (changed[:, 0, 16:32] - coarse[:, 0, 16:32]).abs().mean((1, 2)) / 0.05
    kept = (contrast - 1).abs() < 1e-4
    assert 0.2 < kept.float().mean() < 0.8
    assert bool((contrast[~kept] < 0.8).any())
    assert bool((contrast[~kept] > 1.2).any())
    assert contrast.max() < 2.3
    middle = slice(12, 36)
    assert torch.allclose(
        changed[:, 0, middle, middle].mean(), images[:, 0, middle, middle].mean(), atol=0.01
    )
    assert torch.equal(random_detail(images, 0.0), images)

from __future__ import annotations

import numpy as np
import pytest

from sentistream.types import Box, UInt8Array
from sentistream.vision.changes import SceneChanges


def room(seed: int = 0, height: int = 360, width: int = 640) -> UInt8Array:
    blocks = np.random.default_rng(seed).integers(40, 200, (height // 40, width // 40))
    return np.kron(blocks, np.ones((40, 40))).astype(np.uint8)


def with_square(picture: UInt8Array, left: int, top: int, size: int = 60) -> UInt8Array:
    changed = picture.copy()
    changed[top : top + size, left : left + size] = (
        255 - changed[top : top + size, left : left + size]
    )
    return changed


def searched(*pictures: UInt8Array) -> SceneChanges:
    scene = SceneChanges()
    for number, picture in enumerate(pictures):
        scene.see(picture)
        scene.searched(everywhere=number == 0)
    return scene


def test_nothing_changes_in_the_same_picture_with_noise() -> None:
    scene = searched(room())
    noise = np.random.default_rng(1).normal(0, 6, room().shape)
    scene.see((room() + noise).clip(0, 255).astype(np.uint8))
    assert scene.changed([], margin=0) is None
    assert not scene.is_other_scene


@pytest.mark.parametrize(("left", "top"), [(0, 0), (300, 100), (580, 300)])
def test_what_changed_is_boxed(left: int, top: int) -> None:
    scene = searched(room())
    scene.see(with_square(room(), left, top))
    box = scene.changed([], margin=0)
    assert box is not None
    assert box.iou(Box(left, top, left + 60, top + 60)) > 0.5
    wide = scene.changed([], margin=30)
    assert wide is not None
    assert wide.width == pytest.approx(box.width + 60)


def test_a_known_face_may_move() -> None:
    scene = searched(room())
    scene.see(with_square(room(), 300, 100))
    assert scene.changed([Box(280, 80, 400, 200)], margin=0) is None
    assert scene.changed([Box(0, 0, 100, 100)], margin=0) is not None
    assert scene.changed([Box(-900, -900, -800, -800)], margin=0) is not None


def test_restless_places_are_searched_once_and_newcomers_still_seen() -> None:
    moving = [with_square(room(), 300, top) for top in (100, 110, 120)]
    scene = searched(room(), *moving[:2])
    scene.see(moving[2])
    assert scene.changed([], margin=0) is None
    scene.see(with_square(moving[2], 20, 20))
    box = scene.changed([], margin=0)
    assert box is not None
    assert box.right < 200
    scene.searched(everywhere=True)
    scene.see(moving[0])
    assert scene.changed([], margin=0) is not None


def test_a_cut_is_another_scene_and_an_even_picture_holds_nothing() -> None:
    scene = searched(room())
    scene.see(room(seed=5))
    assert scene.is_other_scene
    scene.see(np.full((360, 640), 90, np.uint8))
    assert scene.is_even


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (37, 51)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    scene = SceneChanges()
    picture = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    scene.see(picture)
    assert scene.changed([], margin=0) is not None
    scene.searched(everywhere=True)
    scene.see(picture)
    assert scene.changed([Box(0, 0, 5, 5)], margin=1) is None


def test_another_size_is_all_new() -> None:
    scene = searched(room())
    scene.see(room(height=240, width=320))
    box = scene.changed([], margin=0)
    assert box is not None
    assert box.width >= 320

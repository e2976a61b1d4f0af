from __future__ import annotations

import numpy as np
import pytest

from sentistream.types import Box, UInt8Array
from sentistream.vision.scene_change import SceneChangeDetector


def scene(seed: int, height: int = 360, width: int = 640) -> UInt8Array:
    blocks = np.random.default_rng(seed).integers(40, 200, (height // 40 + 1, width // 40 + 1))
    return np.kron(blocks, np.ones((40, 40)))[:height, :width].astype(np.uint8)


def test_cut_is_reported_once() -> None:
    cuts = SceneChangeDetector()
    cuts_found = [
        cuts.is_cut(picture) for picture in [scene(1)] * 5 + [scene(2)] * 5 + [scene(1)] * 3
    ]
    assert [number for number, cut in enumerate(cuts_found) if cut] == [5, 10]


def test_motion_light_and_noise_are_no_cuts() -> None:
    cuts = SceneChangeDetector()
    wide = scene(3, width=1280)
    noise = np.random.default_rng(1)
    for step in range(40):
        picture = wide[:, 12 * step : 12 * step + 640].astype(float)
        picture = picture * (1 - 0.01 * step) + noise.normal(0, 6, picture.shape)
        assert not cuts.is_cut(np.clip(picture, 0, 255).astype(np.uint8))


def test_size_change_is_a_new_scene() -> None:
    cuts = SceneChangeDetector()
    assert not cuts.is_cut(scene(1))
    assert cuts.is_cut(scene(1, height=200))


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (37, 51)])
def test_pictures_of_any_size_are_accepted(shape: tuple[int, int]) -> None:
    cuts = SceneChangeDetector()
    assert not cuts.is_cut(np.zeros(shape, np.uint8))
    assert cuts.is_cut(np.full(shape, 255, np.uint8))


def test_fast_pan_is_at_most_one_cut() -> None:
    cuts = SceneChangeDetector()
    calm, turned = scene(1), [scene(seed) for seed in range(2, 8)]
    cuts_found = [cuts.is_cut(picture) for picture in [*[calm] * 10, *turned, *[turned[-1]] * 10]]
    assert sum(cuts_found) <= 1
    # once the picture is still again, the next cut is reported
    assert cuts.is_cut(calm)


def test_small_motion_is_detected_unless_ignored_and_noise_is_not() -> None:
    scenes, noise = SceneChangeDetector(), np.random.default_rng(2)
    still = scene(1, height=720, width=1280).astype(float)

    def shown(level: float, *, something: bool = False, sigma: float = 4) -> UInt8Array:
        picture = level * still
        if something:
            picture[300:330, 640:670] = level * 230 - picture[300:330, 640:670] / 2
        picture = picture + noise.normal(0, sigma, picture.shape)
        return np.clip(picture, 0, 255).astype(np.uint8)

    for level in (1.0, 0.25):
        scenes.is_cut(shown(level))
        scenes.set_reference()
        for _ in range(20):
            scenes.is_cut(shown(level))
            assert not scenes.has_moved()
        scenes.is_cut(shown(level, something=True))
        assert scenes.has_moved()
        assert scenes.has_moved([Box(0, 0, 400, 720)])
        assert not scenes.has_moved([Box(600, 200, 700, 5000)])


def test_first_picture_counts_as_motion_everywhere() -> None:
    scenes = SceneChangeDetector()
    assert scenes.has_moved()
    scenes.is_cut(scene(1))
    assert scenes.has_moved()
    scenes.set_reference()
    assert not scenes.has_moved()
    scenes.is_cut(scene(1, height=200))
    assert scenes.has_moved()

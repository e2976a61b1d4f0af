from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from portrait_geometry import PORTRAIT_FACE
from sentistream.types import Box, UInt8Array
from sentistream.vision.hog_detector import HogDetector, smallest_face


@pytest.fixture(scope="module")
def detector() -> HogDetector:
    return HogDetector()


def resized(luma: UInt8Array, factor: float) -> UInt8Array:
    rows, columns = luma.shape
    size = (round(columns * factor), round(rows * factor))
    return np.asarray(Image.fromarray(luma).resize(size, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_face_is_found_at_any_picture_size(
    detector: HogDetector, portrait_luma: UInt8Array, factor: float
) -> None:
    best = detector.detect(resized(portrait_luma, factor))[0]
    box = best.box
    assert best.score > 0.7
    assert box.width / factor == pytest.approx(PORTRAIT_FACE.width, rel=0.2)
    assert [edge / factor for edge in box.center] == pytest.approx(PORTRAIT_FACE.center, abs=14)


def test_region_search_returns_picture_coordinates(
    detector: HogDetector, portrait_luma: UInt8Array
) -> None:
    found = detector.detect(portrait_luma, PORTRAIT_FACE.scaled(1.6), face_width=108)
    assert len(found) == 1
    assert found[0].box.iou(PORTRAIT_FACE) > 0.6


@pytest.mark.parametrize("view", [np.s_[:, ::-1], np.s_[:, :400]])
def test_strided_views_are_read(
    detector: HogDetector, portrait_luma: UInt8Array, view: tuple[slice, slice]
) -> None:
    assert detector.detect(portrait_luma[view]) == detector.detect(portrait_luma[view].copy()) != []


@pytest.mark.parametrize("region", [Box(900, 900, 1000, 1000), Box(-300, -300, -10, -10)])
def test_region_outside_the_picture_has_no_face(
    detector: HogDetector, portrait_luma: UInt8Array, region: Box
) -> None:
    assert detector.detect(portrait_luma, region) == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (40, 2), (270, 360)])
def test_pictures_without_a_face_give_none(detector: HogDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros(shape, np.uint8)) == []


def test_smallest_face_scales_with_the_picture_to_bound_the_cost() -> None:
    assert smallest_face(360, 270) == 40
    for width, height in [(640, 480), (1280, 720), (3840, 2160), (20000, 400)]:
        scale = 80 / smallest_face(width, height)
        assert width * scale * height * scale <= 640_001

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from portrait_geometry import PORTRAIT_FACE
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_detector import (
    COARSE,
    FINE,
    LOOKS,
    MULTIPLE,
    THRESHOLD,
    Detection,
    Detector,
    NetworkDetector,
    box_in_picture,
    looked_at_closer,
    make_detector,
    shown_size,
    suppressed,
)
from sentistream.vision.face_geometry import square_of_points
from sentistream.vision.face_tracker import FaceTracker
from sentistream.vision.landmarker import make_landmarker


@pytest.fixture(scope="module")
def detector() -> Detector:
    return make_detector(LITE)


def resized(luma: UInt8Array, factor: float) -> UInt8Array:
    rows, columns = luma.shape
    size = (round(columns * factor), round(rows * factor))
    return np.asarray(Image.fromarray(luma).resize(size, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("factor", [0.3, 0.5, 1.0, 2.5])
def test_face_is_found_at_any_picture_size(
    detector: Detector, portrait_luma: UInt8Array, factor: float
) -> None:
    found = detector.detect(resized(portrait_luma, factor))[0]
    x, y = (edge / factor for edge in found.box.center)
    inside = PORTRAIT_FACE
    assert inside.left < x < inside.right
    assert inside.top - 20 < y < inside.bottom
    assert found.points is not None
    eyes, mouth = found.points[:2].mean(axis=0), found.points[3:].mean(axis=0)
    assert mouth[1] - eyes[1] > 0.3 * found.box.height


def turned(luma: UInt8Array, degrees: float) -> tuple[UInt8Array, tuple[float, float]]:
    """The portrait rotated clockwise, and the center of its face."""
    pixels = np.asarray(Image.fromarray(luma).rotate(-degrees, fillcolor=90))
    rows, columns = pixels.shape
    x, y = PORTRAIT_FACE.center[0] - columns / 2, PORTRAIT_FACE.center[1] - rows / 2
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return pixels, (x * cosine - y * sine + columns / 2, x * sine + y * cosine + rows / 2)


@pytest.mark.parametrize("degrees", [30, 45, 90, 180, -60])
def test_rotated_face_is_found(
    detector: Detector, portrait_luma: UInt8Array, degrees: float
) -> None:
    pixels, middle = turned(portrait_luma, degrees)
    found = detector.detect(pixels)
    assert any(math.dist(one.box.center, middle) < 0.3 * one.box.width for one in found)


@pytest.mark.parametrize("degrees", [20, 30, 45, -30])
def test_rotated_face_is_tracked_with_its_roll(
    detector: Detector, portrait_luma: UInt8Array, degrees: float
) -> None:
    """The landmark network gets it at several rotations; the upright one is used."""
    pixels, middle = turned(portrait_luma, degrees)
    tracker = FaceTracker(detector, make_landmarker(LITE.landmark_model))
    picture = RgbPicture(np.repeat(pixels[..., np.newaxis], 3, axis=2))
    face = min(tracker.update(picture, 0.0), key=lambda face: math.dist(face.box.center, middle))
    assert face.readable
    assert face.pose is not None
    assert face.pose.roll == pytest.approx(degrees, abs=20)


@pytest.mark.parametrize("light", [0.25, 1 / 16])
def test_face_is_found_in_low_light(
    detector: Detector, portrait_luma: UInt8Array, light: float
) -> None:
    assert detector.detect((portrait_luma * light).astype(np.uint8))


def test_known_face_is_found_near_its_place_and_nowhere_else(
    detector: Detector, portrait_luma: UInt8Array
) -> None:
    whole = detector.detect(portrait_luma)[0]
    aside = Box(whole.box.left + 8, whole.box.top, whole.box.right + 8, whole.box.bottom)
    (near,) = detector.detect_near(portrait_luma, aside)
    assert near.box.iou(whole.box) > 0.6
    assert detector.detect_near(portrait_luma, Box(5, 350, 105, 470)) == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (40, 2), (270, 360)])
def test_noise_and_empty_pictures_have_no_face(detector: Detector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros(shape, np.uint8)) == []


@given(st.integers(1, 8_000), st.integers(1, 8_000))
def test_detector_input_sizes_are_multiples_and_bounded(width: int, height: int) -> None:
    for longest in (COARSE, FINE):
        shown = shown_size(width, height, longest)
        assert all(side % MULTIPLE == 0 and MULTIPLE <= side <= longest for side in shown)


def test_closer_look_raises_a_face_and_lowers_what_is_none(
    detector: Detector, portrait_luma: UInt8Array
) -> None:
    face = detector.detect(portrait_luma)[0]
    doubtful = replace(face, score=0.5)
    nearer = detector.look_closer(portrait_luma, doubtful)
    assert nearer.score > 0.65
    assert nearer.box.iou(face.box) > 0.8
    wall = Detection(Box(5, 350, 105, 470), 0.5, face.points)
    assert detector.look_closer(portrait_luma, wall).score < 0.4


class CountedRuns:
    """A network that counts its runs."""

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self.runs = 0

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        self.runs += 1
        return self._network.run(**inputs)


def test_closer_looks_end_once_there_is_clearly_no_face(portrait_luma: UInt8Array) -> None:
    network = CountedRuns(load_network(LITE.detector_model))
    detector = NetworkDetector(network)
    face = detector.detect(portrait_luma)[0]
    network.runs = 0
    detector.look_closer(portrait_luma, face)
    assert network.runs == 2 * len(LOOKS)  # and mirrored
    network.runs = 0
    wall = Detection(Box(5, 350, 105, 470), 0.3, face.points)
    assert detector.look_closer(portrait_luma, wall).score < 0.3
    assert network.runs < 2 * len(LOOKS)


@pytest.mark.parametrize("degrees", [45, 90, 180, -60])
def test_turned_faces_are_looked_at_upright(
    detector: Detector, portrait_luma: UInt8Array, degrees: float
) -> None:
    """Whatever their roll, the score stays; of a face that is not turned back, it falls."""
    face = detector.detect(portrait_luma)[0]
    assert face.points is not None
    pixels, _ = turned(portrait_luma, degrees)
    points = turned_points(face.points, portrait_luma.shape, degrees)
    x, y = turned_points(np.array([face.box.center]), portrait_luma.shape, degrees)[0]
    half = max(face.box.width, face.box.height) / 2
    box = Box(x - half, y - half, x + half, y + half)
    upright = detector.look_closer(portrait_luma, replace(face, score=0.5))
    same = detector.look_closer(pixels, Detection(box, 0.5, points))
    assert same.score == pytest.approx(upright.score, abs=0.15)
    assert same.box.iou(box) > 0.7


@pytest.mark.parametrize("degrees", [-90, -60, 60, 90])
def test_face_whose_points_are_wrong_is_seen_at_its_own_roll(
    detector: Detector, portrait_luma: UInt8Array, degrees: float
) -> None:
    face = detector.detect(portrait_luma)[0]
    pixels, _ = turned(portrait_luma, degrees)
    x, y = turned_points(np.array([face.box.center]), portrait_luma.shape, degrees)[0]
    half = max(face.box.width, face.box.height) / 2
    found = Detection(Box(x - half, y - half, x + half, y + half), 0.5, face.points)
    once = detector.look_closer(pixels, found)
    assert once.score < THRESHOLD
    looked = detector.look_closer(pixels, found, any_roll=True)
    assert looked.score > THRESHOLD
    assert looked.points is not None
    roll = math.degrees(square_of_points(looked.points).roll)
    assert abs((roll - degrees + 180) % 360 - 180) <= 45


@given(
    box=st.tuples(*[st.floats(0, 50)] * 2, *[st.floats(1, 50)] * 2),
    turns=st.integers(-4, 4),
)
def test_box_in_a_view_keeps_its_area_and_distance_at_quarter_turns(
    box: tuple[float, float, float, float], turns: int
) -> None:
    left, top, width, height = box
    seen = Box(left, top, left + width, top + height)
    where = Alignment(30.0, 20.0, 60.0, turns * math.pi / 2)
    back = box_in_picture(seen, where)
    assert back.area == pytest.approx(seen.area, rel=1e-6)
    assert math.dist(back.center, (30, 20)) == pytest.approx(
        math.dist(seen.center, (30, 20)), abs=1e-6
    )
    sides = (seen.width, seen.height) if turns % 2 == 0 else (seen.height, seen.width)
    assert (back.width, back.height) == pytest.approx(sides, rel=1e-6)


def turned_points(points: FloatArray, shape: tuple[int, ...], degrees: float) -> FloatArray:
    """Where points of the portrait are in it rotated clockwise, (N, 2)."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray((points - middle) @ matrix + middle, dtype=np.float32)


def test_detections_that_turn_out_to_be_one_face_are_one(
    detector: Detector, portrait_luma: UInt8Array
) -> None:
    face = detector.detect(portrait_luma)[0]
    box = face.box
    aside = Box(box.left - 0.3 * box.width, box.top, box.right - 0.3 * box.width, box.bottom)
    found = [face, replace(face, box=aside, score=0.2), replace(face, box=box.scaled(0.8))]
    (one,) = looked_at_closer(detector, portrait_luma, found)
    assert one.box.iou(box) > 0.7
    assert looked_at_closer(detector, portrait_luma, []) == []


def test_closer_look_is_the_same_in_the_mirror(
    detector: Detector, portrait_luma: UInt8Array
) -> None:
    face = detector.detect(portrait_luma)[0]
    columns = portrait_luma.shape[1]
    box = Box(columns - face.box.right, face.box.top, columns - face.box.left, face.box.bottom)
    mirrored = np.ascontiguousarray(portrait_luma[:, ::-1])
    same = detector.look_closer(mirrored, Detection(box, face.score, face.points))
    nearer = detector.look_closer(portrait_luma, face)
    assert same.score == pytest.approx(nearer.score, abs=0.05)
    assert columns - same.box.right == pytest.approx(nearer.box.left, abs=2)


boxes = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.floats(0, 100),
        st.floats(0, 100),
        st.floats(1, 60),
        st.floats(1, 60),
    ),
    max_size=12,
)


def overlap(one: FloatArray, other: FloatArray) -> float:
    return Box(*one[1:5].tolist()).iou(Box(*other[1:5].tolist()))


@given(boxes)
def test_non_maximum_suppression_keeps_the_best_of_overlapping_boxes(
    drawn: list[tuple[float, float, float, float, float]],
) -> None:
    found = np.array(
        [(score, x, y, x + wide, y + tall) for score, x, y, wide, tall in drawn], np.float32
    ).reshape(-1, 5)
    kept = suppressed(found, 0.4)
    assert len(set(kept.tolist())) == len(kept)
    assert list(found[kept, 0]) == sorted(found[kept, 0], reverse=True)
    for position, one in enumerate(kept):
        assert all(overlap(found[one], found[other]) <= 0.401 for other in kept[:position])
    if len(found):
        assert found[:, 0].max() == found[kept[0], 0]

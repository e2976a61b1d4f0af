"""Precision, recall and corruptions of annotated faces, on manually counted cases."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sentistream.evaluation import corruptions
from sentistream.evaluation.corruption_conditions import (
    PICTURE_CONDITIONS,
    rotate_annotated,
    shrink_annotated,
)
from sentistream.evaluation.evaluation_metrics import cluster_interval
from sentistream.evaluation.face_annotations import AnnotatedFace
from sentistream.evaluation.face_detection_metrics import (
    MatchedPicture,
    ScoredBox,
    average_precision,
    match_detections,
    precision_recall,
)
from sentistream.evaluation.picture_detection import (
    bin_label,
    bin_labels,
    parse_fairface_info,
    source_groups,
)
from sentistream.types import Box, UInt8Array

LEFT, RIGHT, AWAY = Box(0, 0, 100, 100), Box(200, 0, 300, 100), Box(500, 500, 600, 600)


def test_best_detection_matches_and_a_second_one_is_false() -> None:
    found = [ScoredBox(Box(0, 0, 100, 90), 0.5), ScoredBox(LEFT, 0.9), ScoredBox(AWAY, 0.1)]
    matched = match_detections(found, [AnnotatedFace(LEFT), AnnotatedFace(RIGHT)])
    assert matched.scores.tolist() == [0.9, 0.5, 0.1]
    assert matched.face_of.tolist() == [0, -1, -1]
    assert matched.found(0.5) == {0}
    assert matched.false(0.5) == 1
    assert matched.false(0.0) == 2


def test_overlap_below_half_is_a_miss() -> None:
    faces = [AnnotatedFace(LEFT)]
    assert match_detections([ScoredBox(Box(0, 0, 100, 50), 1)], faces).face_of.tolist() == [0]
    assert match_detections([ScoredBox(Box(0, 0, 100, 49), 1)], faces).face_of.tolist() == [-1]


def test_ignored_region_is_neither_missed_nor_false() -> None:
    faces = [AnnotatedFace(LEFT), AnnotatedFace(RIGHT, counted=False)]
    within = ScoredBox(Box(210, 10, 230, 30), 0.8)
    matched = match_detections([ScoredBox(RIGHT, 0.9), within, ScoredBox(AWAY, 0.7)], faces)
    assert matched.counted == 1
    assert matched.face_of.tolist() == [-2, -2, -1]
    assert matched.false(0) == 1


def test_average_precision_uses_all_points() -> None:
    first = match_detections([ScoredBox(LEFT, 0.9), ScoredBox(AWAY, 0.8)], [AnnotatedFace(LEFT)])
    second = match_detections([ScoredBox(RIGHT, 0.7)], [AnnotatedFace(LEFT), AnnotatedFace(RIGHT)])
    curve = precision_recall([first, second])
    assert curve.recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert curve.threshold.tolist() == [0.9, 0.8, 0.7]
    assert curve.average == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    low, high = curve.average_ci95
    assert low < curve.average < high


def test_precision_envelope_takes_the_best_at_a_larger_recall() -> None:
    recall, precision = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 2 / 3])
    assert average_precision(recall, precision) == pytest.approx(2 / 3)
    assert average_precision(np.zeros(0), np.zeros(0)) == 0


def test_curve_without_faces_is_undefined() -> None:
    nothing = MatchedPicture(np.zeros(0, np.int64), np.zeros(0), ())
    with pytest.raises(ValueError, match="nothing to recall"):
        precision_recall([nothing])


def test_bootstrap_interval_widens_where_pictures_differ() -> None:
    assert cluster_interval([5], [10]) is None
    assert cluster_interval([5, 5, 0], [10, 10, 0]) == (0.5, 0.5)
    interval = cluster_interval([10, 0] * 10, [10, 10] * 10)
    assert interval is not None
    assert interval[0] < 0.35
    assert interval[1] > 0.65


def ellipse(box: Box, width: int, height: int) -> UInt8Array:
    """A white ellipse on black."""
    image = Image.new("RGB", (width, height))
    ImageDraw.Draw(image).ellipse((box.left, box.top, box.right - 1, box.bottom - 1), fill="white")
    return np.asarray(image)


def bounds(pixels: UInt8Array) -> tuple[float, float, float, float]:
    """Bounds of the bright pixels."""
    rows, columns = np.nonzero(pixels[..., 0] > 127)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("degrees", [0, 15, 45, 90, 180])
def test_box_turns_with_the_face(degrees: float) -> None:
    face = AnnotatedFace(Box(20, 30, 80, 110))
    pixels, (moved,) = rotate_annotated(ellipse(face.box, 240, 160), (face,), degrees)
    assert pixels.shape[0] == pixels.shape[1] == 289
    box = moved.box
    assert bounds(pixels) == pytest.approx((box.left, box.top, box.right, box.bottom), abs=1.6)


def test_largest_face_shrinks_to_a_size_and_alone_counts() -> None:
    large, small = AnnotatedFace(Box(40, 20, 100, 100)), AnnotatedFace(Box(150, 20, 170, 50))
    changed = shrink_annotated(ellipse(large.box, 240, 160), (small, large), 24)
    assert changed is not None
    pixels, (other, moved) = changed
    assert pixels.shape == (160, 240, 3)
    assert moved.size == pytest.approx(24, abs=0.5)
    assert (other.counted, moved.counted) == (False, True)
    box = moved.box
    assert bounds(pixels) == pytest.approx((box.left, box.top, box.right, box.bottom), abs=1)
    assert shrink_annotated(pixels, (moved,), 40) is None


def test_motion_blur_is_horizontal_only() -> None:
    pixels = np.zeros((3, 9, 3), np.uint8)
    pixels[1, 4] = 255
    smeared = corruptions.motion_blur(pixels, 3)
    assert smeared.shape == pixels.shape
    assert smeared[1, :, 0].tolist() == [0, 0, 0, 85, 85, 85, 0, 0, 0]
    assert not smeared[[0, 2]].any()
    assert (corruptions.motion_blur(pixels, 1) == pixels).all()
    even = np.full((2, 5, 3), 200, np.uint8)
    assert (corruptions.motion_blur(even, 4) == 200).all()


def test_mask_covers_only_the_lower_half_of_the_face() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    covered = corruptions.add_face_mask(pixels, Box(20, 20, 80, 80))
    assert not pixels.any()
    assert not covered[:49].any()
    assert covered[60, 50].all()
    assert not covered[60, 10].any()
    assert not covered[82:].any()


def test_stronger_jpeg_compression_has_a_larger_error() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (32, 48, 3), np.uint8)
    weak, strong = corruptions.compress(pixels, 90), corruptions.compress(pixels, 5)
    assert weak.shape == strong.shape == pixels.shape
    error = [np.abs(one.astype(int) - pixels).mean() for one in (weak, strong)]
    assert error[0] < error[1]


@pytest.mark.parametrize("condition", PICTURE_CONDITIONS, ids=lambda one: f"{one.kind} {one.level}")
def test_every_condition_leaves_a_face_to_find(condition: object) -> None:
    face = AnnotatedFace(Box(20, 30, 80, 110))
    pixels = ellipse(face.box, 240, 160)
    changed = condition.make(pixels, (face,), np.random.default_rng(0))  # type: ignore[attr-defined]
    assert changed is not None
    assert changed[0].dtype == np.uint8
    assert sum(one.counted for one in changed[1]) == 1


def test_bands_have_names() -> None:
    assert bin_labels((12, 24), "px") == ["below 12 px", "12-24 px", "24 px and more"]
    assert bin_label(24, (12, 24), "px") == "24 px and more"
    assert bin_label(23.9, (12, 24), "px") == "12-24 px"


def test_fairface_info_is_parsed() -> None:
    assert parse_fairface_info("East Asian|Female|20-29") == ("East Asian", "Female", "20-29")
    assert parse_fairface_info("a|b|c") is None
    assert parse_fairface_info("") is None


def test_single_picture_sources_are_grouped() -> None:
    few = ["office", "street 1", "street 2"]
    assert source_groups(few) == {source: source for source in few}
    many = [f"clip frame hall_{number}.mp4" for number in range(30)]
    many += ["owner/set@12ab:a/b.jpg (first)", "Known Set v3, x/y", "One owner/set@1:b.jpg"]
    kinds = source_groups(many)
    assert kinds["clip frame hall_7.mp4"] == "clip frame"
    assert kinds["owner/set@12ab:a/b.jpg (first)"] == "owner/set (first)"
    assert kinds["Known Set v3, x/y"] == "Known Set"
    assert kinds["One owner/set@1:b.jpg"] == "One"

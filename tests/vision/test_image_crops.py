"""Images of any shape are padded to the networks' square, never stretched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train'")


from sentistream.datasets.images import LabelledImage
from sentistream.evaluation import predictors
from sentistream.media.resample import as_square
from sentistream.profiles import LITE, PAPER, PROFILES, Profile
from sentistream.training.mouth_task import lite_mouth_examples, paper_mouth_examples
from sentistream.types import Box, UInt8Array
from sentistream.vision.face_detector import make_detector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import make_landmarker

SHAPES = ((60, 180), (180, 60), (90, 90), (75, 90))


def disc(rows: int, columns: int) -> UInt8Array:
    """A bright disc centered on grey, shape (rows, columns, 3)."""
    y, x = np.mgrid[0:rows, 0:columns]
    radius = 0.4 * min(rows, columns)
    inside = np.hypot(x + 0.5 - columns / 2, y + 0.5 - rows / 2) < radius
    return np.repeat(np.where(inside, 240, 40).astype(np.uint8)[..., None], 3, axis=2)


def spans(square: NDArray[Any]) -> tuple[float, float]:
    """Width and height of the disc, in pixels of the square; fails if it is off-center."""
    brightness = np.asarray(square, np.float32).reshape(*square.shape[:2], -1).mean(axis=2)
    bright = (brightness - 40) / 200
    middle = (np.arange(len(bright)) + 0.5) - len(bright) / 2
    assert abs((bright.sum(axis=0) @ middle) / bright.sum()) < 0.1
    assert abs((bright.sum(axis=1) @ middle) / bright.sum()) < 0.1
    return float(bright.max(axis=0).sum()), float(bright.max(axis=1).sum())


def assert_round(square: NDArray[Any], shape: tuple[int, int]) -> None:
    width, height = spans(square)
    assert square.shape[0] == square.shape[1]
    assert width == pytest.approx(height, abs=0.6)
    assert width == pytest.approx(0.8 * min(shape) / max(shape) * len(square), abs=1.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_disc_stays_round(shape: tuple[int, int]) -> None:
    assert_round(as_square(disc(*shape), 32), shape)
    assert_round(as_square(disc(*shape)[..., 0], 28), shape)


def test_padding_repeats_the_edge() -> None:
    columns = np.linspace(0, 250, 80).astype(np.uint8)
    wide = np.broadcast_to(columns, (20, 80)).copy()
    wide[:10] //= 2
    square = as_square(wide, 40)
    assert np.abs(square[:18].astype(int) - square[0]).max() <= 1
    assert np.abs(square[22:].astype(int) - square[-1]).max() <= 1
    assert (square[-1, 4:-4] > 1.5 * square[0, 4:-4]).all()


class RecordingNetwork:
    """Records its inputs and answers that the mouth is open."""

    def __init__(self) -> None:
        self.seen: list[NDArray[Any]] = []

    def run(self, mouth: NDArray[Any]) -> NDArray[np.float32]:
        self.seen.append(mouth[0])
        return np.array([[0.9]], np.float32)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("shape", SHAPES)
def test_evaluated_and_training_mouths_keep_their_shape(
    shape: tuple[int, int], profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = RecordingNetwork()
    monkeypatch.setattr(predictors, "load_network", lambda _: network)
    Image.fromarray(disc(*shape)).save(tmp_path / "mouth.png")
    answer = predictors.mouth_predictor(profile)(tmp_path / "mouth.png")
    assert answer is not None
    assert answer.argmax() == 1
    assert_round(network.seen[0], shape)
    prepare = lite_mouth_examples if profile is LITE else paper_mouth_examples
    image = LabelledImage(disc(*shape), "open", "made", "train", "", "1")
    (prepared,) = prepare([image]).inputs["mouth"]
    # training and evaluation use the same crop
    assert (prepared == network.seen[0]).all()


@pytest.mark.parametrize("profile", [LITE, PAPER], ids=lambda profile: profile.name)
def test_face_is_found_alike_in_a_non_square_image(profile: Profile, portrait: UInt8Array) -> None:
    """Compared with the same face in a square; stretching would move the points by over a tenth."""
    cutter = FaceCropper(make_detector(profile), make_landmarker(profile.landmark_model))
    face = portrait[60:180, 165:285]
    expected = cutter.landmarks(face)
    eyes = float(np.linalg.norm(expected[36:42].mean(axis=0) - expected[42:48].mean(axis=0)))
    narrow = cutter.landmarks(np.ascontiguousarray(face[:, 18:102])) + np.array([18, 0])
    assert np.linalg.norm(narrow - expected, axis=1).mean() < 0.06 * eyes


def test_box_is_squared_around_its_center() -> None:
    assert Box(0, 10, 40, 20).squared() == Box(0, -5, 40, 35)
    assert Box(0, 0, 3, 3).squared() == Box(0, 0, 3, 3)

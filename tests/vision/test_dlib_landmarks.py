from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portrait_geometry import PORTRAIT_FACE
from sentistream.errors import MissingExtraError, ModelError
from sentistream.types import Box, UInt8Array
from sentistream.vision import dlib_landmarks
from sentistream.vision.dlib_landmarks import LandmarkPredictor, check_landmark_file, landmark_file


def test_landmarks_are_at_the_facial_features(portrait_luma: UInt8Array) -> None:
    points = LandmarkPredictor().predict(portrait_luma, PORTRAIT_FACE)
    assert points.shape == (68, 2)
    eyes = points[36:48].mean(axis=0)
    mouth = points[48:60].mean(axis=0)
    chin = points[8]
    assert eyes[1] < points[30, 1] < mouth[1] < chin[1]
    assert points[36:42, 0].mean() < eyes[0] < points[42:48, 0].mean()
    assert PORTRAIT_FACE.left < eyes[0] < PORTRAIT_FACE.right


@pytest.mark.parametrize("shift", [(0, 0), (1000, 300)])
def test_landmarks_move_with_the_picture(portrait_luma: UInt8Array, shift: tuple[int, int]) -> None:
    x, y = shift
    wide = np.zeros((512 + y, 512 + x), np.uint8)
    wide[y:, x:] = portrait_luma
    box = Box(PORTRAIT_FACE.left + x, PORTRAIT_FACE.top + y, PORTRAIT_FACE.right + x,
              PORTRAIT_FACE.bottom + y)  # fmt: skip
    predictor = LandmarkPredictor()
    still = predictor.predict(portrait_luma, PORTRAIT_FACE)
    np.testing.assert_allclose(predictor.predict(wide, box) - shift, still, atol=1)


@pytest.mark.parametrize("box", [Box(-60, -60, 40, 40), Box(900, 900, 1000, 1000)])
def test_box_beyond_the_picture_is_accepted(portrait_luma: UInt8Array, box: Box) -> None:
    assert np.isfinite(LandmarkPredictor().predict(portrait_luma, box)).all()


def test_missing_landmark_file_gives_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENTISTREAM_LANDMARKS", str(tmp_path / "none.dat"))
    with pytest.raises(ModelError, match="unset it"):
        landmark_file()


def test_missing_package_names_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTISTREAM_LANDMARKS", raising=False)
    monkeypatch.setattr(dlib_landmarks, "PACKAGE", "a_package_nobody_has")
    with pytest.raises(MissingExtraError, match=r"pip install .sentistream\[paper\]"):
        landmark_file()


def test_file_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "landmarks.dat"
    path.write_bytes(b"not a model")
    monkeypatch.setenv("SENTISTREAM_LANDMARKS", str(path))
    with pytest.raises(ModelError, match="cannot be loaded"):
        LandmarkPredictor()


def test_altered_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SENTISTREAM_LANDMARKS", raising=False)
    path = tmp_path / "landmarks.dat"
    path.write_bytes(b"not the model")
    with pytest.raises(ModelError, match="altered"):
        check_landmark_file(path)

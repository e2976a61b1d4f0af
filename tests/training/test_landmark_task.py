from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from sentistream.errors import MissingExtraError
from sentistream.training import landmark_examples, teachers
from sentistream.training.examples import Examples
from sentistream.training.face_rotation import rotated_face
from sentistream.training.landmark_examples import STORED_COVER, STORED_SIZE, label_face
from sentistream.training.landmark_task import LandmarksTask
from sentistream.training.teachers import MIRRORED_POINTS, Mesh, mesh_file
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_geometry import detector_square, mean_landmarks
from sentistream.vision.head_pose import head_pose

SQUARE = Alignment(160, 150, 120, 0.0)
TIP, CORNERS = 30, (48, 54)


def head(square: Alignment = SQUARE) -> tuple[FloatArray, FloatArray]:
    """The mesh and the 68 points of a hemispherical head, shapes (N, 3) and (68, 3)."""
    flat = mean_landmarks(square)
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 21), np.linspace(-0.5, 0.6, 21)), axis=-1)
    inside = grid.reshape(-1, 2)[np.hypot(*grid.reshape(-1, 2).T) < 0.62]
    around = inside.astype(np.float32) * square.side + (square.x, square.y)
    return _on_a_sphere(around, square), _on_a_sphere(flat, square)


def _on_a_sphere(places: FloatArray, square: Alignment) -> FloatArray:
    far = np.hypot(places[:, 0] - square.x, places[:, 1] - square.y) / (0.75 * square.side)
    depth = -np.sqrt(np.clip(1 - far**2, 0, None)) * 0.75 * square.side
    return np.column_stack([places, depth]).astype(np.float32)


def with_spots(points: FloatArray, numbers: tuple[int, ...]) -> UInt8Array:
    """A grey picture with white spots at some of the points."""
    luma = np.full((320, 320), 90, np.uint8)
    for x, y in points[list(numbers), :2].round().astype(int):
        luma[y - 2 : y + 3, x - 2 : x + 3] = 255
    return luma


def shown(yaw: float, pitch: float, luma: UInt8Array) -> tuple[UInt8Array, FloatArray]:
    view = rotated_face(luma, *head(), yaw=yaw, pitch=pitch, size=STORED_SIZE, cover=STORED_COVER)
    assert view is not None
    return view


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (30, 10), (-45, 0), (60, -15)])
def test_landmarks_stay_on_their_feature_in_a_rendered_view(yaw: float, pitch: float) -> None:
    # the tip of the nose and the nearer corner of the mouth are visible
    numbers = (TIP, CORNERS[0] if yaw > 0 else CORNERS[1])
    view, points = shown(yaw, pitch, with_spots(head()[1], numbers))
    assert view.shape == (STORED_SIZE, STORED_SIZE)
    for x, y in points[list(numbers)].round().astype(int):
        assert view[y - 1 : y + 2, x - 1 : x + 2].max() > 200
    square = detector_square(points)
    assert (square.x, square.y) == pytest.approx((STORED_SIZE / 2, STORED_SIZE / 2), abs=1.5)
    assert square.side == pytest.approx(STORED_SIZE / STORED_COVER, rel=0.02)


def test_points_behind_the_head_are_hidden() -> None:
    far = CORNERS[1]
    for yaw, hidden in ((20, False), (80, True)):
        view, _ = shown(yaw, 0, with_spots(head()[1], (far,)))
        assert (view.max() < 200) == hidden


@pytest.mark.parametrize("yaw", [-60, -30, 30, 60])
def test_view_is_turned_to_the_requested_yaw(yaw: float) -> None:
    _, points = shown(yaw, 0, with_spots(head()[1], (TIP,)))
    # without a nose, a sphere seems turned by less
    assert 0.4 < head_pose(points).yaw / yaw < 1.1
    vertices, flat = head()
    angle = math.radians(yaw)
    turn = [
        [math.cos(angle), 0, -math.sin(angle)],
        [0, 1, 0],
        [math.sin(angle), 0, math.cos(angle)],
    ]
    turned = (flat @ np.array(turn, np.float32).T).astype(np.float32)
    assert Mesh(vertices, turned, 0.0).yaw == pytest.approx(yaw, abs=1)


def test_view_of_nothing_is_none() -> None:
    vertices, points = head()
    on_a_line = vertices * (1, 0, 0)
    view = rotated_face(
        np.zeros((9, 9), np.uint8), on_a_line, points, yaw=9, pitch=0, size=32, cover=2.0
    )
    assert view is None


def test_landmarks_on_the_mesh_are_symmetrical() -> None:
    weights = teachers._POINT_WEIGHTS
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights.min() >= 0
    mirrored = weights[MIRRORED_POINTS]
    assert np.sort(weights, axis=1) == pytest.approx(np.sort(mirrored, axis=1))


def test_missing_mesh_package_names_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="pip install --no-deps mediapipe"):
        mesh_file()


class StubTeacher:
    """Stub for dlib, with every point moved by ``away`` pixels."""

    def __init__(self, away: float) -> None:
        self.away = away

    def predict(self, luma: UInt8Array, _: object) -> FloatArray:
        return head()[1][:, :2] + np.float32(self.away)


@pytest.mark.parametrize(
    ("yaw", "away", "expected"),
    [(0, 2.0, 2.0), (25, 2.0, 1.0), (50, 2.0, 0.0), (0, 30.0, None), (50, 30.0, 0.0)],
)
def test_frontal_faces_use_dlib_points_and_turned_ones_the_mesh(
    monkeypatch: pytest.MonkeyPatch, yaw: float, away: float, expected: float | None
) -> None:
    vertices, points = head()

    class Turned(Mesh):
        @property
        def yaw(self) -> float:
            return yaw

    monkeypatch.setattr(landmark_examples, "fit_mesh", lambda *_: Turned(vertices, points, 0))
    monkeypatch.setattr(landmark_examples, "_dlib", lambda: StubTeacher(away))
    random = np.random.default_rng(1)
    luma = np.full((320, 320), 90, np.uint8)
    found = list(label_face(luma, SQUARE, random, whole=True, rendered=True))
    if expected is None:
        assert not found
        return
    place = detector_square(points[:, :2] + np.float32(expected)).box.scaled(STORED_COVER)
    moved = points[:, :2] + np.float32(expected + 0.5)
    shares = (moved - (place.left, place.top)) / place.width
    assert found[0][1][1:].reshape(68, 2) == pytest.approx(shares, abs=0.002)
    # views are of nearly frontal faces
    assert [turned for *_, turned in found] == ([False, True] if abs(yaw) < 20 else [False])


def test_faces_inconsistent_with_their_mirror_image_are_excluded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mesh = Mesh(*head(), disagreement=0.2)
    monkeypatch.setattr(landmark_examples, "fit_mesh", lambda *_: mesh)
    luma = np.full((320, 320), 90, np.uint8)
    assert not list(label_face(luma, SQUARE, np.random.default_rng(1), whole=True))


def test_errors_are_reported_by_yaw_band() -> None:
    labels, sources = [], []
    for yaw in (0, 40, -70):
        _, points = shown(yaw, 0, with_spots(head()[1], (TIP,)))
        shares = (points + 0.5) / STORED_SIZE - 0.5
        labels.append(np.concatenate([[1], shares.ravel()]).astype(np.float32))
        sources.append("views" if yaw else "made")
    held_out = Examples(
        {"face": np.zeros((3, 64, 64, 1), np.uint8)},
        np.array(labels),
        np.array(["", "", ""]),
        np.array(sources),
    )
    answers = np.array(labels, np.float32)
    answers[:, 1:] += 0.5
    answers[1, 1:] += 0.1  # far off
    rows = {row["source"]: row for row in LandmarksTask().figures(answers, held_out)}
    assert rows["made"]["accuracy"] == 1
    assert rows["views"]["accuracy"] == 0.5
    assert rows["faces turned by 0-15 degrees"]["mean_error"] == pytest.approx(0, abs=1e-3)
    bands = [row for name, row in rows.items() if name.startswith("views turned")]
    assert sum(row["n"] for row in bands) == 2
    assert sorted(row["accuracy"] for row in bands) == [0, 1]
    assert all(row["yaw_error"] == pytest.approx(0, abs=0.2) for row in bands)

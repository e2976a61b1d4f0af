from __future__ import annotations

import numpy as np
import pytest
import torch

from sentistream.networks.detector import DetectorNetwork, centres, decoded
from sentistream.training import detector_augmentation, detector_examples
from sentistream.training.detector_augmentation import VIEW, augment_scenes
from sentistream.training.detector_examples import (
    FACES,
    FIELDS,
    SCENE_SIZE,
    annotate_faces,
    scene_of,
)
from sentistream.training.detector_task import assign_faces, detector_loss, match_detections
from sentistream.types import Box, FloatArray

POINTS = np.array([[110, 100], [150, 104], [128, 125], [114, 150], [146, 152]], np.float32)


def face(left: float, top: float, right: float, bottom: float, kind: float = 1) -> FloatArray:
    row = np.zeros(FIELDS, np.float32)
    row[0], row[1:5], row[5:15], row[15] = kind, (left, top, right, bottom), POINTS.ravel(), 1
    return row


def labels(*rows: FloatArray) -> FloatArray:
    filled = np.zeros((FACES, FIELDS), np.float32)
    filled[: len(rows)] = rows
    return filled


def test_landmarks_follow_the_scenes_rotation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_augmentation, "_degrade", lambda views: views)
    monkeypatch.setattr(detector_augmentation, "_occlude_faces", lambda views, _: views)
    torch.manual_seed(0)
    count = 24
    scenes = torch.zeros(count, 1, SCENE_SIZE, SCENE_SIZE)
    for number, (x, y) in enumerate(POINTS.astype(int)):
        scenes[:, 0, y - 3 : y + 4, x - 3 : x + 4] = 0.2 * (number + 1)
    known = torch.from_numpy(labels(face(95, 80, 165, 170)))[None].repeat(count, 1, 1)
    views, moved = augment_scenes(scenes, known.flatten(1))
    away = []
    for view, row in zip(views[:, 0], moved.view(count, FACES, FIELDS)[:, 0], strict=True):
        for number, (x, y) in enumerate(row[5:15].view(5, 2).round().int().tolist()):
            if row[0] > 0 and 0 <= x < VIEW and 0 <= y < VIEW:
                # in a mirror, the right eye is the left one
                either = {0.2 * (1 + one) for one in (number, (1, 0, 2, 4, 3)[number])}
                away.append(min(abs(float(view[y, x]) - value) for value in either))
    assert len(away) > 60
    # small spots are blurred when a scene is shrunk
    assert np.mean(away) < 0.08
    assert max(away) < 0.4


def test_each_face_has_anchors_and_ignored_regions_have_none() -> None:
    rows = labels(face(10, 10, 22, 22), face(40, 40, 140, 150), face(100, 5, 130, 30, kind=-1))
    centre, stride = centres(VIEW, VIEW)
    chosen, positive, ignored = assign_faces(torch.from_numpy(rows)[None], centre, stride)
    answered = set(chosen[0][positive[0]].tolist())
    assert answered == {0, 1}
    assert {int(one) for one in stride[positive[0] & (chosen[0] == 0)]} == {8}
    assert {int(one) for one in stride[positive[0] & (chosen[0] == 1)]} == {32}
    assert bool(ignored.any())
    assert not bool((ignored & positive).any())


def test_loss_decreases_when_learning_one_view() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = DetectorNetwork()
    views = torch.rand(2, 1, VIEW, VIEW)
    known = torch.from_numpy(labels(face(30, 30, 90, 100)))[None].repeat(2, 1, 1).flatten(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.003)
    losses = []
    for _ in range(12):
        loss = detector_loss(network(views), known)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]


def test_false_and_missed_detections_are_counted() -> None:
    predictions = np.zeros((4, 15), np.float32)
    predictions[0, :5] = 0.9, 12, 10, 40, 42  # the first face
    predictions[1, :5] = 0.8, 100, 100, 130, 130  # nobody
    predictions[2, :5] = 0.7, 60, 60, 90, 90  # to be ignored
    predictions[3, :5] = 0.4, 130, 10, 150, 30  # below the threshold
    known = labels(
        face(10, 10, 40, 40),
        face(130, 10, 150, 30),
        face(60, 60, 90, 90, kind=-1),
        face(2, 100, 8, 106),  # too small to count
    )
    assert match_detections(predictions, known) == (1, 1, 1)


def test_values_are_decoded_relative_to_their_cell() -> None:
    centre, stride = torch.tensor([[20.0, 28.0]]), torch.tensor([[8.0]])
    predictions = torch.zeros(1, 1, 15)
    (row,) = decoded(predictions, centre, stride)[0].tolist()
    assert row[:5] == pytest.approx([0.5, 20 - 32, 28 - 32, 20 + 32, 28 + 32])
    assert row[5:7] == pytest.approx([20, 28])


def test_scene_keeps_the_largest_faces_and_ignores_cut_off_ones() -> None:
    luma = np.zeros((300, 400), np.uint8)
    rows = np.stack([face(100, 100, 140, 150), face(215, 100, 255, 140), face(300, 200, 340, 250)])
    scene, kept = scene_of(luma, rows, Box(50, 50, 225, 225))
    assert scene.shape == (SCENE_SIZE, SCENE_SIZE, 1)
    assert kept[:3, 0].tolist() == [1, -1, 0]
    assert kept[0, 1] == pytest.approx((100 - 50) * SCENE_SIZE / 175)


def test_box_drawn_by_a_person_replaces_the_teachers(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.arange(10, dtype=np.float32)
    taught = np.array(
        [[0.9, 10, 10, 50, 60, *points], [0.3, 200, 10, 240, 60, *points]], np.float32
    )
    monkeypatch.setattr(detector_examples, "centerface_faces", lambda pixels, score: taught.copy())
    drawn = [[12.0, 18.0, 50.0, 68.0], [100.0, 10.0, 140.0, 60.0]]
    faces = annotate_faces(np.zeros((100, 300, 3), np.uint8), drawn)
    assert faces[:, 0].tolist() == [1, -1, 1]
    assert faces[0, 1:5].tolist() == drawn[0]
    assert faces[0, 5:15].tolist() == points.tolist() and faces[0, 15] == 1
    assert faces[2, 1:5].tolist() == drawn[1] and faces[2, 15] == 0

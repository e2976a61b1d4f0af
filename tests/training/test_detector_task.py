from __future__ import annotations

import numpy as np
import pytest
import torch

from sentistream.networks.detector import (
    DetectorNetwork,
    VerifiedDetectorNetwork,
    centres,
    decoded,
)
from sentistream.training import detector_augmentation, detector_examples
from sentistream.training.detector_augmentation import VIEW, augment_looks, augment_scenes
from sentistream.training.detector_examples import (
    FACES,
    FIELDS,
    SCENE_SIZE,
    annotate_faces,
    scene_of,
)
from sentistream.training.detector_task import (
    DetectorSecondTask,
    DetectorTask,
    assign_faces,
    central_verification,
    detector_loss,
    match_detections,
)
from sentistream.training.inference import TorchRunnable
from sentistream.training.verification_examples import (
    CROP,
    CROP_FACE,
    crop_of,
    labelled_detections,
    missed_faces,
)
from sentistream.types import Box, FloatArray
from sentistream.vision.face_detector import LOOKS, VERIFIED_STRIDES, Detection, central_places

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


def test_detections_are_faces_or_not_and_doubtful_ones_are_left_out() -> None:
    known = labels(face(10, 10, 50, 60), face(100, 10, 140, 60, kind=-1), face(200, 200, 240, 250))
    found = [
        Detection(Box(12, 8, 52, 58), 0.9),
        Detection(Box(102, 8, 142, 58), 0.8),  # on one to be ignored
        Detection(Box(150, 150, 190, 200), 0.7),  # on nothing
        Detection(Box(30, 40, 70, 90), 0.6),  # partly on a face
        Detection(Box(5, 150, 12, 158), 0.5),  # too small
    ]
    assert [(one.score, is_face) for one, is_face in labelled_detections(found, known)] == [
        (0.9, True),
        (0.7, False),
    ]
    assert missed_faces(found, known) == [Box(200, 200, 240, 250)]


def test_crop_shows_the_detected_face_at_its_size() -> None:
    luma = np.zeros((200, 200), np.uint8)
    luma[60:110, 80:120] = 255
    crop = crop_of(luma, Box(80, 60, 120, 110))[..., 0]
    rows = np.flatnonzero(crop[:, CROP // 2] > 127)
    assert crop.shape == (CROP, CROP)
    assert (rows[0] + rows[-1] + 1) / 2 == pytest.approx(CROP / 2, abs=1)
    assert len(rows) == pytest.approx(CROP_FACE, abs=1)


def test_looks_at_crops_keep_the_face_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_augmentation, "_degrade", lambda views: views)
    torch.manual_seed(3)
    crops = torch.zeros(64, 1, CROP, CROP)
    low = (CROP - CROP_FACE) // 2
    crops[:, :, low:-low, low:-low] = 1
    sizes = set()
    for _ in range(8):
        views = augment_looks(crops, CROP_FACE)
        size = views.shape[-1]
        shown = next(face for face, side in LOOKS if side == size)
        assert views[:, 0, size // 2, size // 2].min() > 0.9
        side = views.sum((1, 2, 3)).sqrt().mean()
        assert float(side) == pytest.approx(shown, rel=0.1)
        sizes.add(size)
    assert sizes == {size for _, size in LOOKS}


def test_only_the_verification_is_trained() -> None:
    torch.manual_seed(2)
    torch.set_num_threads(1)
    detector = DetectorNetwork().eval()
    network = VerifiedDetectorNetwork(detector)
    views, is_face = torch.rand(8, 1, 96, 96), torch.tensor([0, 1] * 4)
    views[1::2, :, 30:66, 30:66] += 1
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    losses = []
    for _ in range(10):
        loss = DetectorTask().loss(network.train()(views), is_face)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(before[name], value) for name, value in detector.state_dict().items())
    output = network.eval()(views)
    assert torch.equal(output[..., :15], detector(views))
    assert DetectorTask().correct(output, is_face).shape == (8,)


def test_verification_is_read_around_the_centre() -> None:
    for size in (96, 128, CROP):
        centre, stride = centres(size, size)
        near = (centre - size / 2).abs().amax(dim=1) < stride[:, 0]
        outputs = torch.zeros(1, len(centre), 16)
        for number, (level, places) in enumerate(
            zip(VERIFIED_STRIDES, central_places(size), strict=True)
        ):
            assert places == torch.nonzero(near & (stride[:, 0] == level))[:, 0].tolist()
            outputs[0, places, 15] = float(3 * number)
        assert central_verification(outputs).tolist() == [1.5]


def test_unverified_network_detects_as_the_verified_one() -> None:
    torch.manual_seed(4)
    detector = DetectorNetwork().eval()
    pictures = np.random.default_rng(5).integers(0, 256, (2, 64, 96, 1), np.uint8)
    plain = TorchRunnable(detector, DetectorSecondTask()).run(picture=pictures)
    verified = TorchRunnable(VerifiedDetectorNetwork(detector), DetectorTask()).run(
        picture=pictures
    )
    assert verified.shape == (*plain.shape[:2], 16)
    assert np.array_equal(verified[..., :15], plain)

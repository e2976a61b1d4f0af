"""The landmark network of ``lite``: its augmentation, loss, evaluation and two training runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.intervals import wilson_interval
from sentistream.networks.landmarks import LandmarkNetwork, Placed
from sentistream.training.augmentation import (
    lighting_gradient,
    random_downscale,
    random_gamma,
    random_occlusion,
    unaugmented_views,
    uniform,
)
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.detector_task import DETECTOR_DATA
from sentistream.training.examples import Examples
from sentistream.training.landmark_examples import (
    RENDERED,
    STORED_COVER,
    landmark_faces,
)
from sentistream.training.model_cards import CardText, data_sets
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, Task
from sentistream.training.teachers import MIRRORED_POINTS
from sentistream.types import FloatArray
from sentistream.vision.face_geometry import detector_square
from sentistream.vision.head_pose import head_pose
from sentistream.vision.landmarker import COVER, VIEW_SIZE

NO_FACE = 0.2
"""Share of each batch that shows no face, or one far from where a face is expected."""

CORRECT_DISTANCE = 0.03
"""Mean distance of points from their places below which a face is correct, input widths."""

FAILURE = 0.08
"""Mean distance of points from their places from which a face has failed (Sagonas et al. 2013),
in distances between the eyes of a frontal face."""

SAME = 0.01
"""Mean distance of points below which two networks' answers are the same, input widths."""

_PRESENCE_WEIGHT = 0.05  # of the presence of a face, beside the points
_EYES_APART = 0.398  # distance of an average face's eyes, in its detector's square (mean_face)
_YAWS = (0, 15, 30, 45, 60)

_CARD_TEXT = CardText(
    task="Places the 68 landmarks of a face, and says whether it is one; on brightness only",
    data=(
        *data_sets("ck", "fer2013", "java-sed", "rafdb"),
        *(
            {**entry, "name": name}
            for entry, name in (
                (DETECTOR_DATA[0], "faces of MaskON (real and painted masks), training part"),
                (DETECTOR_DATA[1], "faces of Roboflow Facial-Emotion v3, training part"),
                (DETECTOR_DATA[2], "faces in 132 pictures of WIDER FACE's validation part"),
                (DETECTOR_DATA[4], "FairFace and RAF-DB, training parts, pasted into backgrounds"),
                (DETECTOR_DATA[5], "faces in everyday clips of half of the people"),
            )
        ),
        {
            "source": "views",
            "name": "views of the faces above, rendered as if turned aside",
            "terms": "research only",
        },
    ),
    weaknesses=(
        "Trained on other models' points, including their mistakes: where dlib's are wrong on "
        "frontal faces, as on open mouths in the dark and under hands, or the mesh's on turned "
        "ones, so are these. Points hidden by the head are guessed.",
        "There were few real faces turned by more than 60 degrees: beyond that it was mostly "
        "trained on rendered views of frontal faces, which show no real ears or hair.",
    ),
    recipe_note=(
        "Up to 15 degrees of yaw the teacher is dlib's 68-point model (trained on iBUG 300-W, "
        "whose terms forbid commercial use), the median of four answers per face; from 35 degrees "
        "MediaPipe's face mesh (Kartynnik et al. 2019, Apache 2.0), a mix of both in between. "
        "Faces on which the mesh of picture and mirror image, or the mesh and dlib, disagree are "
        "left out. Views are frontal faces rendered as if turned by 15 to 72 degrees aside and 20 "
        "up or down, from the depth of their mesh (Zhu et al. 2016). Faces are shifted, scaled, "
        "rotated, relit and covered, and a fifth of each batch has no face. Right means recognised"
        " as a face with points on average less than 8 % of the eye distance (of a frontal face of"
        " that size) from the teacher's. Trained in two runs, the second continuing from the "
        "first; the shipped weights continued from those of version 2026.11.23 (40 epochs over "
        "frontal faces, only dlib's points) instead of the first run."
    ),
)


class LandmarksFirstTask(Task):
    """The landmark network's first run."""

    profile = "lite"
    name = "landmarks-first"
    recipe: Recipe = replace(LITE_RECIPE, batch=128, epochs=40, label_smoothing=0.0, average=0.998)
    outputs: tuple[str, ...] = (
        "face",
        *(f"{axis}{point}" for point in range(1, 69) for axis in "xy"),
    )
    raw_outputs = True
    card_text: CardText = _CARD_TEXT

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return landmark_faces(preparation)

    def build(self, runs: Path) -> nn.Module:
        return LandmarkNetwork()

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        views, labels = augment_landmark_faces(inputs[0], labels)
        return [views], labels

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Smooth L1 distance of the points of faces, and cross entropy of their presence.

        Args:
            outputs: (N, 137), as ``LandmarkNetwork`` gives them.
            labels: (N, 137), as ``augment`` returns them.
            label_smoothing: Ignored.
        """
        present = labels[:, 0]
        seen = functional.binary_cross_entropy_with_logits(outputs[:, 0], present)
        far = functional.smooth_l1_loss(outputs[:, 1:], labels[:, 1:], beta=0.01, reduction="none")
        return (
            far.mean(dim=1).mul(present).sum() / present.sum().clamp_min(1) * 10
            + _PRESENCE_WEIGHT * seen
        )

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Faces seen with their points in place, and other views seen as no face, (N,)."""
        present = labels[:, 0] > 0.5
        distances = (
            (outputs[:, 1:] - labels[:, 1:]).view(len(labels), 68, 2).norm(dim=2).mean(dim=1)
        )
        seen = (outputs[:, 0] > 0) == present
        return torch.logical_and(seen, ~present | (distances < CORRECT_DISTANCE))

    def exported(self, network: nn.Module) -> nn.Module:
        return Placed(network)

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        """Distances from the teachers' points, for each source and each band of yaw.

        They are in distances between the eyes of an average frontal face of the same size, so
        that turned faces count like others. A face is right if it is seen as one and its mean
        distance is below ``FAILURE``.

        Args:
            answers: As ``Placed`` gives them, shape (N, 137).
            held_out: Faces; their labels hold points from the view's centre.
        """
        truth = held_out.labels[:, 1:].reshape(-1, 68, 2).astype(np.float32) + np.float32(0.5)
        predicted = answers[:, 1:].reshape(-1, 68, 2)
        apart = np.array([_EYES_APART * detector_square(points).side for points in truth])
        errors = np.linalg.norm(predicted - truth, axis=2).mean(axis=1) / np.maximum(apart, 1e-6)
        true_yaws, yaws = (
            np.array([head_pose(points).yaw for points in faces]) for faces in (truth, predicted)
        )
        rows = []
        for source in sorted(set(held_out.sources.tolist())):
            of_source = held_out.sources == source
            people = sorted(set(held_out.people[of_source].tolist()) - {""})
            whose = {
                "people": people if len(people) <= 8 else len(people),
                "split": "people not trained on" if people else "the set's own validation part",
            }
            rows.append({"source": source, **whose} | _errors(answers, errors, of_source))
        real = held_out.sources != RENDERED
        for kind, of_kind in (("faces", real), (RENDERED, ~real)):
            for low, high in zip(_YAWS, (*_YAWS[1:], math.inf), strict=True):
                band = of_kind & (np.abs(true_yaws) >= low) & (np.abs(true_yaws) < high)
                if not band.any():
                    continue
                name = f"{low}-{high}" if high < math.inf else f"{low} and more"
                row: dict[str, Any] = {
                    "source": f"{kind} turned by {name} degrees",
                    "people": len(set(held_out.people[band].tolist()) - {""}),
                    "split": "people not trained on, and validation parts",
                }
                row |= _errors(answers, errors, band)
                row["yaw_error"] = round(float(np.abs(yaws - true_yaws)[band].mean()), 1)
                rows.append(row)
        return rows


class LandmarksTask(LandmarksFirstTask):
    """The second run, which starts from the first."""

    name = "landmarks"
    int8_input: str = "face"
    recipe: Recipe = replace(
        LITE_RECIPE, learning_rate=0.0012, batch=128, epochs=16, label_smoothing=0.0, average=0.995
    )

    def build(self, runs: Path) -> nn.Module:
        network = LandmarkNetwork()
        load_network_weights(runs / "landmarks-first", network)
        return network

    def as_shown(self, train: Examples) -> Mapping[str, NDArray[Any]]:
        return {"face": unaugmented_views(train.inputs["face"], VIEW_SIZE, STORED_COVER / COVER)}

    def same_answers(self, one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
        """Both see a face or none, with points less than ``SAME`` apart."""
        far = np.linalg.norm((one - other)[:, 1:].reshape(-1, 68, 2), axis=2).mean(axis=1)
        same: NDArray[np.bool_] = ((one[:, 0] > 0.5) == (other[:, 0] > 0.5)) & (far < SAME)
        return same


def augment_landmark_faces(stored: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Random views (N, 1, 64, 64) of stored faces (N, 1, 112, 112), and their labels.

    Geometry (shift, scale, rotation, mirror), lighting, resolution, noise, occlusion; a share of
    the views (``NO_FACE``) is so far off that it shows no face.

    Args:
        stored: Brightness, 0 to 1.
        labels: (N, 137): 1 for a face, then the points as shares of the stored picture.

    Returns:
        The views, and labels in the form of the network's outputs: points from the view's
        centre.
    """
    count = len(stored)
    absent = torch.rand(count) < NO_FACE
    angle = (torch.randn(count) * math.radians(14)).clamp(-0.75, 0.75)
    zoom = uniform(count, 0.2).exp()
    shift = torch.stack([uniform(count, 0.13), uniform(count, 0.13)], dim=1)
    _move_off_face(absent, angle, zoom, shift)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    size = COVER / STORED_COVER * zoom
    across = torch.stack([angle.cos(), angle.sin()], dim=1) * (size * mirror)[:, None]
    down = torch.stack([-angle.sin(), angle.cos()], dim=1) * size[:, None]
    transform = torch.stack([across, down, shift], dim=2)
    grid = functional.affine_grid(transform, [count, 1, VIEW_SIZE, VIEW_SIZE], align_corners=False)
    views = functional.grid_sample(stored, grid, padding_mode="border", align_corners=False)
    points = labels[:, 1:].view(count, 68, 2) * 2 - 1
    inside = torch.linalg.solve(transform[:, :, :2], (points - shift[:, None]).transpose(1, 2))
    inside = inside.transpose(1, 2) / 2
    inside = torch.where(
        (mirror < 0)[:, None, None], inside[:, torch.from_numpy(MIRRORED_POINTS)], inside
    )
    present = labels[:, :1] * (~absent).float()[:, None]
    return _degrade(views), torch.cat([present, inside.flatten(1)], dim=1)


def _move_off_face(absent: Tensor, angle: Tensor, zoom: Tensor, shift: Tensor) -> None:
    """Moves the ``absent`` views so that no face is where one is expected, in place."""
    for number in torch.nonzero(absent)[:, 0].tolist():
        kind = int(torch.randint(0, 4, (1,)))
        if kind == 0:  # beside it
            way, far = torch.rand(1) * 2 * math.pi, torch.empty(1).uniform_(0.55, 0.95)
            shift[number] = torch.cat([way.cos(), way.sin()]) * far
        elif kind == 1:  # within it
            zoom[number] = torch.empty(1).uniform_(0.15, 0.45)
            shift[number] = torch.empty(2).uniform_(-0.5, 0.5)
        elif kind == 2:  # upside down or lying
            angle[number] = torch.empty(1).uniform_(0.5 * math.pi, 1.5 * math.pi)
        else:  # too far away
            zoom[number] = torch.empty(1).uniform_(2.0, 3.0)
            shift[number] = torch.empty(2).uniform_(-0.6, 0.6)


def _degrade(views: Tensor) -> Tensor:
    """Random lighting, resolution, noise and occlusion."""
    seen = random_gamma(views, 0.35) * lighting_gradient(len(views), VIEW_SIZE)
    seen = random_downscale(seen.clamp(0, 1.5), share=0.25, smallest=20, largest=52)
    noise = torch.rand(len(seen), 1, 1, 1).square() * 0.06
    noisy = seen + torch.randn_like(seen) * noise
    return random_occlusion(noisy, share=0.25, smallest=8, largest=30)


def _errors(answers: FloatArray, errors: FloatArray, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    seen = answers[:, 0] > 0.5
    n, right = int(chosen.sum()), int((seen & (errors < FAILURE))[chosen].sum())
    return {
        "n": n,
        "accuracy": round(right / n, 4),
        "accuracy_ci95": [round(edge, 4) for edge in wilson_interval(right, n)],
        "mean_error": round(float(errors[chosen].mean()), 4),
        "error_p95": round(float(np.percentile(errors[chosen], 95)), 4),
        "seen_as_a_face": round(float(seen[chosen].mean()), 4),
    }

"""How the landmark network learns: faces placed at random, things that are no face, its loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sentistream.intervals import wilson_interval
from sentistream.training.examples import Examples
from sentistream.training.lite_augment import covered, farther, gradient, lit, uniform
from sentistream.types import FloatArray
from sentistream.vision.face_geometry import detector_square
from sentistream.vision.head_pose import head_pose
from sentistream.vision.landmarker import COVER, VIEW_SIZE

STORED_COVER = 2.0
"""What is stored to learn from shows so much, in widths of the detector's square."""
STORED_SIZE = 112
"""Its width and height, pixels."""

NO_FACE = 0.2
"""Share of each batch that shows no face, or one far from where a face is expected."""

CLOSE_ENOUGH = 0.03
"""Mean distance of points from their places, in widths of the input, that counts as right."""

FAILURE = 0.08
"""Mean distance of points from their places, in distances of the eyes' centres of a frontal face,
from which they count as failed (Sagonas et al. 2013)."""

_PRESENCE = 0.05  # weight of there being a face beside the points' places
_EYES_APART = 0.398  # distance of an average face's eyes, in its detector's square (mean_face)
_YAWS = (0, 15, 30, 45, 60)

VIEWED_AS = "views"
"""The source of faces that are shown as if turned (``turned_faces``)."""


def _mirrored() -> Tensor:
    """Which point takes each one's place in a mirror (the iBUG scheme)."""
    order = list(range(68))
    for run in ((0, 17), (17, 27), (31, 36), (48, 55), (60, 65)):
        order[slice(*run)] = reversed(range(*run))
    for first, second in ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)):
        order[first], order[second] = second, first
    for first, second in ((55, 59), (56, 58), (65, 67)):
        order[first], order[second] = second, first
    return torch.tensor(order)


MIRRORED = _mirrored()


def placed_at_random(
    inputs: list[Tensor], labels: Tensor, _: torch.Generator
) -> tuple[list[Tensor], Tensor]:
    """Views (N, 1, 64, 64) of stored faces (N, 1, 112, 112), and where the points lie in them.

    Shifted, scaled, turned, mirrored, lit otherwise, seen from farther away, partly covered;
    some so far off that it is no face any more.

    Args:
        inputs: Stored faces.
        labels: (N, 137): 1 for a face, then the points' shares of the stored picture.

    Returns:
        The labels as the network gives them: points from the view's centre.
    """
    (stored,) = inputs
    count = len(stored)
    absent = torch.rand(count) < NO_FACE
    turn = (torch.randn(count) * math.radians(14)).clamp(-0.75, 0.75)
    zoom, aside = (
        uniform(count, 0.2).exp(),
        torch.stack([uniform(count, 0.13), uniform(count, 0.13)], dim=1),
    )
    _make_absent(absent, turn, zoom, aside)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    size = COVER / STORED_COVER * zoom
    across = torch.stack([turn.cos(), turn.sin()], dim=1) * (size * mirror)[:, None]
    down = torch.stack([-turn.sin(), turn.cos()], dim=1) * size[:, None]
    transform = torch.stack([across, down, aside], dim=2)
    grid = functional.affine_grid(transform, [count, 1, VIEW_SIZE, VIEW_SIZE], align_corners=False)
    views = functional.grid_sample(stored, grid, padding_mode="border", align_corners=False)
    points = labels[:, 1:].view(count, 68, 2) * 2 - 1
    inside = torch.linalg.solve(transform[:, :, :2], (points - aside[:, None]).transpose(1, 2))
    inside = inside.transpose(1, 2) / 2
    inside = torch.where((mirror < 0)[:, None, None], inside[:, MIRRORED], inside)
    present = labels[:, :1] * (~absent).float()[:, None]
    return [_disturbed(views)], torch.cat([present, inside.flatten(1)], dim=1)


def _make_absent(absent: Tensor, turn: Tensor, zoom: Tensor, aside: Tensor) -> None:
    """Places some so that no face is where one is expected, in place."""
    for number in torch.nonzero(absent)[:, 0].tolist():
        kind = int(torch.randint(0, 4, (1,)))
        if kind == 0:  # beside it
            angle, far = torch.rand(1) * 2 * math.pi, torch.empty(1).uniform_(0.55, 0.95)
            aside[number] = torch.cat([angle.cos(), angle.sin()]) * far
        elif kind == 1:  # within it
            zoom[number] = torch.empty(1).uniform_(0.15, 0.45)
            aside[number] = torch.empty(2).uniform_(-0.5, 0.5)
        elif kind == 2:  # upside down or lying
            turn[number] = torch.empty(1).uniform_(0.5 * math.pi, 1.5 * math.pi)
        else:  # too far away
            zoom[number] = torch.empty(1).uniform_(2.0, 3.0)
            aside[number] = torch.empty(2).uniform_(-0.6, 0.6)


def _disturbed(views: Tensor) -> Tensor:
    seen = lit(views, 0.35) * gradient(len(views), VIEW_SIZE)
    seen = farther(seen.clamp(0, 1.5), share=0.25, smallest=20, largest=52)
    noise = torch.rand(len(seen), 1, 1, 1).square() * 0.06
    return covered(seen + torch.randn_like(seen) * noise, share=0.25, smallest=8, largest=30)


def landmark_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """How far points lie from their places where there is a face, and whether that was seen.

    Args:
        outputs: (N, 137), as ``LandmarkNetwork`` gives them.
        labels: (N, 137), as ``placed_at_random`` gives them.
    """
    present = labels[:, 0]
    seen = functional.binary_cross_entropy_with_logits(outputs[:, 0], present)
    far = functional.smooth_l1_loss(outputs[:, 1:], labels[:, 1:], beta=0.01, reduction="none")
    return far.mean(dim=1).mul(present).sum() / present.sum().clamp_min(1) * 10 + _PRESENCE * seen


def well_placed(outputs: Tensor, labels: Tensor) -> Tensor:
    """Faces seen with their points in place, and what is none seen as none; (N,)."""
    present = labels[:, 0] > 0.5
    distances = (outputs[:, 1:] - labels[:, 1:]).view(len(labels), 68, 2).norm(dim=2).mean(dim=1)
    seen = (outputs[:, 0] > 0) == present
    return torch.logical_and(seen, ~present | (distances < CLOSE_ENOUGH))


def landmark_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """Distances from the teachers' points, for each source and for each band of yaw.

    They are in distances of the eyes' centres of an average frontal face of the same size, so
    that turned faces count like others. Right is what is seen as a face with a mean distance
    below ``FAILURE``.

    Args:
        answers: As ``Placed`` gives them, shape (N, 137).
        held_out: Faces; their labels hold points from the view's centre.
    """
    truth = held_out.labels[:, 1:].reshape(-1, 68, 2).astype(np.float32) + np.float32(0.5)
    given = answers[:, 1:].reshape(-1, 68, 2)
    apart = np.array([_EYES_APART * detector_square(points).side for points in truth])
    errors = np.linalg.norm(given - truth, axis=2).mean(axis=1) / np.maximum(apart, 1e-6)
    asked, said = (
        np.array([head_pose(points).yaw for points in several]) for several in (truth, given)
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
    real = held_out.sources != VIEWED_AS
    for kind, some in (("faces", real), (VIEWED_AS, ~real)):
        for low, high in zip(_YAWS, (*_YAWS[1:], math.inf), strict=True):
            band = some & (np.abs(asked) >= low) & (np.abs(asked) < high)
            if not band.any():
                continue
            name = f"{low}-{high}" if high < math.inf else f"{low} and more"
            row: dict[str, Any] = {
                "source": f"{kind} turned by {name} degrees",
                "people": len(set(held_out.people[band].tolist()) - {""}),
                "split": "people not trained on, and validation parts",
            }
            row |= _errors(answers, errors, band)
            row["yaw_error"] = round(float(np.abs(said - asked)[band].mean()), 1)
            rows.append(row)
    return rows


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

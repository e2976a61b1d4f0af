"""How the detector learns: scenes turned, scaled, darkened and covered at random, and its loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sentistream.intervals import wilson_interval
from sentistream.networks.detector import STRIDES, centres, decoded
from sentistream.training.detector_scenes import FACES, FIELDS, SCENE_SIZE
from sentistream.training.examples import Examples
from sentistream.types import FloatArray
from sentistream.vision.face_detector import suppressed

VIEW = 160
"""Width and height of what is learned from, pixels."""

SMALLEST, LARGEST = 7.0, 150.0
"""Faces are shown in these sizes, pixels; smaller ones are ignored."""

TOO_LARGE = 200.0
"""Parts of faces from this size are nothing to be found, pixels."""

_LEVELS = ((0.0, 34.0), (26.0, 76.0), (60.0, math.inf))  # sizes that each stride answers for
_MIRRORED = (1, 0, 2, 4, 3)  # which point takes each one's place in a mirror


def seen_at_random(
    inputs: list[Tensor], labels: Tensor, _: torch.Generator
) -> tuple[list[Tensor], Tensor]:
    """Views (N, 1, 160, 160) of scenes (N, 1, 256, 256), and where their faces lie in them.

    Any roll, faces of 7 to 150 pixels, mirrored, in weak and in slanting light, blurred, coarse,
    noisy, with something before half of a face.

    Args:
        inputs: Scenes, 0 to 1.
        labels: (N, FACES * FIELDS), pixels of the scene.
    """
    (scenes,) = inputs
    count = len(scenes)
    faces = labels.view(count, FACES, FIELDS).clone()
    angle = torch.randn(count) * math.radians(12)
    anyhow = torch.rand(count) < 0.5
    angle[anyhow] = torch.empty(int(anyhow.sum())).uniform_(-math.pi, math.pi)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    zoom, middle = _chosen(faces)
    # from the view's pixels, about its centre, to the scene's
    turn = torch.stack(
        [
            torch.stack([mirror * angle.cos(), -angle.sin()], dim=1),
            torch.stack([mirror * angle.sin(), angle.cos()], dim=1),
        ],
        dim=1,
    )
    back = turn / zoom[:, None, None]
    views = _drawn(scenes, back, middle, zoom)
    faces = _moved(faces, torch.linalg.inv(back), middle, angle, zoom, mirror)
    views = _distracted(views, faces)
    views = _covered(views, faces)
    return [_shot(views)], faces.flatten(1)


def _chosen(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Enlargement of each scene, and the scene's place that the view's centre shows."""
    count = len(faces)
    zoom = torch.empty(count).uniform_(math.log(0.4), math.log(1.6)).exp()
    middle = torch.empty(count, 2).uniform_(0.3, 0.7) * SCENE_SIZE
    for number in range(count):
        real = torch.nonzero(faces[number, :, 0] > 0)[:, 0]
        if not len(real) or float(torch.rand(1)) < 0.15:
            continue
        face = faces[number, real[torch.randint(len(real), (1,))]][0]
        size = float((face[3:5] - face[1:3]).clamp_min(1).prod().sqrt())
        least, most = (9.0, 60.0) if float(torch.rand(1)) < 0.5 else (SMALLEST, 2 * LARGEST)
        wanted = math.exp(float(torch.empty(1).uniform_(math.log(least), math.log(most))))
        zoom[number] = min(max(wanted / size, 0.5), 3.0)
        free = max(0.0, VIEW / 2 - 0.4 * wanted) / float(zoom[number])
        middle[number] = (face[1:3] + face[3:5]) / 2 + torch.empty(2).uniform_(-free, free)
    # as much of the view as can be shows the scene, not what lies beyond its edge
    inside = (VIEW / 2 / zoom).clamp_max(SCENE_SIZE / 2)[:, None]
    return zoom, middle.clamp(inside, SCENE_SIZE - inside)


def _drawn(scenes: Tensor, back: Tensor, middle: Tensor, zoom: Tensor) -> Tensor:
    """The views, each from the scene shrunk first where it is shrunk much."""
    count = len(scenes)
    views = torch.empty(count, 1, VIEW, VIEW)
    shift = middle / (SCENE_SIZE / 2) - 1
    matrix = torch.cat([back * (VIEW / SCENE_SIZE), shift[:, :, None]], dim=2)
    grid = functional.affine_grid(matrix, [count, 1, VIEW, VIEW], align_corners=False)
    for shrink, low, high in ((1, 0.7, math.inf), (2, 0.35, 0.7), (4, 0.0, 0.35)):
        some = (zoom >= low) & (zoom < high)
        if some.any():
            smaller = functional.avg_pool2d(scenes[some], shrink) if shrink > 1 else scenes[some]
            views[some] = functional.grid_sample(
                smaller, grid[some], padding_mode="border", align_corners=False
            )
    return views


def _moved(
    faces: Tensor, forth: Tensor, middle: Tensor, angle: Tensor, zoom: Tensor, mirror: Tensor
) -> Tensor:
    """Boxes and points in the view's pixels; what is cut off or too small is to be ignored."""

    def move(places: Tensor) -> Tensor:
        return torch.einsum("nij,nkj->nki", forth, places - middle[:, None]) + VIEW / 2

    centre = move((faces[..., 1:3] + faces[..., 3:5]) / 2)
    half = (faces[..., 3:5] - faces[..., 1:3]) / 2 * zoom[:, None, None]
    # the box about the ellipse that fills the face's own box, turned
    cosine, sine = angle.cos().square()[:, None], angle.sin().square()[:, None]
    wide = (half[..., 0].square() * cosine + half[..., 1].square() * sine).sqrt()
    tall = (half[..., 0].square() * sine + half[..., 1].square() * cosine).sqrt()
    extent = torch.stack([wide, tall], dim=-1)
    moved = faces.clone()
    moved[..., 1:3], moved[..., 3:5] = centre - extent, centre + extent
    points = move(faces[..., 5:15].reshape(len(faces), -1, 2)).view(len(faces), FACES, 5, 2)
    swapped = points[:, :, list(_MIRRORED)]
    points = torch.where((mirror < 0)[:, None, None, None], swapped, points)
    moved[..., 5:15] = points.flatten(2)
    inside = moved[..., 3:5].clamp(0, VIEW) - moved[..., 1:3].clamp(0, VIEW)
    area = (2 * extent).prod(dim=-1).clamp_min(1e-6)
    seen = inside.clamp_min(0).prod(dim=-1) / area
    kind = moved[..., 0].clone()
    kind[(kind > 0) & ((seen < 0.5) | (area.sqrt() < SMALLEST * 0.8))] = -1
    # a face too large for the view is none: it is found where the picture is shown smaller
    kind[(seen < 0.02) | (area.sqrt() > TOO_LARGE)] = 0
    moved[..., 0] = kind
    return moved


def _distracted(views: Tensor, faces: Tensor) -> Tensor:
    """Patches without a face put into some views, so that a patch's edge does not mean a face."""
    for number in range(len(views)):
        if float(torch.rand(1)) > 0.35:
            continue
        other = (number + int(torch.randint(1, len(views), (1,)))) % len(views)
        for _ in range(int(torch.randint(1, 4, (1,)))):
            height, width = torch.empty(2).uniform_(8, 80).round().int().tolist()
            (y0, y1), (x0, x1) = torch.randint(0, VIEW - 80, (2, 2)).tolist()
            origin, place = (
                torch.tensor([x, y, x + width, y + height], dtype=torch.float32)
                for x, y in ((x0, y0), (x1, y1))
            )
            if _touched(origin, faces[other]) or _touched(place, faces[number]):
                continue
            patch = views[other, :, y0 : y0 + height, x0 : x0 + width].clone()
            mask: Tensor = torch.ones(())
            if float(torch.rand(1)) < 0.6:  # an ellipse that fades
                down = torch.linspace(-1, 1, height)[:, None]
                mask = ((1.15 - torch.hypot(down, torch.linspace(-1, 1, width))) * 5).clamp(0, 1)
            here = views[number, :, y1 : y1 + height, x1 : x1 + width]
            here += mask * (patch * torch.empty(1).uniform_(0.7, 1.2) - here)
    return views


def _touched(box: Tensor, faces: Tensor) -> bool:
    """Whether a box overlaps any face, or what is to be ignored."""
    low, high = torch.maximum(box[:2], faces[:, 1:3]), torch.minimum(box[2:], faces[:, 3:5])
    return bool(((high > low).all(dim=1) & (faces[:, 0] != 0)).any())


def _covered(views: Tensor, faces: Tensor) -> Tensor:
    """Something before part of some faces: a patch of another view, or one brightness."""
    for number in range(len(views)):
        for face in faces[number][faces[number, :, 0] > 0][:3]:
            if float(torch.rand(1)) > 0.3:
                continue
            left, top, right, bottom = face[1:5].tolist()
            wide, tall = right - left, bottom - top
            share = float(torch.empty(1).uniform_(0.25, 0.55))
            side = int(torch.randint(0, 5, (1,)))
            if side <= 1:  # from below, as a mask or scarf
                top = bottom - share * tall
            elif side == 2:
                bottom = top + share * 0.6 * tall
            elif side == 3:
                left = right - share * wide
            else:
                right = left + share * wide
            x0, y0, x1, y1 = (round(min(max(v, 0), VIEW)) for v in (left, top, right, bottom))
            if x1 <= x0 or y1 <= y0:
                continue
            patch: Tensor = torch.rand(1)
            if float(torch.rand(1)) < 0.5:
                patch = views[(number + 1) % len(views), :, : y1 - y0, : x1 - x0]
            views[number, :, y0:y1, x0:x1] = patch
    return views


def _shot(views: Tensor) -> Tensor:
    """As cameras show them: gamma, slanting light, darkness with noise, blur, blocks."""
    count = len(views)
    views = views.clamp(1e-3, 1) ** (torch.randn(count, 1, 1, 1) * 0.3).exp()
    along = torch.linspace(-1, 1, VIEW)
    slope = torch.randn(count, 2, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.4) * 0.6
    views = views * (slope[:, :1] * along + slope[:, 1:] * along[:, None]).clamp(-2.5, 1).exp()
    views = views * torch.empty(count, 1, 1, 1).uniform_(0.6, 1.3)
    blurred = torch.rand(count) < 0.25
    if blurred.any():
        kernel = torch.zeros(1, 1, 7, 7)
        kind, length = int(torch.randint(0, 3, (1,))), int(torch.randint(1, 4, (1,)))
        if kind == 0:
            kernel[0, 0, 3, 3 - length : 4 + length] = 1
        elif kind == 1:
            kernel[0, 0, 3 - length : 4 + length, 3] = 1
        else:
            kernel[0, 0, 3 - length + 1 : 3 + length, 3 - length + 1 : 3 + length] = 1
        padded = functional.pad(views[blurred], (3, 3, 3, 3), mode="replicate")
        views[blurred] = functional.conv2d(padded, kernel / kernel.sum())
    coarse = torch.rand(count) < 0.2
    if coarse.any():  # what strong compression leaves: blocks of eight pixels, flattened
        block = functional.avg_pool2d(views[coarse], 8)
        flat = functional.interpolate(block, scale_factor=8.0)
        views[coarse] = flat + (views[coarse] - flat) * torch.empty(1).uniform_(0.4, 0.9)
    dark = torch.where(
        torch.rand(count) < 0.35, torch.empty(count).uniform_(math.log(1 / 32), 0).exp(), 1.0
    )[:, None, None, None]
    noise = torch.rand(count, 1, 1, 1).square() * 0.06 * dark.sqrt()
    views = views * dark + torch.randn_like(views) * noise
    levels = (views * 255).round().clamp(0, 255) / 255  # what 8 bits keep of little light
    lifted = torch.rand(count, 1, 1, 1) < 0.3  # limited range: black is 16
    return torch.where(lifted, (levels * 219 + 16).round() / 255, levels)


def detector_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Quality focal loss (Li et al. 2020) of the scores, DIoU of the boxes, distance of points.

    Args:
        outputs: (N, places, 15), as ``DetectorNetwork`` gives them.
        labels: (N, FACES * FIELDS), pixels of the view.
    """
    size = _side(outputs)
    centre, stride = (values.to(outputs.device) for values in centres(size, size))
    faces = labels.view(len(labels), FACES, FIELDS)
    chosen, positive, ignored = assigned(faces, centre, stride)
    given = decoded(outputs, centre, stride)
    mine = faces.gather(1, chosen[..., None].expand(-1, -1, FIELDS))
    overlap, distance = _overlaps(given[..., 1:5], mine[..., 1:5])
    target = torch.where(positive, 0.5 + overlap.detach().clamp(0, 1) / 2, torch.zeros(()))
    logits = outputs[..., 0]
    focus = (target - logits.sigmoid()).abs().square()
    scores = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * focus
    number = positive.sum().clamp_min(1)
    score = scores.masked_fill(ignored & ~positive, 0).sum() / number
    box = (1 - overlap + distance)[positive].sum() / number
    extent = (mine[..., 3:5] - mine[..., 1:3]).clamp_min(1).prod(dim=-1).sqrt()
    error = (given[..., 5:] - mine[..., 5:15]) / extent[..., None]
    pointed = positive & (mine[..., 15] > 0)
    placed = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none")
    points = placed.mean(dim=-1)[pointed].sum() / pointed.sum().clamp_min(1)
    return score + 1.5 * box + 3 * points


def assigned(faces: Tensor, centre: Tensor, stride: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which face each place answers for, whether it does, and whether it lies in what is ignored.

    Args:
        faces: (N, FACES, FIELDS).
        centre, stride: As ``centres`` gives them.

    Returns:
        Position of the face, whether there is one, and whether to ignore the place, (N, places).
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
    hidden = (centre > low) & (centre < high)
    ignored = (hidden.all(dim=-1) & (faces[:, :, None, 0] < 0)).any(dim=1)
    return chosen, best.isfinite(), ignored


def _side(outputs: Tensor) -> int:
    """The view's side, by the number of places."""
    per_square = sum((32 // stride) ** 2 for stride in STRIDES)
    return 32 * math.isqrt(outputs.shape[1] // per_square)


def _overlaps(given: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and how far the centres lie apart (Zheng et al. 2020, DIoU)."""
    low = torch.maximum(given[..., :2], wanted[..., :2])
    high = torch.minimum(given[..., 2:], wanted[..., 2:])
    shared = (high - low).clamp_min(0).prod(dim=-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp_min(0).prod(dim=-1) for box in (given, wanted)]
    overlap = shared / (areas[0] + areas[1] - shared).clamp_min(1e-6)
    around = torch.maximum(given[..., 2:], wanted[..., 2:]) - torch.minimum(
        given[..., :2], wanted[..., :2]
    )
    apart = (given[..., :2] + given[..., 2:] - wanted[..., :2] - wanted[..., 2:]) / 2
    return overlap, apart.square().sum(-1) / around.square().sum(-1).clamp_min(1e-6)


def all_found(outputs: Tensor, labels: Tensor) -> Tensor:
    """Scenes in which every face of 12 pixels and more is found and nothing else is, (N,)."""
    size = _side(outputs)
    centre, stride = (values.to(outputs.device) for values in centres(size, size))
    answers = decoded(outputs.detach(), centre, stride)
    faces = labels.view(len(labels), FACES, FIELDS)
    right = torch.zeros(len(labels), dtype=torch.bool)
    for number, (said, there) in enumerate(zip(answers, faces, strict=True)):
        _, false, missed = compared(said.cpu().numpy(), there.cpu().numpy())
        right[number] = not (false or missed)
    return right


def compared(
    said: FloatArray, faces: FloatArray, *, least: float = 12.0, threshold: float = 0.5
) -> tuple[int, int, int]:
    """Faces found, detections that are none, and faces missed, at IoU 0.5.

    Args:
        said: (places, 15), decoded.
        faces: (FACES, FIELDS); those below ``least`` pixels, or to be ignored, count neither way.
    """
    found = said[said[:, 0] >= threshold]
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


_KINDS = dict.fromkeys(("backgrounds", "few-faces", "masks", "wider"), "pictures")


def detector_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """Recall at IoU 0.5 and false detections of held-out scenes, by kind of picture."""
    kinds = np.array([_KINDS.get(source, source) for source in held_out.sources.tolist()])
    labels = held_out.labels.reshape(-1, FACES, FIELDS).astype(np.float32)
    counts = np.array(
        [compared(said, faces) for said, faces in zip(answers, labels, strict=True)]
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

"""Augmentation of the detector's scenes, which also moves the faces in their labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from sentistream.training.detector_examples import FACES, FIELDS, SCENE_SIZE
from sentistream.vision.face_detector import LOOKS

VIEW = 160
"""Width and height of a view that the detector is trained on, pixels."""

SMALLEST, LARGEST = 7.0, 150.0
"""Sizes of faces in views, pixels; smaller ones are ignored."""

TOO_LARGE = 200.0
"""Parts of faces of this size and more are not to be found, pixels."""

_MIRRORED_POINTS = (1, 0, 2, 4, 3)  # the point that takes each one's place in a mirror


def augment_scenes(scenes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Random views (N, 1, 160, 160) of scenes (N, 1, 256, 256), and their labels.

    Any roll, faces of 7 to 150 pixels, mirrored, in weak and in slanting light, blurred,
    blocky, noisy, partly occluded. All randomness comes from PyTorch's own generator.

    Args:
        scenes: Brightness, 0 to 1.
        labels: (N, FACES * FIELDS), pixels of the scene.

    Returns:
        The views, and labels in pixels of the view.
    """
    count = len(scenes)
    faces = labels.view(count, FACES, FIELDS).clone()
    angle = torch.randn(count) * math.radians(12)
    any_roll = torch.rand(count) < 0.5
    angle[any_roll] = torch.empty(int(any_roll.sum())).uniform_(-math.pi, math.pi)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    zoom, middle = _choose_views(faces)
    # maps the view's pixels, about its centre, to the scene's
    rotation = torch.stack(
        [
            torch.stack([mirror * angle.cos(), -angle.sin()], dim=1),
            torch.stack([mirror * angle.sin(), angle.cos()], dim=1),
        ],
        dim=1,
    )
    to_scene = rotation / zoom[:, None, None]
    views = _sample_views(scenes, to_scene, middle, zoom)
    faces = _move_faces(faces, torch.linalg.inv(to_scene), middle, angle, zoom, mirror)
    views = _paste_distractors(views, faces)
    views = _occlude_faces(views, faces)
    return _degrade(views), faces.flatten(1)


def augment_looks(crops: Tensor, face: float) -> Tensor:
    """Random closer looks (N, 1, size, size) at crops (N, 1, height, width) of detections.

    All of a batch are of one of the sizes in ``LOOKS``. Rolled, mirrored, shifted, a little
    larger or smaller, and degraded like the scenes. All randomness comes from PyTorch's own
    generator.

    Args:
        crops: Squares about the detections, brightness, 0 to 1.
        face: Size of a detection in them, pixels.
    """
    count = len(crops)
    shown, size = LOOKS[int(torch.randint(len(LOOKS), (1,)))]
    if shown < face:
        side = round(crops.shape[-1] * shown / face)
        crops = functional.interpolate(crops, (side, side), mode="bilinear", antialias=True)
    angle = torch.randn(count) * math.radians(12)
    any_roll = torch.rand(count) < 0.25
    angle[any_roll] = torch.empty(int(any_roll.sum())).uniform_(-math.pi, math.pi)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    scale = (torch.randn(count) * 0.08).exp() * size / crops.shape[-1]
    rows = [
        torch.stack([mirror * scale * angle.cos(), -scale * angle.sin()], dim=1),
        torch.stack([mirror * scale * angle.sin(), scale * angle.cos()], dim=1),
    ]
    shift = torch.randn(count, 2, 1) * 0.05 * 2 * shown / crops.shape[-1]
    matrix = torch.cat([torch.stack(rows, dim=1), shift], dim=2)
    grid = functional.affine_grid(matrix, [count, 1, size, size], align_corners=False)
    views = functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    return _degrade(views)


def _choose_views(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Scale of each view, (N,), and the scene's point at its centre, (N, 2)."""
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
        target = math.exp(float(torch.empty(1).uniform_(math.log(least), math.log(most))))
        zoom[number] = min(max(target / size, 0.5), 3.0)
        free = max(0.0, VIEW / 2 - 0.4 * target) / float(zoom[number])
        middle[number] = (face[1:3] + face[3:5]) / 2 + torch.empty(2).uniform_(-free, free)
    # the view shows as little as possible of what lies beyond the scene's edge
    inside = (VIEW / 2 / zoom).clamp_max(SCENE_SIZE / 2)[:, None]
    return zoom, middle.clamp(inside, SCENE_SIZE - inside)


def _sample_views(scenes: Tensor, to_scene: Tensor, middle: Tensor, zoom: Tensor) -> Tensor:
    """The views; where the scale is small, the scene is averaged down first."""
    count = len(scenes)
    views = torch.empty(count, 1, VIEW, VIEW)
    shift = middle / (SCENE_SIZE / 2) - 1
    matrix = torch.cat([to_scene * (VIEW / SCENE_SIZE), shift[:, :, None]], dim=2)
    grid = functional.affine_grid(matrix, [count, 1, VIEW, VIEW], align_corners=False)
    for shrink, low, high in ((1, 0.7, math.inf), (2, 0.35, 0.7), (4, 0.0, 0.35)):
        some = (zoom >= low) & (zoom < high)
        if some.any():
            smaller = functional.avg_pool2d(scenes[some], shrink) if shrink > 1 else scenes[some]
            views[some] = functional.grid_sample(
                smaller, grid[some], padding_mode="border", align_corners=False
            )
    return views


def _move_faces(
    faces: Tensor, to_view: Tensor, middle: Tensor, angle: Tensor, zoom: Tensor, mirror: Tensor
) -> Tensor:
    """Boxes and points in the view's pixels; cut-off and too small faces are to be ignored."""

    def move(places: Tensor) -> Tensor:
        return torch.einsum("nij,nkj->nki", to_view, places - middle[:, None]) + VIEW / 2

    centre = move((faces[..., 1:3] + faces[..., 3:5]) / 2)
    half = (faces[..., 3:5] - faces[..., 1:3]) / 2 * zoom[:, None, None]
    # the box around the rotated ellipse that fills the face's own box
    cosine, sine = angle.cos().square()[:, None], angle.sin().square()[:, None]
    wide = (half[..., 0].square() * cosine + half[..., 1].square() * sine).sqrt()
    tall = (half[..., 0].square() * sine + half[..., 1].square() * cosine).sqrt()
    extent = torch.stack([wide, tall], dim=-1)
    moved = faces.clone()
    moved[..., 1:3], moved[..., 3:5] = centre - extent, centre + extent
    points = move(faces[..., 5:15].reshape(len(faces), -1, 2)).view(len(faces), FACES, 5, 2)
    swapped = points[:, :, list(_MIRRORED_POINTS)]
    points = torch.where((mirror < 0)[:, None, None, None], swapped, points)
    moved[..., 5:15] = points.flatten(2)
    inside = moved[..., 3:5].clamp(0, VIEW) - moved[..., 1:3].clamp(0, VIEW)
    area = (2 * extent).prod(dim=-1).clamp_min(1e-6)
    seen = inside.clamp_min(0).prod(dim=-1) / area
    kind = moved[..., 0].clone()
    kind[(kind > 0) & ((seen < 0.5) | (area.sqrt() < SMALLEST * 0.8))] = -1
    # a face too large for the view is none: it is found at a smaller scale of the picture
    kind[(seen < 0.02) | (area.sqrt() > TOO_LARGE)] = 0
    moved[..., 0] = kind
    return moved


def _paste_distractors(views: Tensor, faces: Tensor) -> Tensor:
    """Pastes patches without a face, so that the edge of a patch does not mean a face."""
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
            if _overlaps_face(origin, faces[other]) or _overlaps_face(place, faces[number]):
                continue
            patch = views[other, :, y0 : y0 + height, x0 : x0 + width].clone()
            mask: Tensor = torch.ones(())
            if float(torch.rand(1)) < 0.6:  # an ellipse that fades
                down = torch.linspace(-1, 1, height)[:, None]
                mask = ((1.15 - torch.hypot(down, torch.linspace(-1, 1, width))) * 5).clamp(0, 1)
            here = views[number, :, y1 : y1 + height, x1 : x1 + width]
            here += mask * (patch * torch.empty(1).uniform_(0.7, 1.2) - here)
    return views


def _overlaps_face(box: Tensor, faces: Tensor) -> bool:
    """Whether a box overlaps any face, or one to be ignored."""
    low, high = torch.maximum(box[:2], faces[:, 1:3]), torch.minimum(box[2:], faces[:, 3:5])
    return bool(((high > low).all(dim=1) & (faces[:, 0] != 0)).any())


def _occlude_faces(views: Tensor, faces: Tensor) -> Tensor:
    """Covers part of some faces with a patch of another view, or with one brightness."""
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


def _degrade(views: Tensor) -> Tensor:
    """What cameras do: gamma, slanting light, blur, compression blocks, darkness with noise."""
    count = len(views)
    views = views.clamp(1e-3, 1) ** (torch.randn(count, 1, 1, 1) * 0.3).exp()
    along = torch.linspace(-1, 1, views.shape[-1])
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
    blocky = torch.rand(count) < 0.2
    if blocky.any():  # strong compression flattens blocks of eight pixels
        block = functional.avg_pool2d(views[blocky], 8)
        flat = functional.interpolate(block, scale_factor=8.0)
        views[blocky] = flat + (views[blocky] - flat) * torch.empty(1).uniform_(0.4, 0.9)
    dark = torch.where(
        torch.rand(count) < 0.35, torch.empty(count).uniform_(math.log(1 / 32), 0).exp(), 1.0
    )[:, None, None, None]
    noise = torch.rand(count, 1, 1, 1).square() * 0.06 * dark.sqrt()
    views = views * dark + torch.randn_like(views) * noise
    levels = (views * 255).round().clamp(0, 255) / 255  # quantized to 8 bits
    limited = torch.rand(count, 1, 1, 1) < 0.3  # limited range: black is 16
    return torch.where(limited, (levels * 219 + 16).round() / 255, levels)

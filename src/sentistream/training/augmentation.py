"""Random changes to training images: by the recipe (and mixup), and of the ``lite`` networks.

The recipe's augmentation draws from a generator; the others from PyTorch's own. The detector's
(``detector_augmentation``) and the landmarks' (``landmark_task``) also change their labels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sentistream.media.resample import resample
from sentistream.training.recipes import Augmentation
from sentistream.types import Box, UInt8Array
from sentistream.vision.alignment import VIEW_SIZE

STORED_FACE_MARGIN = 1.25
"""Stored faces show this many times the side of the network's view, so that shifts show more."""

STORED_FACE_SIZE = round(VIEW_SIZE * STORED_FACE_MARGIN * 4 / 3)
"""Width and height of a stored face, pixels; its resolution is a third above the view's."""


def augment_images(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Rotates, shifts, shears, zooms and mirrors images, float (N, 3, height, width)."""
    count = len(images)

    def uniform_within(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = torch.deg2rad(uniform_within(settings.rotation))
    shear = uniform_within(settings.shear)
    zoom_x, zoom_y = 1 + uniform_within(settings.zoom), 1 + uniform_within(settings.zoom)
    # grid_sample's coordinates span -1 to 1, so a share of the width is twice that
    shift_x, shift_y = 2 * uniform_within(settings.shift), 2 * uniform_within(settings.shift)
    if settings.flip:
        zoom_x = torch.where(torch.rand(count, generator=generator) < 0.5, -zoom_x, zoom_x)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    matrices = torch.stack(
        [
            torch.stack([zoom_x * cosine, -zoom_y * torch.sin(angle + shear), shift_x], dim=1),
            torch.stack([zoom_x * sine, zoom_y * torch.cos(angle + shear), shift_y], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def mixup(
    inputs: list[Tensor], alpha: float, generator: torch.Generator
) -> tuple[list[Tensor], Tensor, float]:
    """Mixes each example with another of its batch (Zhang et al. 2018).

    The share comes from PyTorch's own generator, the partners from ``generator``.

    Returns:
        The mixed inputs, the index of each example's partner, shape (N,), and the share, 0.5
        to 1, that each example keeps of itself.
    """
    drawn = float(torch.distributions.Beta(alpha, alpha).sample())
    share = max(drawn, 1 - drawn)
    partners = torch.randperm(len(inputs[0]), generator=generator).to(inputs[0].device)
    mixed = [values * share + values[partners] * (1 - share) for values in inputs]
    return mixed, partners, share


def unaugmented_views(stored: UInt8Array, size: int, margin: float) -> UInt8Array:
    """The middle of stored faces, as a network sees them without augmentation.

    Args:
        stored: Shape (N, height, width, 1).
        size: Width and height of the views, pixels.
        margin: Side of a stored face, in sides of the view.

    Returns:
        Shape (N, size, size, 1).
    """
    side = stored.shape[1] / margin
    edge = (stored.shape[1] - side) / 2
    middle = Box(edge, edge, edge + side, edge + side)
    views = [resample(face[..., 0], middle, size, size) for face in stored]
    return np.stack(views)[..., np.newaxis]


def augment_faces(faces: Tensor) -> Tensor:
    """Random views (N, 1, 64, 64) of stored faces (N, 1, 107, 107).

    Geometry (rotation, scale, shear, shift, mirror), lighting, resolution, noise, occlusion.
    """
    views = _random_affine(
        faces, VIEW_SIZE, rotation=9, scale=0.16, stretch=0.07, shift=0.12, **_FACE_COVER
    )
    return _degrade_faces(views, gamma=0.35, downscaled=0.25, occluded=0.3)


def augment_faces_weakly(faces: Tensor) -> Tensor:
    """As ``augment_faces``, weaker, for fine-tuning."""
    views = _random_affine(
        faces, VIEW_SIZE, rotation=6, scale=0.12, stretch=0.07, shift=0.1, **_FACE_COVER
    )
    return _degrade_faces(views, gamma=0.25, downscaled=0.25, occluded=0.12)


def augment_mouths(mouths: Tensor) -> Tensor:
    """Random geometry, gamma, resolution and noise; (N, 1, 32, 32) in and out."""
    size = mouths.shape[-1]
    moved = _random_affine(mouths, size, cover=1, rotation=12, scale=0.18, stretch=0.1, shift=0.15)
    seen = random_downscale(random_gamma(moved, 0.3), share=0.3, smallest=10, largest=26)
    return seen + torch.randn_like(seen) * 0.04 * torch.rand(len(seen), 1, 1, 1)


_FACE_COVER = {"cover": 1 / STORED_FACE_MARGIN}


def _degrade_faces(faces: Tensor, *, gamma: float, downscaled: float, occluded: float) -> Tensor:
    """Random lighting and noise; a share of the faces is downscaled, a share occluded."""
    lit = random_gamma(faces, gamma) * lighting_gradient(len(faces), VIEW_SIZE)
    seen = random_downscale(lit.clamp(0, 1.5), share=downscaled, smallest=16, largest=53)
    noise = torch.rand(len(seen), 1, 1, 1).square() * seen.std() * 0.04
    noisy = seen + torch.randn_like(seen) * noise
    return random_occlusion(noisy, share=occluded, smallest=8, largest=27)


def _random_affine(
    images: Tensor,
    size: int,
    *,
    cover: float,
    rotation: float,
    scale: float,
    stretch: float,
    shift: float,
) -> Tensor:
    """Rotated, scaled, stretched, sheared, shifted and mirrored images, (N, 1, size, size).

    Args:
        images: Shape (N, 1, height, width).
        size: Width and height of the output, pixels.
        cover: Side of the part shown, in sides of the image.
        rotation: Standard deviation, degrees; at most twice that.
        scale, stretch: Largest logarithm of the scale and of the aspect ratio.
        shift: Largest shift, in half sides of the image.
    """
    count = len(images)
    angle = torch.randn(count).clamp(-2, 2) * math.radians(rotation)
    zoom, aspect = uniform(count, scale).exp(), uniform(count, stretch).exp()
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    across, down = cover * zoom * aspect * mirror, cover * zoom / aspect
    shear = uniform(count, 0.1)
    cosine, sine = angle.cos(), angle.sin()
    rows = (
        torch.stack([across * cosine, down * (shear - sine), uniform(count, shift)], dim=1),
        torch.stack([across * sine, down * cosine, uniform(count, shift)], dim=1),
    )
    grid = functional.affine_grid(
        torch.stack(rows, dim=1), [count, 1, size, size], align_corners=False
    )
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def random_gamma(images: Tensor, gamma: float) -> Tensor:
    """Random gamma correction; ``gamma`` is the standard deviation of the exponent's logarithm."""
    exponents = (torch.randn(len(images), 1, 1, 1) * gamma).exp()
    return images.clamp(1e-3, 1) ** exponents


def lighting_gradient(count: int, size: int) -> Tensor:
    """Random factors for light from one side, (N, 1, size, size)."""
    along = torch.linspace(-1, 1, size)
    sideways = torch.randn(count, 1, 1, 1).clamp(-2, 2) * 0.18 * along
    downwards = torch.randn(count, 1, 1, 1).clamp(-2, 2) * 0.12 * along[:, None]
    return (1 + sideways + downwards).clamp(0.2, 2)


def random_downscale(images: Tensor, share: float, smallest: int, largest: int) -> Tensor:
    """Reduces a share of the images to a random width (pixels) and enlarges them again."""
    chosen = torch.rand(len(images)) < share
    if not chosen.any():
        return images
    size = images.shape[-1]
    width = int(torch.randint(smallest, largest, (1,)))
    small = functional.interpolate(
        images[chosen], size=(width, width), mode="bilinear", antialias=True
    )
    images = images.clone()
    images[chosen] = functional.interpolate(small, size=(size, size), mode="bilinear")
    return images


def random_detail(images: Tensor, share: float) -> Tensor:
    """Weakens or strengthens fine detail, such as wrinkles, in a share of the images."""
    chosen = torch.rand(len(images)) < share
    if not chosen.any():
        return images
    radius = 7
    deviation = float(torch.empty(1).uniform_(0.8, 3.2))
    kernel = (-torch.arange(-radius, radius + 1.0).square() / (2 * deviation**2)).exp()
    kernel = kernel / kernel.sum()
    sharp = images[chosen]
    padded = functional.pad(sharp, (radius,) * 4, mode="replicate")
    across = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    blurred = functional.conv2d(across, kernel.view(1, 1, -1, 1))
    factor = torch.empty(len(sharp), 1, 1, 1).uniform_(0.0, 2.0)
    images = images.clone()
    images[chosen] = (blurred + factor * (sharp - blurred)).clamp(0, 1.5)
    return images


def random_occlusion(images: Tensor, share: float, smallest: int, largest: int) -> Tensor:
    """Covers part of a share of the images with a rectangle of one brightness, in place."""
    size = images.shape[-1]
    for number in torch.nonzero(torch.rand(len(images)) < share)[:, 0].tolist():
        height, width = (int(value) for value in torch.randint(smallest, largest, (2,)))
        top = int(torch.randint(0, size - height + 1, (1,)))
        left = int(torch.randint(0, size - width + 1, (1,)))
        images[number, 0, top : top + height, left : left + width] = torch.rand(1)
    return images


def uniform(count: int, limit: float) -> Tensor:
    """Uniform random numbers between ``-limit`` and ``limit``, (N,)."""
    return torch.empty(count).uniform_(-limit, limit)

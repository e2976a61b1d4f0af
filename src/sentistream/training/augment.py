"""Random changes to training pictures, drawn anew for each at every pass."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sentistream.training.recipes import Augmentation


def augment(pictures: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Turned, shifted, sheared, zoomed and mirrored pictures, float (N, 3, height, width)."""
    count = len(pictures)

    def between(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = torch.deg2rad(between(settings.rotation))
    shear = between(settings.shear)
    zoom_x, zoom_y = 1 + between(settings.zoom), 1 + between(settings.zoom)
    # grid_sample's coordinates span -1 to 1, so a share of the width is twice that
    shift_x, shift_y = 2 * between(settings.shift), 2 * between(settings.shift)
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
    grid = functional.affine_grid(matrices, list(pictures.shape), align_corners=False)
    return functional.grid_sample(
        pictures, grid, mode="bilinear", padding_mode="border", align_corners=False
    )

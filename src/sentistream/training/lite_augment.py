"""Random changes by which the ``lite`` networks learn what does not matter.

Each takes a batch of inputs and its labels, and draws from PyTorch's own generator.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from sentistream.vision.alignment import VIEW_SIZE

SURROUNDINGS = 1.25
"""Faces are learned from with so much around the view, so that shifts show what is there."""

STORED_FACE = round(VIEW_SIZE * SURROUNDINGS * 4 / 3)
"""Width and height of a stored face, pixels: a third finer than the view."""


def faces(inputs: list[Tensor], labels: Tensor, _: torch.Generator) -> tuple[list[Tensor], Tensor]:
    """Faces of (N, 1, 80, 80) as changed views of (N, 1, 48, 48).

    Placed, turned and lit otherwise, mirrored, seen from farther away, partly covered.
    """
    placed = _placed(inputs[0], VIEW_SIZE, turn=9, scale=0.16, stretch=0.07, shift=0.12, **_VIEW)
    return [_disturbed(placed, gamma=0.35, far=0.25, hidden=0.3)], labels


def faces_gently(
    inputs: list[Tensor], labels: Tensor, _: torch.Generator
) -> tuple[list[Tensor], Tensor]:
    """As ``faces``, changed less: for the end of learning."""
    placed = _placed(inputs[0], VIEW_SIZE, turn=6, scale=0.12, stretch=0.07, shift=0.1, **_VIEW)
    return [_disturbed(placed, gamma=0.25, far=0.15, hidden=0.12)], labels


def mouths(inputs: list[Tensor], labels: Tensor, _: torch.Generator) -> tuple[list[Tensor], Tensor]:
    """Mouths placed, turned and lit otherwise, mirrored, blurred; (N, 1, 32, 32) both ways."""
    (pictures,) = inputs
    size = pictures.shape[-1]
    placed = _placed(pictures, size, cover=1, turn=12, scale=0.18, stretch=0.1, shift=0.15)
    seen = farther(lit(placed, gamma=0.3), share=0.3, smallest=10, largest=26)
    return [seen + torch.randn_like(seen) * 0.04 * torch.rand(len(seen), 1, 1, 1)], labels


_VIEW = {"cover": 1 / SURROUNDINGS}


def _disturbed(faces: Tensor, *, gamma: float, far: float, hidden: float) -> Tensor:
    """Lit otherwise; some as if farther away, all with noise, some partly covered."""
    shone = lit(faces, gamma) * gradient(len(faces), VIEW_SIZE)
    seen = farther(shone.clamp(0, 1.5), share=far, smallest=20, largest=40)
    noise = torch.rand(len(seen), 1, 1, 1).square() * seen.std() * 0.04
    return covered(seen + torch.randn_like(seen) * noise, share=hidden, smallest=6, largest=20)


def _placed(
    pictures: Tensor,
    size: int,
    *,
    cover: float,
    turn: float,
    scale: float,
    stretch: float,
    shift: float,
) -> Tensor:
    """Turned (degrees, normal), scaled and stretched (log, uniform), shifted, mirrored."""
    count = len(pictures)
    angle = torch.randn(count).clamp(-2, 2) * math.radians(turn)
    zoom, aspect = uniform(count, scale).exp(), uniform(count, stretch).exp()
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    across, down = cover * zoom * aspect * mirror, cover * zoom / aspect
    slant = uniform(count, 0.1)
    cosine, sine = angle.cos(), angle.sin()
    rows = (
        torch.stack([across * cosine, down * (slant - sine), uniform(count, shift)], dim=1),
        torch.stack([across * sine, down * cosine, uniform(count, shift)], dim=1),
    )
    grid = functional.affine_grid(
        torch.stack(rows, dim=1), [count, 1, size, size], align_corners=False
    )
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def lit(pictures: Tensor, gamma: float) -> Tensor:
    """Light and contrast as another camera shows them: brightness to a random power."""
    exponents = (torch.randn(len(pictures), 1, 1, 1) * gamma).exp()
    return pictures.clamp(1e-3, 1) ** exponents


def gradient(count: int, size: int) -> Tensor:
    """Light that comes from a side, (N, 1, size, size)."""
    along = torch.linspace(-1, 1, size)
    sideways = torch.randn(count, 1, 1, 1).clamp(-2, 2) * 0.18 * along
    downwards = torch.randn(count, 1, 1, 1).clamp(-2, 2) * 0.12 * along[:, None]
    return (1 + sideways + downwards).clamp(0.2, 2)


def farther(pictures: Tensor, share: float, smallest: int, largest: int) -> Tensor:
    """Some as if they had been only so many pixels wide."""
    chosen = torch.rand(len(pictures)) < share
    if not chosen.any():
        return pictures
    size = pictures.shape[-1]
    width = int(torch.randint(smallest, largest, (1,)))
    small = functional.interpolate(
        pictures[chosen], size=(width, width), mode="bilinear", antialias=True
    )
    pictures = pictures.clone()
    pictures[chosen] = functional.interpolate(small, size=(size, size), mode="bilinear")
    return pictures


def covered(pictures: Tensor, share: float, smallest: int, largest: int) -> Tensor:
    """Some with a rectangle of one brightness before them."""
    size = pictures.shape[-1]
    for number in torch.nonzero(torch.rand(len(pictures)) < share)[:, 0].tolist():
        height, width = (int(value) for value in torch.randint(smallest, largest, (2,)))
        top = int(torch.randint(0, size - height + 1, (1,)))
        left = int(torch.randint(0, size - width + 1, (1,)))
        pictures[number, 0, top : top + height, left : left + width] = torch.rand(1)
    return pictures


def uniform(count: int, most: float) -> Tensor:
    """Even numbers between minus and plus ``most``, (N,)."""
    return torch.empty(count).uniform_(-most, most)

"""The ``lite`` profile's face detector: one pass over a picture of any size, on brightness only.

An anchor-free, single-stage detector (Tian et al. 2019, FCOS) with a feature pyramid (Lin et al.
2017) on three strides. Each location of a level predicts how likely a face has its centre there,
where its box ends, and where the eyes, nose and corners of the mouth are.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentistream.networks.lite import active, convolution, plain
from sentistream.vision.face_detector import STRIDES, VERIFIED_STRIDES

REACH = 4.0
"""Box distances are learned in multiples of this many strides."""

VALUES = 15
"""Values per location of the detector: a logit, four distances to the box's edges, five points."""

_WIDTH = 32  # channels of the pyramid
_DEPTH = 5  # blocks on each of the two coarser levels
_PRIOR = 0.01  # probability of a face that an untrained network gives each location
_DARKEST = 0.015  # added to brightness, 0 to 1, before its logarithm


def log_brightness(pictures: Tensor) -> Tensor:
    """Logarithm of brightness, with mean 0 and standard deviation 1, (N, 1, height, width).

    In the logarithm, light that is weaker by a factor, over the whole picture or on one side
    of a face, only adds a constant, and edges look the same.
    """
    levels = torch.log(pictures + _DARKEST)
    centred = levels - levels.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True).sqrt() + 0.1)


def _depthwise(channels: int, size: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution of each channel on its own, and its normalization."""
    layer = nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels, bias=False)
    return layer, nn.BatchNorm2d(channels)


class _Separable(nn.Module):
    """A residual block of 5x5 depthwise and 1x1 convolutions (Sandler et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_depthwise(channels, 5),
            active(channels, channels, 1),
            convolution(channels, channels, 1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(inputs + self.layers(inputs))


class _Head(nn.Module):
    """The predictions of each location of a level, (N, places, 15)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_depthwise(channels, 3),
            active(channels, channels, 1),
        )
        self.shape = nn.Sequential(
            *_depthwise(channels, 5),
            active(channels, 2 * channels, 1),
        )
        self.score = nn.Conv2d(channels, 1, 1)
        self.place = nn.Conv2d(2 * channels, VALUES - 1, 1)
        for layer in (self.score, self.place):
            nn.init.normal_(layer.weight, std=0.01)
        self.score.bias = nn.Parameter(torch.full((1,), math.log(_PRIOR / (1 - _PRIOR))))
        self.place.bias = nn.Parameter(torch.zeros(VALUES - 1))

    def forward(self, features: Tensor) -> Tensor:
        body = self.body(features)
        output = torch.cat([self.score(body), self.place(self.shape(body))], dim=1)
        return output.flatten(2).transpose(1, 2)


class DetectorNetwork(nn.Module):
    """Faces in pictures, (N, 1, height, width) to (N, places, 15); sizes are multiples of 32.

    The values of a location are a logit, the distances from its centre to the left, top, right
    and bottom of the box (as logarithms, in units of ``REACH`` strides), and x and y of five
    points from the middle of that box in units of its size. Locations are ordered by level, row and
    column.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem: nn.Sequential = nn.Sequential(
            active(1, 8, stride=2),
            active(8, 16, stride=2),
            plain(16),
        )
        self.eighth: nn.Sequential = nn.Sequential(
            active(16, 32, stride=2), plain(32), _Separable(32)
        )
        self.sixteenth: nn.Sequential = nn.Sequential(
            active(32, 48, stride=2), *(_Separable(48) for _ in range(_DEPTH))
        )
        self.thirty_second: nn.Sequential = nn.Sequential(
            active(48, 64, stride=2), *(_Separable(64) for _ in range(_DEPTH))
        )
        self.lateral: nn.ModuleList = nn.ModuleList(
            convolution(channels, _WIDTH, 1) for channels in (32, 48, 64)
        )
        self.heads: nn.ModuleList = nn.ModuleList(_Head(_WIDTH) for _ in STRIDES)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """The pyramid's levels, fine to coarse, (N, 32, rows, columns) each."""
        eighth = self.eighth(self.stem(log_brightness(pictures)))
        sixteenth = self.sixteenth(eighth)
        levels = [eighth, sixteenth, self.thirty_second(sixteenth)]
        narrow = [layer(level) for layer, level in zip(self.lateral, levels, strict=True)]
        top = torch.relu(narrow[2])
        middle = torch.relu(narrow[1] + functional.interpolate(top, scale_factor=2.0))
        low = torch.relu(narrow[0] + functional.interpolate(middle, scale_factor=2.0))
        return [low, middle, top]

    def detect(self, features: list[Tensor]) -> Tensor:
        """The output for some features, (N, places, 15)."""
        return torch.cat(
            [head(level) for head, level in zip(self.heads, features, strict=True)], dim=1
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.detect(self.features(pictures))


class VerifiedDetectorNetwork(nn.Module):
    """A trained detector with a second score, learned from closer looks at its own detections.

    The detector itself stays as it is: only the layers of the verification are trained. They see
    the same features, on the coarser levels.

    Args:
        detector: The trained detector; its parameters are fixed from then on.
    """

    def __init__(self, detector: DetectorNetwork) -> None:
        super().__init__()
        self.detector: DetectorNetwork = detector.requires_grad_(requires_grad=False)
        self.verification: nn.ModuleList = nn.ModuleList(
            _Verification(_WIDTH) for _ in VERIFIED_STRIDES
        )

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.detector.eval()  # its batch-norm statistics are fixed, too
        return self

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, places, 16): the detector's 15 values and the logit of the verification, 0 on the
        finest level, where closer looks never show a face."""
        features = self.detector.features(pictures)
        places = self.detector.detect(features)
        coarser = features[-len(VERIFIED_STRIDES) :]
        logits = [verify(level) for verify, level in zip(self.verification, coarser, strict=True)]
        verified = torch.cat(logits, dim=1)
        unverified = torch.zeros_like(places[:, verified.shape[1] :, :1])
        return torch.cat([places, torch.cat([unverified, verified], dim=1)], dim=-1)


class _Verification(nn.Module):
    """Whether a location is the centre of a face, as a logit, (N, places, 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_depthwise(channels, 5),
            active(channels, 2 * channels, 1),
            *_depthwise(2 * channels, 5),
            active(2 * channels, 2 * channels, 1),
            nn.Conv2d(2 * channels, 1, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layers(features)
        return logits.flatten(2).transpose(1, 2)


def centres(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Each location's centre in pixels, (places, 2), and its stride, (places, 1)."""
    grids: list[Tensor] = []
    strides: list[Tensor] = []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        down = (torch.arange(rows) + 0.5) * stride
        across = (torch.arange(columns) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)
        grids.append(grid.reshape(-1, 2))
        strides.append(torch.full((rows * columns, 1), float(stride)))
    return torch.cat(grids), torch.cat(strides)


def decoded(output: Tensor, centre: Tensor, stride: Tensor) -> Tensor:
    """Probability, box and points in pixels, then further values as they are; (N, places, ...)."""
    unit = stride * REACH
    far = output[..., 1:5].clamp(-6, 3).exp() * unit
    box = torch.cat([centre - far[..., :2], centre + far[..., 2:]], dim=-1)
    kept = box.detach()  # gradients of the points do not change the box
    middle, size = (kept[..., :2] + kept[..., 2:]) / 2, kept[..., 2:] - kept[..., :2]
    points = output[..., 5:VALUES] * torch.cat([size] * 5, dim=-1) + torch.cat([middle] * 5, dim=-1)
    return torch.cat([output[..., :1].sigmoid(), box, points, output[..., VALUES:]], dim=-1)


class Decoded(nn.Module):
    """A detector's outputs, decoded: only the locations that may hold a face.

    Args:
        network: Gives (N, places, 15) as ``DetectorNetwork`` does, or one more value as
            ``VerifiedDetectorNetwork`` does.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, places, ...): probability, left, top, right, bottom, x and y of five points, and the
        logit of the verification if the network gives it."""
        height, width = pictures.shape[2], pictures.shape[3]
        centre, stride = centres(height, width)
        return decoded(self.network(pictures), centre, stride)

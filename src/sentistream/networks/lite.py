"""The networks of the ``lite`` profile: a tenth of the paper's parameters, all in brightness.

Each gives logits of emotions; ``Sentiments`` joins those to the three classes by adding their
probabilities up. Learning to tell sad from angry is a richer task than learning that both are
negative.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentistream.networks.layers import parameter_count as parameter_count

FACE_EMOTIONS = ("happy", "neutral", "sad", "angry")
"""What the face network tells apart."""

VOICE_EMOTIONS = ("happy", "neutral", "calm", "sad", "angry", "surprised", "fearful")
"""What the voice network tells apart; the last two only in training."""


def _convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _active(
    inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    return nn.Sequential(*_convolution(inputs, outputs, kernel, stride), nn.ReLU())


class _Residual(nn.Module):
    """What the layers add to their input (He et al. 2016)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(inputs + self.layers(inputs))


def _plain(channels: int) -> _Residual:
    return _Residual(_active(channels, channels), _convolution(channels, channels))


def _narrow(channels: int, between: int) -> _Residual:
    return _Residual(
        _active(channels, between, 1),
        _active(between, between),
        _convolution(between, channels, 1),
    )


class _PlaceByPlace(nn.Sequential):
    """One value a channel, each place of the picture with a weight of its own.

    Faces are aligned, so a place means the same part of every face; averaging would lose it
    (Chen et al. 2018, MobileFaceNets).
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, size, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Flatten(),
        )


def _standardised(pictures: Tensor) -> Tensor:
    """Mean 0 and spread 1 a picture: light and contrast are gone."""
    centred = pictures - pictures.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True).sqrt() + 0.02)


class FaceNetwork(nn.Module):
    """Emotion of an aligned face, (N, 1, 48, 48) to logits (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _active(1, 24, stride=2),
            _plain(24),
            _active(24, 48, stride=2),
            _plain(48),
            _active(48, 96, stride=2),
            *(_narrow(96, 48) for _ in range(3)),
            _active(96, 128, 1),
        )
        self.places = _PlaceByPlace(128, 6)
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, len(FACE_EMOTIONS)))

    def forward(self, face: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(_standardised(face))))
        return logits


class MouthNetwork(nn.Module):
    """Is the mouth open? (N, 1, 32, 32) to a logit (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _active(1, 12, stride=2),
            _active(12, 24, stride=2),
            _plain(24),
            _active(24, 40, stride=2),
        )
        self.places = _PlaceByPlace(40, 4)
        self.classify = nn.Sequential(nn.Dropout(0.2), nn.Linear(40, 1))

    def forward(self, mouth: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(_standardised(mouth))))
        return logits

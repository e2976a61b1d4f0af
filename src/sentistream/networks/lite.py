"""The networks of the ``lite`` profile: a tenth of the paper's parameters, all in brightness.

Each gives logits of emotions; ``Sentiments`` joins those to the three classes by adding their
probabilities up. Learning to tell sad from angry is a richer task than learning that both are
negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentistream.datasets.labels import SENTIMENT_OF_EMOTION
from sentistream.types import SENTIMENTS
from sentistream.voice.hearing import BANDS, FLOOR_DB, PERIODICITY_STEP, PERIODS, STEP_DB

FACE_EMOTIONS = ("happy", "neutral", "sad", "angry")
"""What the face network tells apart."""

VOICE_EMOTIONS = ("happy", "neutral", "calm", "sad", "angry", "surprised", "fearful")
"""What the voice network tells apart; the last two only in training."""


def convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    """A convolution that keeps the size (divided by the stride), and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def active(
    inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    """The same with a ReLU behind."""
    return nn.Sequential(*convolution(inputs, outputs, kernel, stride), nn.ReLU())


class _Residual(nn.Module):
    """What the layers add to their input (He et al. 2016)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(inputs + self.layers(inputs))


def plain(channels: int) -> nn.Module:
    """Two convolutions that add to their input."""
    return _Residual(active(channels, channels), convolution(channels, channels))


def _narrow(channels: int, between: int) -> _Residual:
    return _Residual(
        active(channels, between, 1),
        active(between, between),
        convolution(between, channels, 1),
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


def standardised(pictures: Tensor) -> Tensor:
    """Mean 0 and spread 1 a picture: light and contrast are gone."""
    centred = pictures - pictures.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True).sqrt() + 0.02)


class FaceNetwork(nn.Module):
    """Emotion of an aligned face, (N, 1, 48, 48) to logits (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            active(1, 24, stride=2),
            plain(24),
            active(24, 48, stride=2),
            plain(48),
            active(48, 96, stride=2),
            *(_narrow(96, 48) for _ in range(3)),
            active(96, 128, 1),
        )
        self.places = _PlaceByPlace(128, 6)
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, len(FACE_EMOTIONS)))

    def forward(self, face: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(standardised(face))))
        return logits


class MouthNetwork(nn.Module):
    """Is the mouth open? (N, 1, 32, 32) to a logit (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            active(1, 12, stride=2),
            active(12, 24, stride=2),
            plain(24),
            active(24, 40, stride=2),
        )
        self.places = _PlaceByPlace(40, 4)
        self.classify = nn.Sequential(nn.Dropout(0.2), nn.Linear(40, 1))

    def forward(self, mouth: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(standardised(mouth))))
        return logits


class VoiceNetwork(nn.Module):
    """Emotion of an utterance, (N, 1, frames, 112) to logits (N, 7), however long it is.

    Frames come as ``voice.hearing`` gives them, divided by 255. Loudness counts only relative
    to the utterance's own mean, so that no microphone's gain matters. Frames that are 0
    throughout, as behind an utterance's end in a batch of several, are not heard. Attention
    over time says which frames count (statistics pooling, Okabe et al. 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.loudness = nn.Sequential(
            active(1, 16, 5, (2, 1)),
            active(16, 32, stride=2),
            active(32, 48, stride=(2, 1)),
            active(48, 64, stride=2),
        )
        self.pitch = nn.Sequential(
            active(1, 12, 5, (2, 1)), active(12, 24, stride=2), active(24, 32, stride=2)
        )
        width = 64 * BANDS // 16 + 32 * PERIODS // 8
        self.joined = nn.Sequential(
            nn.Conv1d(width, 96, 1, bias=False),
            nn.BatchNorm1d(96),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv1d(96, 96, 3, padding=1, bias=False),
            nn.BatchNorm1d(96),
            nn.ReLU(),
        )
        self.attention = nn.Conv1d(96, 1, 1)
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(192, len(VOICE_EMOTIONS)))

    def forward(self, voice: Tensor) -> Tensor:
        # two frames at a time, bands upwards: (N, 1, 112, frames / 2)
        halved = nn.functional.avg_pool2d(voice * 255, (2, 1)).transpose(2, 3)
        levels, periodicities = halved[:, :, :BANDS], halved[:, :, BANDS:]
        heard = (periodicities.amax(dim=2, keepdim=True) > 0).to(halved.dtype)
        decibels = levels * STEP_DB + FLOOR_DB
        mean_level = (decibels * heard).mean((2, 3), keepdim=True) / heard.mean((2, 3), True)
        loudness = self.loudness((decibels - mean_level) * heard / 15)
        pitch = self.pitch((periodicities - 127) * heard * (3 * PERIODICITY_STEP))
        features = self.joined(torch.cat([loudness.flatten(1, 2), pitch.flatten(1, 2)], dim=1))
        # the two strides in time leave one place in four
        unheard = 1 - heard[:, 0, :, ::2][..., ::2]
        weights = (self.attention(features) - 1e4 * unheard).softmax(dim=2)
        mean = (weights * features).sum(dim=2)
        spread = (weights * features.square()).sum(dim=2) - mean.square()
        statistics = torch.cat([mean, spread.clamp_min(1e-4).sqrt()], dim=1)
        logits: Tensor = self.classify(statistics)
        return logits


class Fusion(nn.Module):
    """Face and voice as witnesses whose logarithms are weighed and added (log-linear pooling).

    The voice counts as far as it is to be trusted at this moment; beside it the face may
    count otherwise than alone. Without any trust only the face is left, sharpened or softened
    until its confidence is its accuracy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.face = nn.Parameter(torch.tensor(1.0))
        self.face_beside_voice = nn.Parameter(torch.tensor(0.0))
        self.voice = nn.Parameter(torch.tensor(1.0))

    def forward(self, face: Tensor, voice: Tensor, trust: Tensor) -> Tensor:
        """Logits (N, 3).

        Args:
            face, voice: Distributions, (N, 3).
            trust: How far the voice is to be trusted, 0 to 1, (N, 1).
        """
        seen, heard = face.clamp_min(1e-4).log(), voice.clamp_min(1e-4).log()
        weight = self.face + self.face_beside_voice * trust
        return weight * seen + self.voice * trust * heard


class Sentiments(nn.Module):
    """A network of emotions as one of sentiments.

    Args:
        network: Gives logits of emotions.
        emotions: Their names.
        mirrored: Whether to answer for a picture and its mirror image together.
    """

    def __init__(
        self, network: nn.Module, emotions: Sequence[str], *, mirrored: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.mirrored = mirrored
        self.members = [
            [place for place, name in enumerate(emotions) if SENTIMENT_OF_EMOTION.get(name) == one]
            for one in SENTIMENTS
        ]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 3): of each sentiment the logarithm of its emotions' summed exponentials."""
        logits = self.network(inputs)
        if self.mirrored:
            logits = (logits + self.network(inputs.flip(3))) / 2
        return torch.stack([logits[:, one].logsumexp(dim=1) for one in self.members], dim=1)

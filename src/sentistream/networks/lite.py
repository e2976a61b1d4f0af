"""The networks of the ``lite`` profile: a tenth of the paper's parameters, all on brightness.

Each gives logits of emotions; ``Sentiments`` combines them into the three classes by adding up
their probabilities. Telling sad from angry is a richer training task than learning that both
are negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentistream.datasets.labels import EMOTIONS, SENTIMENT_OF_EMOTION
from sentistream.types import SENTIMENTS
from sentistream.voice.features import WIDTH
from sentistream.voice.functionals import NAMES as FUNCTIONALS
from sentistream.voice.voice_baseline import HALF_KNOWN

FACE_EMOTIONS = ("happy", "neutral", "sad", "angry")
"""What the face network distinguishes."""

_OF_THE_MICROPHONE = ("level",)  # functionals that are meaningful only in comparison
_SPREAD_AFTER = 6.0  # utterances after which a voice's spread counts as half known
_SHOWN_RANGE_DB = 70.0  # below the loudest band of an utterance
_MEAN_SPECTRUM = 0.8  # share of it that is subtracted
_LEVEL_SCALE_DB = 12.0
_MASKED_FRAMES, _MASKED_VALUES = 40, 8  # at most, at a time
_NOISE = 0.1  # noise added in training, in standard deviations of the population
_SHRINKAGE = 0.1  # of the population's covariance, towards independent values of equal spread


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
    """A residual block (He et al. 2016)."""

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
    """One value per channel, with a separate weight for each location of the picture.

    Faces are aligned, so a location is the same part of every face; averaging would lose it
    (Chen et al. 2018, MobileFaceNets).
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, size, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Flatten(),
        )


def standardised(pictures: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 per picture, which removes light and contrast."""
    centred = pictures - pictures.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True).sqrt() + 0.02)


class FaceNetwork(nn.Module):
    """Emotion of an aligned face, (N, 1, 64, 64) to logits (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            active(1, 24, stride=2),
            plain(24),
            active(24, 48, stride=2),
            plain(48),
            active(48, 96, stride=2),
            *(_narrow(96, between) for between in (48, 48, 48, 24)),
            active(96, 128, 1),
        )
        self.places: _PlaceByPlace = _PlaceByPlace(128, 8)
        self.classify: nn.Sequential = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(128, len(FACE_EMOTIONS))
        )

    def forward(self, face: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(standardised(face))))
        return logits


class MouthNetwork(nn.Module):
    """Is the mouth open? (N, 1, 32, 32) to a logit (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            active(1, 12, stride=2),
            active(12, 24, stride=2),
            plain(24),
            active(24, 40, stride=2),
        )
        self.places: _PlaceByPlace = _PlaceByPlace(40, 4)
        self.classify: nn.Sequential = nn.Sequential(nn.Dropout(0.2), nn.Linear(40, 1))

    def forward(self, mouth: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.places(self.body(standardised(mouth))))
        return logits


class VoiceNetwork(nn.Module):
    """Emotion of an utterance compared with how the voice usually sounds, to logits (N, 8).

    Takes what ``voice.functionals`` measures of the utterance, and mean and spread of the same
    over earlier utterances of that voice. Both are shrunk towards the population's while there
    are few of these (James and Stein 1961); for a new voice only values that no microphone
    changes count. Two layers then classify the difference in units of that voice's spread.
    """

    centre: Tensor
    scale: Tensor
    within: Tensor
    portable: Tensor
    precision: Tensor
    usual_distance: Tensor

    def __init__(self) -> None:
        super().__init__()
        size = len(FUNCTIONALS)
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("within", torch.ones(size))
        portable = torch.tensor([float(name not in _OF_THE_MICROPHONE) for name in FUNCTIONALS])
        self.register_buffer("portable", portable)
        self.register_buffer("precision", torch.eye(size) / size)
        self.register_buffer("usual_distance", torch.ones(()))
        self.classify: nn.Sequential = nn.Sequential(
            nn.Dropout(0.15),
            nn.Linear(2 * size + 1, 160),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(160, len(EMOTIONS)),
        )

    def learn_population(self, functionals: Tensor, within: Tensor) -> None:
        """Sets the statistics of voices in general.

        Args:
            functionals: Of utterances of many voices, (N, values).
            within: Spread of each value within one voice, (values,).
        """
        self.centre.copy_(functionals.mean(dim=0))
        self.scale.copy_(functionals.std(dim=0).clamp_min(1e-6))
        self.within.copy_(within / self.scale + 0.05)
        values = self._standardised(functionals) * self.portable
        spread = torch.diag(values.var(dim=0).mean().expand(values.shape[1]))
        covariance = (1 - _SHRINKAGE) * values.T.cov() + _SHRINKAGE * spread
        self.precision.copy_(covariance.inverse() / values.shape[1])
        self.usual_distance.copy_(self._distance(functionals).median())

    def familiarity(self, functionals: Tensor) -> Tensor:
        """How near utterances are to those learned from, (N, 1): 1 if near, towards 0 if far.

        By their squared Mahalanobis distance to the population: up to its median an utterance
        counts in full, at three times that a third as much. Answers about utterances that are
        unlike the learned ones are right less often, but no less confident.
        """
        return (self.usual_distance / self._distance(functionals)).clamp_max(1)

    def _distance(self, functionals: Tensor) -> Tensor:
        values = self._standardised(functionals) * self.portable
        return ((values @ self.precision) * values).sum(dim=1, keepdim=True)

    def _standardised(self, functionals: Tensor) -> Tensor:
        return ((functionals - self.centre) / self.scale).clamp(-5, 5)

    def forward(self, functionals: Tensor, mean: Tensor, spread: Tensor, heard: Tensor) -> Tensor:
        """Logits (N, 8).

        Args:
            functionals: Of the utterance, (N, values).
            mean, spread: Of the same values over earlier utterances of that voice, (N, values).
            heard: How many of these there were, (N, 1); 0 for a new voice.
        """
        value = self._standardised(functionals)
        if self.training:
            value = value + torch.randn_like(value) * _NOISE
        known = heard / (heard + HALF_KNOWN)
        usual = known * (mean - self.centre) / self.scale
        variance = heard * (spread / self.scale).square() + _SPREAD_AFTER * self.within.square()
        deviation = (variance / (heard + _SPREAD_AFTER) + 0.02).sqrt()
        relative = (value - usual) / deviation * (self.portable + (1 - self.portable) * known)
        absolute = value * (1 - known) * self.portable / 2
        logits: Tensor = self.classify(torch.cat([absolute, relative, known], dim=1).clamp(-4, 4))
        return logits


class VoiceAnswers(nn.Module):
    """Sentiments of utterances, and how familiar their sound is, (N, 4)."""

    def __init__(self, network: VoiceNetwork) -> None:
        super().__init__()
        self.network = network
        self.sentiments: Sentiments = Sentiments(network, EMOTIONS)

    def forward(self, functionals: Tensor, mean: Tensor, spread: Tensor, heard: Tensor) -> Tensor:
        """Probabilities of the sentiments and the familiarity; see ``VoiceNetwork``."""
        sentiments = self.sentiments(functionals, mean, spread, heard).softmax(dim=1)
        return torch.cat([sentiments, self.network.familiarity(functionals)], dim=1)


class VoiceSpectrumNetwork(nn.Module):
    """Emotion of an utterance from how its spectrum and its pitch move, to logits (N, 8).

    Three convolutions over time, and the mean and spread of their outputs, weighted by
    attention (Okabe et al. 2018). The utterance's level and most of its mean spectrum, which say
    more about the microphone and the room than about the speaker's mood, are subtracted first.
    """

    def __init__(self, channels: int = 96) -> None:
        super().__init__()
        self.convolve: nn.Sequential = nn.Sequential(
            *_over_time(WIDTH, channels, 5, 2),
            *_over_time(channels, channels, 5, 2),
            *_over_time(channels, channels, 3, 1),
        )
        self.attend: nn.Conv1d = nn.Conv1d(channels, 1, 1)
        self.classify: nn.Sequential = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(2 * channels, len(EMOTIONS))
        )

    def forward(self, levels: Tensor, periodicity: Tensor, valid: Tensor) -> Tensor:
        """Logits (N, 8).

        Args:
            levels: Of 64 bands, dB, (N, frames, 64).
            periodicity: At 48 periods, -1 to 1, (N, frames, 48).
            valid: 1 for frames of the utterance, 0 behind it, (N, frames, 1).
        """
        loudest = (levels - 1e3 * (1 - valid)).amax(dim=(1, 2), keepdim=True)
        levels = levels.maximum(loudest - _SHOWN_RANGE_DB)
        usual = (levels * valid).sum(dim=1, keepdim=True) / valid.sum(dim=1, keepdim=True)
        level = usual.mean(dim=2, keepdim=True)
        levels = levels - level - _MEAN_SPECTRUM * (usual - level)
        values = torch.cat([levels / _LEVEL_SCALE_DB, periodicity], dim=2) * valid
        if self.training:
            values = _masked(values)
        found = self.convolve(values.transpose(1, 2))
        scores = self.attend(found) - 1e4 * (1 - valid[:, ::4, 0].unsqueeze(1))
        shares = scores.softmax(dim=2)
        mean = (shares * found).sum(dim=2)
        variance = (shares * found.square()).sum(dim=2) - mean.square()
        summary = torch.cat([mean, variance.clamp_min(1e-4).sqrt()], dim=1)
        logits: Tensor = self.classify(summary)
        return logits


def _over_time(inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
        nn.Dropout(0.15),
    )


def _masked(values: Tensor) -> Tensor:
    """Stretches of time and of frequency set to zero (SpecAugment, Park et al. 2019)."""
    count, frames, width = values.shape
    for size, most in ((frames, _MASKED_FRAMES), (width, _MASKED_VALUES)):
        for _ in range(2):
            first = torch.randint(0, size, (count, 1), device=values.device)
            length = torch.randint(1, most + 1, (count, 1), device=values.device)
            places = torch.arange(size, device=values.device)[None]
            kept = ((places < first) | (places >= first + length)).float()
            values = values * (kept[:, :, None] if size == frames else kept[:, None, :])
    return values


class Fusion(nn.Module):
    """Log-linear pooling: the weighted sum of the logarithms of face and voice.

    The voice counts as far as it is trusted at this moment; the face may have another weight
    with it than alone. Without any trust only the face is left, sharpened or softened until its
    confidence matches its accuracy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.face: nn.Parameter = nn.Parameter(torch.tensor(1.0))
        self.face_beside_voice: nn.Parameter = nn.Parameter(torch.tensor(0.0))
        self.voice: nn.Parameter = nn.Parameter(torch.tensor(1.0))

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
    """Turns a network of emotions into one of sentiments.

    Args:
        network: Gives logits of emotions.
        emotions: Their names.
        mirrored: Whether to average over a picture and its mirror image.
    """

    def __init__(
        self, network: nn.Module, emotions: Sequence[str], *, mirrored: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.mirrored = mirrored
        self.members: list[list[int]] = [
            [place for place, name in enumerate(emotions) if SENTIMENT_OF_EMOTION.get(name) == one]
            for one in SENTIMENTS
        ]

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits (N, 3): for each sentiment the log-sum-exp of its emotions."""
        logits = self.network(*inputs)
        if self.mirrored:
            logits = (logits + self.network(*(one.flip(3) for one in inputs))) / 2
        return torch.stack([logits[:, one].logsumexp(dim=1) for one in self.members], dim=1)

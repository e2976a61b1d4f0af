"""The paper's four networks, Tables 1-4 to the letter.

Each gives logits; ``softmax`` (``sigmoid`` for the mouth) makes them probabilities in the
order of ``sentistream.types.SENTIMENTS``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentistream.networks.layers import (
    batch_norm,
    batch_norm_flat,
    classifier,
    convolution,
    dense,
    pooling,
)


class MouthNetwork(nn.Sequential):
    """Table 1: is the mouth open? (N, 3, 28, 28) to (N, 1); 1,252,571 parameters."""

    def __init__(self) -> None:
        super().__init__(
            convolution(3, 20, kernel=5),
            pooling(2, dropout=0.25),
            convolution(20, 50, kernel=5),
            pooling(2, dropout=0.25),
            dense(2_450, 500),
            classifier(500, 1),
        )


class VisualNetwork(nn.Sequential):
    """Table 2: sentiment of a face, (N, 3, 96, 96) to (N, 3); 136,259 parameters."""

    def __init__(self) -> None:
        super().__init__(
            convolution(3, 16, kernel=3),
            batch_norm(16),
            pooling(3, dropout=0.25),
            convolution(16, 32, kernel=3),
            batch_norm(32),
            convolution(32, 32, kernel=3),
            batch_norm(32),
            pooling(2, dropout=0.25),
            convolution(32, 64, kernel=3),
            batch_norm(64),
            convolution(64, 64, kernel=3),
            batch_norm(64),
            pooling(2, dropout=0.25),
            dense(4_096, 16),
            batch_norm_flat(16),
            classifier(16, 3),
        )


class AudioNetwork(nn.Sequential):
    """Table 3: sentiment of a spectrogram, (N, 3, 400, 400) to (N, 3); 2,509,827 parameters."""

    def __init__(self) -> None:
        super().__init__(
            convolution(3, 32, kernel=3),
            batch_norm(32),
            pooling(3),
            convolution(32, 64, kernel=3),
            batch_norm(64),
            convolution(64, 64, kernel=3),
            batch_norm(64),
            pooling(2),
            convolution(64, 128, kernel=3),
            batch_norm(128),
            convolution(128, 128, kernel=3),
            batch_norm(128),
            pooling(2),
            dense(139_392, 16),
            batch_norm_flat(16),
            classifier(16, 3),
        )


class FusedNetwork(nn.Module):
    """Table 4: both branches' softmax outputs through one more layer; 2,646,107 parameters.

    Args:
        visual: The face branch.
        audio: The voice branch; an ``AudioNetwork``, or its exact folded form.
    """

    def __init__(self, visual: VisualNetwork, audio: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.audio = audio
        self.fusion: nn.Linear = classifier(6, 3)

    def forward(self, face: Tensor, spectrogram: Tensor) -> Tensor:
        """Logits (N, 3) of faces (N, 3, 96, 96) and whatever the voice branch takes."""
        fused: Tensor = self.fusion(self.branches(face, spectrogram))
        return fused

    def branches(self, face: Tensor, spectrogram: Tensor) -> Tensor:
        """Both branches' distributions side by side, (N, 6); the face's first."""
        answers = (self.visual(face).softmax(dim=1), self.audio(spectrogram).softmax(dim=1))
        return torch.cat(answers, dim=1)

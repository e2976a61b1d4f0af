"""Figures of the paper's Tables 5-10, as facts to stand beside ours.

Yakaew, Dailey and Racharak, "Multimodal Sentiment Analysis on Video Streams using Lightweight
Deep Neural Networks".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sentistream.types import SENTIMENTS


@dataclass(frozen=True, slots=True)
class Right:
    """A count of clips.

    Attributes:
        right: How many were right.
        total: Of how many.
    """

    right: int
    total: int


MOUTH_SETS = {
    "training": (666, 666, 0.9934),
    "validation": (166, 166, 0.9946),
    "test": (200, 200, 0.97),
}
"""Table 5: crops of open mouths, of closed ones, and the share right."""

EMOTIONS = ("happy", "calm", "neutral", "angry", "sad")
SET_SIZES = {
    "training": (960,) * 5,
    "validation": (240,) * 5,
    "test (RAVDESS), files a sentiment": (18,) * 5,
    "test (video stream), files a sentiment": (3,) * 5,
}
"""Table 6: images (and spectrograms) of ``EMOTIONS``."""

TRAINING = {
    "audio": (1.0, 0.0022, 0.5389, 1.7694),
    "visual": (0.9931, 0.0186, 0.9958, 0.0164),
    "visual with augmentation": (0.9125, 0.2185, 0.9736, 0.1090),
    "audiovisual": (0.9989, 0.0162, 0.8878, 0.3083),
}
"""Table 7: accuracy and loss in training, accuracy and loss in validation."""

VALIDATION_ORDER = ("negative", "neutral", "positive")
VALIDATION_CONFUSION = ((0.72, 0.006, 0.26), (0.03, 0.84, 0.121), (0.07, 0.06, 0.85))
"""Table 8: a row a true class, a column an answer, both in ``VALIDATION_ORDER``."""

BRANCHES = ("visual", "audio", "audiovisual")
IN_SAMPLE = {
    "visual": (11, 16, 16),
    "audio": (0, 16, 16),
    "audiovisual": (13, 18, 18),
}
"""Table 9: of 18 clips of each class, in the order of ``SENTIMENTS``, how many were right."""

OUT_OF_SAMPLE = {
    "visual": (3, 0, 2),
    "audio": (0, 0, 3),
    "audiovisual": (3, 0, 3),
}
"""Table 10: the same of 3 video streams a class."""


def of_paper(table: Mapping[str, tuple[int, ...]], each: int) -> dict[str, dict[str, Right]]:
    """Counts by branch and class of Table 9 or 10.

    Args:
        table: ``IN_SAMPLE`` or ``OUT_OF_SAMPLE``.
        each: Clips a class.
    """
    return {
        branch: {name: Right(count, each) for name, count in zip(SENTIMENTS, counts, strict=True)}
        for branch, counts in table.items()
    }

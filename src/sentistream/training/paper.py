"""The paper's four networks, from raw data to ONNX files: what each learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from sentistream.datasets.recordings import Recording, ravdess
from sentistream.datasets.splits import HELD_OUT_PEOPLE
from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.training.examples import Examples
from sentistream.training.voices import balanced, prepare_voices

Sides = tuple[Examples, Examples]
"""Training and held-out examples."""

WINDOWS_PER_TAKE = 20
"""How many windows of 30 ms each recording gives."""

VOICES_PER_CLASS = 1_600
"""A third of the paper's 4,800 spectrograms (Table 6)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the four networks.

    Attributes:
        prepare: From the data folder to training and held-out examples.
        build: A new network with starting weights, given the folder of all runs.
    """

    prepare: Callable[[Path], Sides]
    build: Callable[[Path], nn.Module]


def split_recordings(recordings: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Recordings of people to train on, and of people held out."""
    train = [entry for entry in recordings if entry.person not in HELD_OUT_PEOPLE]
    held_out = [entry for entry in recordings if entry.person in HELD_OUT_PEOPLE]
    return train, held_out


def prepare_audio(data: Path) -> Sides:
    """Voiced windows of RAVDESS speech, classes balanced."""
    train, held_out = split_recordings(ravdess(data / "ravdess_speech"))
    return (
        balanced(prepare_voices(train, WINDOWS_PER_TAKE, seed=1), VOICES_PER_CLASS, seed=1),
        balanced(prepare_voices(held_out, WINDOWS_PER_TAKE, seed=2), VOICES_PER_CLASS // 4, seed=2),
    )


PARTS = {
    "audio": Part(prepare_audio, lambda _: FoldedAudioNetwork()),
}

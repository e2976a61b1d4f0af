"""30 ms of voice as the columns of the paper's spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording
from sentistream.training.examples import Examples
from sentistream.voice import spectrogram
from sentistream.voice.recorded import read_sound, voiced_starts


def prepare_voices(
    recordings: Sequence[Recording],
    per_recording: int,
    seed: int,
    on_progress: Callable[[], None] = lambda: None,
) -> Examples:
    """Random voiced windows of each recording of one of the three sentiments.

    Args:
        per_recording: How many windows each gives.
        seed: Of the choice.
        on_progress: Called after each recording.
    """
    generator = np.random.default_rng(seed)
    columns, labels, people, sources = [], [], [], []
    for recording in recordings:
        on_progress()
        if recording.sentiment is None:
            continue
        sound = read_sound(recording.path)
        starts = voiced_starts(sound)
        if not len(starts):
            continue
        for start in generator.choice(starts, per_recording, replace=len(starts) < per_recording):
            columns.append(spectrogram.columns(sound[start : start + spectrogram.SAMPLES]))
            labels.append(class_number(recording.sentiment))
            people.append(recording.person)
            sources.append(recording.person.rsplit("-", 1)[0])
    return Examples(
        inputs={"spectrogram": np.stack(columns)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
    )

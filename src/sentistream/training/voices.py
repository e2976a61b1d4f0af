"""30 ms of voice as the columns of the paper's spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording
from sentistream.errors import DataError
from sentistream.training.chunks import Arrays, Workshop
from sentistream.training.examples import Examples
from sentistream.training.leakage import content_key
from sentistream.voice import spectrogram
from sentistream.voice.sound_file import read_sound, voiced_starts

_CHUNK = 16


def prepare_voices(
    recordings: Sequence[Recording],
    per_recording: int,
    seed: int,
    on_progress: Callable[[], None] = lambda: None,
    workshop: Workshop | None = None,
) -> Examples:
    """Random voiced windows of each recording of one of the three sentiments.

    Args:
        per_recording: How many windows each gives.
        seed: Of the choice.
        on_progress: Called after each recording.
        workshop: How to work on many recordings at once; the outcome is the same.

    Raises:
        DataError: Nobody can be heard in any of them.
    """
    workshop = workshop or Workshop(on_item=on_progress)
    used = [recording for recording in recordings if recording.sentiment is not None]
    # which windows are drawn depends on all recordings before: find all, draw, then cut
    generator = np.random.default_rng(seed)
    chosen: list[tuple[Recording, NDArray[np.int64], str]] = []
    for chunk, found in workshop.within("voiced").map(_find, used, _CHUNK):
        ends = np.cumsum(found["count"])
        for recording, key, end, count in zip(
            chunk, found["key"].tolist(), ends, found["count"], strict=True
        ):
            starts = found["start"][end - count : end]
            if len(starts):
                again = len(starts) < per_recording
                windows = generator.choice(starts, per_recording, replace=again)
                chosen.append((recording, windows, key))
    cutting = replace(workshop.within("cut"), on_item=lambda: None)
    columns = []
    cut_from: list[tuple[Recording, NDArray[np.int64], str]] = []
    for chunk_of_chosen, cut in cutting.map(_cut, chosen, _CHUNK):
        columns.append(cut["column"])
        cut_from += chunk_of_chosen
    if not columns:
        raise DataError(f"In none of {len(used)} recordings anybody can be heard.")
    people = np.repeat([recording.person for recording, _, _ in cut_from], per_recording)
    labels = [class_number(recording.sentiment or "") for recording, _, _ in cut_from]
    return Examples(
        inputs={"spectrogram": np.concatenate(columns)},
        labels=np.repeat(np.array(labels, dtype=np.int64), per_recording),
        people=people,
        sources=np.array([person.rsplit("-", 1)[0] for person in people.tolist()]),
        clips=np.repeat([key for _, _, key in cut_from], per_recording),
    )


def _find(recordings: Sequence[Recording]) -> Arrays:
    """All voiced windows, one recording after the other, and what each sounds like."""
    sounds = [read_sound(recording.path) for recording in recordings]
    starts = [voiced_starts(sound) for sound in sounds]
    return {
        "start": np.concatenate(starts),
        "count": np.array([len(values) for values in starts]),
        "key": np.array([content_key(sound) for sound in sounds]),
    }


def _cut(chosen: Sequence[tuple[Recording, NDArray[np.int64], str]]) -> Arrays:
    columns = [
        spectrogram.columns(sound[start : start + spectrogram.SAMPLES])
        for recording, starts, _ in chosen
        for sound in [read_sound(recording.path)]
        for start in starts
    ]
    return {"column": np.stack(columns)}

"""30 ms of voice as the columns of the paper's spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import av
import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording
from sentistream.errors import DataError
from sentistream.training.examples import Examples
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice import spectrogram

VOICED_RANGE_DB = 30.0
"""A window counts as voiced when it is at most this much quieter than the loudest."""


def read_sound(recording: Recording) -> FloatArray:
    """The whole sound of a recording, mono, 48 kHz, shape (samples,).

    Raises:
        DataError: It has no sound that can be decoded.
    """
    try:
        with av.open(str(recording.path)) as container:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
            frames = [
                resampled
                for frame in (*container.decode(audio=0), None)
                for resampled in resampler.resample(frame)
            ]
    except (av.FFmpegError, IndexError) as error:
        raise DataError(f"The sound of {recording.path} cannot be read ({error}).") from None
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def voiced_starts(sound: FloatArray) -> NDArray[np.int64]:
    """First samples of all voiced windows of 30 ms, every 5 ms."""
    step = spectrogram.SAMPLES // 6
    windows = np.lib.stride_tricks.sliding_window_view(sound, spectrogram.SAMPLES)[::step]
    level = 10 * np.log10((windows.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
    return np.flatnonzero(level > level.max() - VOICED_RANGE_DB) * step


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
        sound = read_sound(recording)
        starts = voiced_starts(sound)
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

"""Whole recordings of voice, and where in them somebody speaks."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from sentistream.errors import InputError
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice import spectrogram

VOICED_RANGE_DB = 30.0
"""A window counts as voiced when it is at most this much quieter than the loudest."""


def read_sound(path: Path) -> FloatArray:
    """The whole sound of a file, mono, 48 kHz, shape (samples,).

    Raises:
        InputError: It has no sound that can be decoded.
    """
    try:
        # a plain file, never a playlist or an address
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
            frames = [
                resampled
                for frame in (*container.decode(audio=0), None)
                for resampled in resampler.resample(frame)
            ]
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(
            f"The sound of {path} cannot be read ({error}).", "Name a file that has sound."
        ) from None
    if not frames:
        raise InputError(f"The sound of {path} is empty.", "Name a file that has sound.")
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def voiced_starts(sound: FloatArray) -> NDArray[np.int64]:
    """First samples of all voiced windows of 30 ms, every 5 ms; none in digital silence."""
    step = spectrogram.SAMPLES // 6
    if len(sound) < spectrogram.SAMPLES or not sound.any():
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(sound, spectrogram.SAMPLES)[::step]
    level = 10 * np.log10((windows.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
    return np.flatnonzero(level > level.max() - VOICED_RANGE_DB) * step

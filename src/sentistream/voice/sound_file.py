"""Decoding of whole voice recordings, and their voiced parts."""

from __future__ import annotations

import logging
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from sentistream.errors import InputError
from sentistream.media.container import FORMATS, reason
from sentistream.media.sound import whole_sound
from sentistream.media.source import Faults
from sentistream.media.track_selection import choose_audio
from sentistream.translatable import Translatable
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice import spectrogram

VOICED_RANGE_DB = 30.0
"""A window counts as voiced when it is at most this much quieter than the loudest."""
_log = logging.getLogger(__name__)
_WAY_OUT = "Name a file that has sound."


def read_sound(path: Path) -> FloatArray:
    """The sound of a file, mono, 48 kHz, shape (samples,): the same track as for a video.

    Damaged parts are skipped, as in a video, and their duration is logged.

    Raises:
        InputError: It has no sound that can be decoded.
    """
    try:
        with _opened(path) as container:
            stream = choose_audio(container, str(path), again=lambda: _opened(path))
            if stream is None:
                missing = not container.streams.audio
                why = (
                    Translatable("none in it")
                    if missing
                    else Translatable("none that can be decoded")
                )
                raise InputError(
                    Translatable(
                        "The sound of {path} cannot be read (there is {why}).", path=path, why=why
                    ),
                    _WAY_OUT,
                )
            sound = whole_sound(container, stream, faults := Faults())
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            Translatable(
                "The sound of {path} cannot be read ({words}).", path=path, words=reason(error)
            ),
            _WAY_OUT,
        ) from None
    if not len(sound):
        raise InputError(
            Translatable(
                "The sound of {path} is empty, or nothing of it can be decoded.", path=path
            ),
            _WAY_OUT,
        )
    if faults.audio_errors or faults.unheard_seconds:
        _log.warning(
            "%s is damaged: %.2f s of its sound were left out (%d packets), %.2f s were read.",
            path,
            faults.unheard_seconds,
            faults.audio_errors,
            len(sound) / SOUND_RATE,
        )
    return sound


def _opened(path: Path) -> InputContainer:
    """A plain file, never a playlist or an address."""
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    return av.open(f"file:{path}", options=options, metadata_errors="replace")


def voiced_starts(sound: FloatArray) -> NDArray[np.int64]:
    """First samples of all voiced 30 ms windows, every 5 ms; none in digital silence."""
    step = spectrogram.SAMPLES // 6
    if len(sound) < spectrogram.SAMPLES or not sound.any():
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(sound, spectrogram.SAMPLES)[::step]
    level = 10 * np.log10((windows.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
    return np.flatnonzero(level > level.max() - VOICED_RANGE_DB) * step

"""Log-mel levels of sound: loudness in 64 bands of the ear's pitch scale, every 10 ms."""

from __future__ import annotations

import numpy as np

from sentistream.types import SOUND_RATE, FloatArray, UInt8Array

WINDOW = 1_536
"""Samples a frame is made of, 32 ms."""
HOP = 480
"""Samples from one frame to the next, 10 ms."""
FRAME_STEP = HOP / SOUND_RATE
"""Seconds from one frame to the next."""
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 60.0, 8_000.0
FLOOR_DB, STEP_DB = -100.0, 0.5
"""A level of 0 means at most ``FLOOR_DB``; each more is ``STEP_DB``."""

_FFT = 2_048


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))  # O'Shaughnessy 1987


def _filters() -> FloatArray:
    """Triangles of equal area evenly spaced in mel, shape (bins up to the highest, 64)."""
    mels = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.arange(int(HIGHEST_HZ / SOUND_RATE * _FFT) + 1) * SOUND_RATE / _FFT
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (middle - low)
    falling = (high - bins[:, None]) / (high - middle)
    triangles = np.clip(np.minimum(rising, falling), 0, None)
    return np.asarray(triangles / triangles.sum(axis=0), dtype=np.float32)


_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_FILTERS = _filters()


def frame_count(samples: int) -> int:
    """How many whole frames there are in so many samples."""
    return max(0, (samples - WINDOW) // HOP + 1)


def levels(sound: FloatArray) -> UInt8Array:
    """Levels of all whole frames, shape (frames, 64), in steps of half a decibel.

    Args:
        sound: Mono samples at 48 kHz, -1 to 1; frame ``n`` begins at sample ``480 n``.
    """
    count = frame_count(len(sound))
    if count == 0:
        return np.zeros((0, BANDS), np.uint8)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP][:count]
    spectrum = np.fft.rfft(frames * _HANN, _FFT, axis=1)[:, : len(_FILTERS)]
    # a full-scale sine has 0 dB at its peak
    power = (spectrum.real**2 + spectrum.imag**2) * (2 / _HANN.sum()) ** 2
    decibels = 10 * np.log10(power.astype(np.float32) @ _FILTERS + 1e-12)
    steps: UInt8Array = np.clip((decibels - FLOOR_DB) / STEP_DB + 0.5, 0, 255).astype(np.uint8)
    return steps

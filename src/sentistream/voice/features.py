"""Acoustic features of the ``lite`` voice network: a frame of 112 values every 10 ms.

Each frame holds 64 log-mel levels and 48 periodicities (autocorrelation of the sound below
1.2 kHz at the pitch periods of voices between 70 and 520 Hz), from the same spectrum.
"""

from __future__ import annotations

import numpy as np

from sentistream.types import SOUND_RATE, FloatArray, UInt8Array

WINDOW = 1_536
"""Samples per frame, 32 ms."""
HOP = 480
"""Samples from one frame to the next, 10 ms."""
FRAME_STEP = HOP / SOUND_RATE
"""Seconds from one frame to the next."""

BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 60.0, 8_000.0
FLOOR_DB, STEP_DB = -100.0, 0.5
"""A level of 0 means at most ``FLOOR_DB``; each step is ``STEP_DB``."""

PERIODS = 48
LOWEST_VOICE_HZ, HIGHEST_VOICE_HZ = 70.0, 520.0
PERIODICITY_STEP = 1 / 127
"""A value of 127 means none; each step up or down is this share of a perfect repetition."""

WIDTH = BANDS + PERIODS
"""Values per frame."""

_FFT = 2_048
_PERIODIC_BINS = int(1_200 / SOUND_RATE * _FFT)


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))  # O'Shaughnessy 1987


def _edges() -> FloatArray:
    """Edges and centres of the bands, Hz, shape (66,)."""
    mels = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    return np.asarray(700 * (10 ** (mels / 2595) - 1))


BAND_CENTRES_HZ = _edges()[1:-1]
"""Centre of each band, shape (64,)."""


def _filters() -> FloatArray:
    """Triangles of equal area evenly spaced in mel, shape (bins up to the highest, 64)."""
    edges = _edges()
    bins = np.arange(int(HIGHEST_HZ / SOUND_RATE * _FFT) + 1) * SOUND_RATE / _FFT
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (middle - low)
    falling = (high - bins[:, None]) / (high - middle)
    triangles = np.clip(np.minimum(rising, falling), 0, None)
    return np.asarray(triangles / triangles.sum(axis=0), dtype=np.float32)


_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_FILTERS = _filters()


def _repetition() -> FloatArray:
    """From power below 1.2 kHz to autocorrelation at each period, shape (bins, 48).

    By the Wiener-Khinchin theorem; the window's attenuation of long periods is compensated.
    """
    periods = SOUND_RATE / np.geomspace(LOWEST_VOICE_HZ, HIGHEST_VOICE_HZ, PERIODS)
    window = np.fft.irfft(np.abs(np.fft.rfft(_HANN, 2 * _FFT)) ** 2)
    share = np.interp(periods, np.arange(WINDOW), window[:WINDOW] / window[0])
    angles = 2 * np.pi * np.outer(np.arange(_PERIODIC_BINS), periods) / _FFT
    return np.asarray(np.cos(angles) / np.maximum(share, 0.2), dtype=np.float32)


_REPETITION = _repetition()


def frame_count(samples: int) -> int:
    """The number of whole frames in this many samples."""
    return max(0, (samples - WINDOW) // HOP + 1)


def extract_features(sound: FloatArray) -> UInt8Array:
    """All whole frames, shape (frames, 112), uint8: 64 levels, then 48 periodicities.

    Args:
        sound: Mono samples at 48 kHz, -1 to 1; frame ``n`` begins at sample ``480 n``.
    """
    count = frame_count(len(sound))
    if count == 0:
        return np.zeros((0, WIDTH), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP][:count]
    spectrum = np.fft.rfft(windows * _HANN, _FFT, axis=1)[:, : len(_FILTERS)]
    # a full-scale sine has 0 dB at its peak
    scale = (2 / _HANN.sum()) ** 2
    power = ((spectrum.real**2 + spectrum.imag**2) * scale).astype(np.float32)
    decibels = 10 * np.log10(power @ _FILTERS + 1e-12)
    low = power[:, :_PERIODIC_BINS]
    repeated = low @ _REPETITION / (low.sum(axis=1, keepdims=True) + 1e-10)
    frames = np.empty((count, WIDTH), np.uint8)
    frames[:, :BANDS] = np.clip((decibels - FLOOR_DB) / STEP_DB + 0.5, 0, 255)
    frames[:, BANDS:] = np.clip(repeated / PERIODICITY_STEP + 127.5, 0, 254)
    return frames

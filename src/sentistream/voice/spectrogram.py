"""The paper's spectrogram (section 2.4, Equation 4, Figure 5) of 30 ms of sound.

Short-time Fourier transform as ``scipy.signal.stft`` does it by default: a periodic Hann
window of 1,400 samples, an overlap of 250, zeros put about the signal. 1,440 samples give
three columns; the third lies wholly in those zeros and is always silent. Magnitudes in
decibels over a fixed range are coloured with viridis and drawn as 400 x 400 blocks, 0 to
0.03 s from left to right, 0 Hz at the bottom to 24 kHz at the top.
"""

from __future__ import annotations

import numpy as np

from sentistream.types import FloatArray, UInt8Array
from sentistream.voice.viridis import VIRIDIS

SAMPLES = 1_440
"""30 ms at 48 kHz."""
WINDOW = 1_400
HOP = WINDOW - 250
PICTURE_SIZE = 400
SOUNDING_COLUMNS = 2
FLOOR_DB, CEILING_DB = -120.0, -40.0
"""What is drawn darkest and brightest; 1st to 99.9th percentile of RAVDESS speech, about."""

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_BINS = WINDOW // 2 + 1
# nearest-neighbour drawing, highest frequency first
_ROWS = ((np.arange(PICTURE_SIZE) + 0.5) * _BINS / PICTURE_SIZE).astype(int)[::-1]

COLUMN_OF_PIXEL = ((np.arange(PICTURE_SIZE) + 0.5) * 3 / PICTURE_SIZE).astype(int)
"""Which of the three columns each of the 400 pixel columns shows, shape (400,)."""


def decibels(sound: FloatArray) -> FloatArray:
    """The two sounding columns of Equation 4 in dB of full scale, shape (701, 2), 0 Hz first.

    Args:
        sound: Mono samples at 48 kHz, shape (1440,), -1 to 1.

    Raises:
        ValueError: Another number of samples.
    """
    if sound.shape != (SAMPLES,):
        raise ValueError(f"The paper's spectrogram takes {SAMPLES} samples, not {sound.shape}.")
    segments = np.zeros((SOUNDING_COLUMNS, WINDOW), dtype=np.float32)
    half = WINDOW // 2
    segments[0, half:] = sound[: WINDOW - half]
    second = sound[HOP - half :]
    segments[1, : second.size] = second
    spectrum = np.fft.rfft(segments * _HANN, axis=1) / _HANN.sum()
    return np.asarray(20 * np.log10(np.abs(spectrum) + 1e-12), dtype=np.float32).T


def columns(sound: FloatArray) -> UInt8Array:
    """The sounding columns of the picture, shape (400, 2, 3) RGB; arguments as ``decibels``."""
    share = (decibels(sound)[_ROWS] - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
    levels = np.clip(share * 255, 0, 255).astype(np.uint8)
    colours: UInt8Array = VIRIDIS[levels]
    return colours


def draw(columns: UInt8Array) -> UInt8Array:
    """The whole picture of sounding columns, shape (..., 400, 2, 3) to (..., 400, 400, 3)."""
    silent = np.broadcast_to(VIRIDIS[0], (*columns.shape[:-2], 1, 3))
    blocks: UInt8Array = np.concatenate([columns, silent], axis=-2)
    return blocks[..., COLUMN_OF_PIXEL, :]


def picture(sound: FloatArray) -> UInt8Array:
    """The paper's picture, shape (400, 400, 3) RGB; arguments as ``decibels``."""
    return draw(columns(sound))

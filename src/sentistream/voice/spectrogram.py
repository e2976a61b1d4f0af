"""The paper's spectrogram (section 2.4, Equation 4, Figure 5) of 30 ms of sound.

A short-time Fourier transform like the default of ``scipy.signal.stft``: a periodic Hann
window of 1,400 samples, an overlap of 250, and zero padding. 1,440 samples give three columns;
the third is entirely padding and always silent. Magnitudes in decibels over a fixed range are
coloured with viridis and drawn as 400 x 400 blocks, 0 to 0.03 s from left to right, 0 Hz at the
bottom to 24 kHz at the top.
"""

from __future__ import annotations

import numpy as np

from sentistream.types import FloatArray, UInt8Array

_TABLE = (
    "44015444025544035745055845065a45085b46095c460b5e460c5f460e61470f62471163471265471466"
    "47156747166947186a48196b481a6c481c6e481d6f481e70482071482172482273482374472575472676"
    "472777472878472a79472b7a472c7b462d7c462f7c46307d46317e45327f45347f453580453681443781"
    "443982433a83433b83433c84423d84423e854240854141864142864043874044873f45873f47883e4888"
    "3e49893d4a893d4b893d4c893c4d8a3c4e8a3b508a3b518a3a528b3a538b39548b39558b38568b38578c"
    "37588c37598c365a8c365b8c355c8c355d8c345e8d345f8d33608d33618d32628d32638d31648d31658d"
    "31668d30678d30688d2f698d2f6a8d2e6b8e2e6c8e2e6d8e2d6e8e2d6f8e2c708e2c718e2c728e2b738e"
    "2b748e2a758e2a768e2a778e29788e29798e287a8e287a8e287b8e277c8e277d8e277e8e267f8e26808e"
    "26818e25828e25838d24848d24858d24868d23878d23888d23898d22898d228a8d228b8d218c8d218d8c"
    "218e8c208f8c20908c20918c1f928c1f938b1f948b1f958b1f968b1e978a1e988a1e998a1e998a1e9a89"
    "1e9b891e9c891e9d881e9e881e9f881ea0871fa1871fa2861fa38620a48520a58521a68521a78422a784"
    "23a88323a98224aa8225ab8126ac8127ad8028ae7f29af7f2ab07e2bb17d2cb17d2eb27c2fb37b30b47a"
    "32b57a33b67935b77836b87738b97639b9763bba753dbb743ebc7340bd7242be7144be7045bf6f47c06e"
    "49c16d4bc26c4dc26b4fc36951c46853c56755c66657c66559c7645bc8625ec96160c96062ca5f64cb5d"
    "67cc5c69cc5b6bcd596dce5870ce5672cf5574d05477d05279d1517cd24f7ed24e81d34c83d34b86d449"
    "88d5478bd5468dd64490d64392d74195d73f97d83e9ad83c9dd93a9fd938a2da37a5da35a7db33aadb32"
    "addc30afdc2eb2dd2cb5dd2bb7dd29bade27bdde26bfdf24c2df22c5df21c7e01fcae01ecde01dcfe11c"
    "d2e11bd4e11ad7e219dae218dce218dfe318e1e318e4e318e7e419e9e419ece41aeee51bf1e51cf3e51e"
    "f6e61ff8e621fae622fde724"
)

VIRIDIS: UInt8Array = np.frombuffer(bytes.fromhex(_TABLE), dtype=np.uint8).reshape(256, 3)
"""Shape (256, 3), RGB."""


SAMPLES = 1_440
"""30 ms at 48 kHz."""
WINDOW = 1_400
HOP = WINDOW - 250
PICTURE_SIZE = 400
SOUNDING_COLUMNS = 2
FLOOR_DB, CEILING_DB = -120.0, -40.0
"""The darkest and brightest levels; about the 1st and 99.9th percentile of RAVDESS speech."""

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

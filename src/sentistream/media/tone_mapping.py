"""Tone mapping of high dynamic range (PQ, HLG) to standard dynamic range."""

from __future__ import annotations

from functools import cache

import numpy as np

from sentistream.types import FloatArray, UInt8Array

PQ, HLG = 16, 18
"""FFmpeg's numbers of the transfer functions of SMPTE ST 2084 and ARIB STD-B67."""

_WHITE = 203.0  # reference white in HDR, nits, ITU-R BT.2408
_BRIGHTEST = 1000.0
# from the primaries of ITU-R BT.2020 to those of BT.709
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def is_hdr(transfer: int) -> bool:
    """Whether a frame's ``color_trc`` is one of high dynamic range."""
    return transfer in (PQ, HLG)


def tone_mapped(pixels: UInt8Array, transfer: int) -> UInt8Array:
    """RGB of BT.2020 in PQ or HLG as RGB of BT.709 for a common screen.

    Args:
        pixels: Shape (rows, columns, 3), uint8, full range.
        transfer: ``PQ`` or ``HLG``.
    """
    linear = _linear(transfer)[pixels] @ _TO_709.T
    linear = np.maximum(linear, 0)
    # above white, the colour is kept by scaling all three channels alike
    peak = np.maximum(linear.max(axis=2, keepdims=True), 1e-6)
    most = _BRIGHTEST / _WHITE
    shrunk = peak * (1 + peak / most**2) / (1 + peak)
    # so that white is mapped to white, not to half
    at_white = (1 + 1 / most**2) / 2
    shown = np.clip(linear * (shrunk / peak) / (at_white + 0.25), 0, 1)
    gamma = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.asarray(gamma * 255 + 0.5, dtype=np.uint8)


@cache
def _linear(transfer: int) -> FloatArray:
    """Linear light of each of 256 values; 1 is reference white."""
    value = np.arange(256) / 255
    if transfer == PQ:
        root = value ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
            1 / 0.1593017578125
        )
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
        nits = _BRIGHTEST * scene**1.2
    return (nits / _WHITE).astype(np.float32)

"""Downmix of several channels to mono that preserves voices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentistream.types import SOUND_RATE, FloatArray

MEMORY = 10.0
"""Seconds after which a channel's energy counts for a third."""
DEAD = 1e-3
"""A channel with less than this share of the loudest one's energy is left out."""
OPPOSED = -0.5
"""A channel whose correlation with the loudest is below this is inverted first."""
CENTRE = 0.1
"""If the centre has this share of the loudest one's energy, it is the voice, and used alone."""

_CENTRE = "FC"
_FRONT = ("FL", "FR")
_BASS = ("LFE", "LFE2")


class Downmixer:
    """Mixes channels to one, block by block.

    In films the voice is in the centre; otherwise all channels that are not silent are averaged,
    each inverted if it would otherwise cancel the loudest.

    Args:
        names: FFmpeg's names of the channels: ``FL``, ``FR``, ``FC``, ...

    Attributes:
        cancelling: Samples so far in which a channel had to be inverted.
    """

    def __init__(self, names: Sequence[str]) -> None:
        kept = [place for place, name in enumerate(names) if name not in _BASS]
        self._kept = kept or list(range(len(names)))
        self._centre = names.index(_CENTRE) if _CENTRE in names and len(names) > 1 else None
        front = [place for place, name in enumerate(names) if name in _FRONT]
        # with a front pair, the other channels contain its echo
        self._beside = front if len(front) == len(_FRONT) else self._kept
        self._products = np.zeros((len(names), len(names)))
        self.cancelling: int = 0

    def mix(self, samples: FloatArray) -> FloatArray:
        """One channel, shape (count,), of the next block.

        Args:
            samples: Shape (channels, count).
        """
        if samples.shape[0] == 1:
            return np.asarray(samples[0])
        wide = samples.astype(np.float64)
        if not np.isfinite(wide).all():
            wide = np.nan_to_num(wide, nan=0.0, posinf=1.0, neginf=-1.0)
        self._products *= np.exp(-samples.shape[1] / (MEMORY * SOUND_RATE))
        self._products += wide @ wide.T
        energies = np.diag(self._products)
        if self._centre is not None and energies[self._centre] > CENTRE * energies.max():
            return np.asarray(samples[self._centre])
        channels = self._beside if energies[self._beside].any() else self._kept
        loudest = max(channels, key=lambda channel: energies[channel])
        weights = np.zeros(len(energies))
        for channel in channels:
            if energies[channel] >= DEAD * energies[loudest]:
                weights[channel] = 1.0
            scale = np.sqrt(energies[channel] * energies[loudest])
            if scale > 0 and self._products[channel, loudest] < OPPOSED * scale:
                weights[channel] *= -1.0
        if (weights < 0).any():
            self.cancelling += samples.shape[1]
        mixed: FloatArray = (weights @ wide / np.abs(weights).sum()).astype(np.float32)
        return mixed

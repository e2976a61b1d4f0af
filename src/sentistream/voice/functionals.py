"""Functionals of an utterance: statistics of its pitch, loudness, timbre and rhythm.

Similar to eGeMAPS (Eyben et al. 2016): descriptors of every frame, and their means, spreads and
quantiles over the utterance, all computed from the frames of ``features``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentistream.types import FloatArray, UInt8Array
from sentistream.voice.features import (
    BAND_CENTRES_HZ,
    BANDS,
    FLOOR_DB,
    FRAME_STEP,
    HIGHEST_VOICE_HZ,
    LOWEST_VOICE_HZ,
    PERIODICITY_STEP,
    PERIODS,
    STEP_DB,
    WIDTH,
)

VOICED_PERIODICITY = 0.5
"""Share of a perfect repetition from which a frame counts as voiced."""

_VOICED_RANGE_DB, _ACTIVE_RANGE_DB, _SHOWN_RANGE_DB = 30.0, 35.0, 55.0  # below the loud frames
_MIN_VOICED = 5  # frames
_JUMP = 0.25  # a jump of this many octaves between frames is a pitch error
_SHORT_SEGMENT = 3  # frames
_COEFFICIENTS = 12
_LOUDNESS_BANDS = slice(2, 56)
_OCTAVES = np.log2(HIGHEST_VOICE_HZ / LOWEST_VOICE_HZ) / (PERIODS - 1)  # a step of the periods
_COSINES = np.cos(
    np.pi * np.outer(np.arange(1, _COEFFICIENTS + 1), np.arange(BANDS) + 0.5) / BANDS
) * np.sqrt(2 / BANDS)
_MODULATIONS_HZ = (0.5, 2.0, 4.0, 8.0, 20.0)

Described = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Frames:
    """Frames with the values that several statistics share.

    Attributes:
        levels: Of each band, dB, shape (frames, 64).
        power: The same, linear.
        loudness: Of each frame, dB.
        top: Loudness of the loud frames, dB.
        pitch: Octaves above 1 Hz.
        periodicity: 0 to 1.
        active, voiced: Whether a frame has sound, and whether it is voiced.
    """

    levels: FloatArray
    power: FloatArray
    loudness: FloatArray
    top: float
    pitch: FloatArray
    periodicity: FloatArray
    active: NDArray[np.bool_]
    voiced: NDArray[np.int64]

    @property
    def going_on(self) -> NDArray[np.bool_]:
        """Which frames after the first are active."""
        return self.active[1:]


def functionals(frames: UInt8Array) -> FloatArray:
    """The values of ``NAMES``, shape (79,).

    Args:
        frames: An utterance as ``utterance`` gives it, shape (frames, 112) or (frames, 112, 1),
            at least 10 frames.
    """
    return np.fromiter(_described(frames.reshape(len(frames), WIDTH)).values(), np.float32)


def _described(frames: UInt8Array) -> Described:
    signal = _frames(frames)
    return _pitch(signal) | _loudness(signal) | _balance(signal) | _timbre(signal) | _rhythm(signal)


def _frames(frames: UInt8Array) -> _Frames:
    levels = frames[:, :BANDS].astype(np.float32) * STEP_DB + FLOOR_DB
    repeated = (frames[:, BANDS:].astype(np.float32) - 127) * PERIODICITY_STEP
    power = np.asarray(10 ** (levels / 10), dtype=np.float32)
    loudness = _decibels(power[:, _LOUDNESS_BANDS])
    top = float(np.percentile(loudness, 95))
    periodicity = repeated.max(axis=1)
    voiced = np.flatnonzero(
        (periodicity > VOICED_PERIODICITY) & (loudness > top - _VOICED_RANGE_DB)
    )
    if len(voiced) < _MIN_VOICED:
        count = max(_MIN_VOICED, len(frames) // 10)
        voiced = np.sort(np.argsort(-periodicity, kind="stable")[:count])
    return _Frames(
        levels=levels,
        power=power,
        loudness=loudness,
        top=top,
        pitch=_octaves(repeated),
        periodicity=periodicity,
        active=loudness > top - _ACTIVE_RANGE_DB,
        voiced=voiced,
    )


def _octaves(repeated: FloatArray) -> FloatArray:
    """Pitch of each frame in octaves above 1 Hz, interpolated between periods by a parabola.

    Two periods repeat as well as one: a voice above 300 Hz may be taken for one an octave lower.
    """
    best = repeated.argmax(axis=1).clip(1, PERIODS - 2)
    rows = np.arange(len(repeated))
    before, at, after = (repeated[rows, best + step] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    bent = np.abs(bend) > 1e-6
    shift = np.where(bent, 0.5 * (before - after) / np.where(bent, bend, 1), 0).clip(-0.5, 0.5)
    return np.asarray(np.log2(LOWEST_VOICE_HZ) + (best + shift) * _OCTAVES, dtype=np.float32)


def _pitch(signal: _Frames) -> Described:
    pitch = signal.pitch[signal.voiced]
    p10, p25, p50, p75, p90 = np.percentile(pitch, (10, 25, 50, 75, 90))
    steps = np.diff(pitch)[np.diff(signal.voiced) == 1]
    steps = steps[np.abs(steps) < _JUMP]
    ends = max(3, len(pitch) // 5)
    return {
        "pitch_median": p50,
        "pitch_mean": pitch.mean(),
        "pitch_deviation": pitch.std(),
        "pitch_quartiles": p75 - p25,
        "pitch_range": p90 - p10,
        "pitch_high": p90,
        "pitch_low": p10,
        "pitch_step": _mean(np.abs(steps)),
        "pitch_rise": _mean(steps.clip(0)),
        "pitch_jitter": _mean(np.abs(np.diff(steps))),
        "pitch_slope": _slope(
            np.asarray(signal.voiced / len(signal.pitch), dtype=np.float32), pitch
        ),
        "pitch_end_to_start": float(np.median(pitch[-ends:]) - np.median(pitch[:ends])),
        "periodicity_mean": signal.periodicity[signal.voiced].mean(),
        "periodicity_deviation": signal.periodicity[signal.voiced].std(),
        "periodicity_high": float(np.percentile(signal.periodicity, 90)),
    }


def _loudness(signal: _Frames) -> Described:
    active = signal.loudness[signal.active]
    p10, p50, p90 = np.percentile(active, (10, 50, 90))
    level = float(10 * np.log10((10 ** (active / 10)).mean()))
    return {
        "level": level,
        "loudness_median": p50 - level,
        "loudness_range": p90 - p10,
        "loudness_deviation": active.std(),
        "loudness_top": signal.top - level,
        "loudness_step": _mean(np.abs(np.diff(signal.loudness))[signal.going_on]),
    }


def _balance(signal: _Frames) -> Described:
    """Of low against high frequencies."""
    hertz, power, levels = BAND_CENTRES_HZ, signal.power, signal.levels
    between = [
        _decibels(power[:, (hertz >= low) & (hertz < high)])
        for low, high in (
            (0, 1_000),
            (1_000, 5_000),
            (0, 500),
            (500, 1_500),
            (3_500, 1e5),
            (0, 3_500),
        )
    ]
    low, high = levels[:, hertz < 2_000], levels[:, (hertz >= 2_000) & (hertz < 5_000)]
    tracks = {
        "alpha_ratio": between[0] - between[1],
        "hammarberg": low.max(axis=1) - high.max(axis=1),
        "low_slope": between[2] - between[3],
        "centroid": (power * np.log2(hertz)).sum(axis=1) / (power.sum(axis=1) + 1e-12),
        "treble": between[4] - between[5],
    }
    voiced = signal.voiced
    unvoiced = signal.active.copy()
    unvoiced[voiced] = False
    elsewhere = np.flatnonzero(unvoiced) if unvoiced.sum() > _SHORT_SEGMENT else voiced
    found: Described = {}
    for name, values in tracks.items():
        found[f"{name}_mean"] = values[voiced].mean()
        found[f"{name}_deviation"] = values[voiced].std()
        found[f"{name}_unvoiced"] = values[elsewhere].mean()
    loud = voiced[signal.loudness[voiced] >= np.median(signal.loudness[voiced])]
    found["alpha_ratio_loud"] = tracks["alpha_ratio"][loud].mean()
    found["centroid_loud"] = tracks["centroid"][loud].mean()
    return found


def _timbre(signal: _Frames) -> Described:
    """Mel-frequency cepstral coefficients, without the first, which is loudness."""
    shown = np.maximum(signal.levels, signal.top - _SHOWN_RANGE_DB)
    cepstrum = shown @ _COSINES.T
    means, deviations = cepstrum[signal.voiced].mean(axis=0), cepstrum[signal.voiced].std(axis=0)
    found: Described = {}
    for number in range(_COEFFICIENTS):
        found[f"mfcc{number + 1}_mean"] = means[number]
        found[f"mfcc{number + 1}_deviation"] = deviations[number]
    steps = np.abs(np.diff(cepstrum[:, : _COEFFICIENTS // 2], axis=0))[signal.going_on]
    for number in range(_COEFFICIENTS // 2):
        found[f"mfcc{number + 1}_step"] = _mean(steps[:, number])
    found["flux"] = _mean(np.abs(np.diff(signal.levels, axis=0))[signal.going_on])
    return found


def _rhythm(signal: _Frames) -> Described:
    seconds = len(signal.loudness) * FRAME_STEP
    voiced = np.zeros(len(signal.loudness), bool)
    voiced[signal.voiced] = True
    edges = np.diff(np.concatenate([[0], voiced.astype(np.int8), [0]]))
    counts = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    lengths = counts[counts >= _SHORT_SEGMENT] * FRAME_STEP
    smooth = np.convolve(signal.loudness, np.ones(5) / 5, "same")
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    peaks &= smooth[1:-1] > signal.top - 20
    found: Described = {
        "voiced_share": voiced.mean(),
        "active_share": signal.active.mean(),
        "segments_per_second": len(lengths) / seconds,
        "segment_length": float(np.log(lengths.mean())) if len(lengths) else -3.0,
        "segment_deviation": lengths.std() if len(lengths) else 0.0,
        "syllables_per_second": peaks.sum() / seconds,
    }
    envelope = np.maximum(signal.loudness, signal.top - 40)
    window = np.hanning(len(envelope))
    power = np.abs(np.fft.rfft((envelope - envelope.mean()) * window, 512)) ** 2
    rates = np.fft.rfftfreq(512, FRAME_STEP)
    total = power[(rates > _MODULATIONS_HZ[0]) & (rates < _MODULATIONS_HZ[-1])].sum() + 1e-6
    for low, high in itertools.pairwise(_MODULATIONS_HZ):
        share = power[(rates >= low) & (rates < high)].sum() / total
        found[f"modulation_{low:g}_hz"] = float(np.log(share + 1e-3))
    return found


def _decibels(power: FloatArray) -> FloatArray:
    return np.asarray(10 * np.log10(power.sum(axis=1) + 1e-10))


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else 0.0


def _slope(places: FloatArray, values: FloatArray) -> float:
    """Of the straight line through the values, by least squares."""
    centred = places - places.mean()
    total = float((centred**2).sum())
    return float((centred * values).sum()) / total if total > 0 else 0.0


NAMES: tuple[str, ...] = tuple(_described(np.full((60, WIDTH), 100, np.uint8)))
"""Of the values of ``functionals``, in their order."""

"""A synthesised voice: harmonics of a gliding pitch, shaped by the formants of vowels.

Source and filter (Fant, 1960) in additive form: each harmonic gets the amplitude that the
vowel's three resonances have at its frequency.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.demo import script
from sentistream.types import SOUND_RATE, FloatArray

CONTROL_RATE = 400
"""How often amplitudes and formants are computed, Hz; they are interpolated in between."""
BANDWIDTHS = (90.0, 110.0, 170.0)
"""Of the three formants, Hz."""
HIGHEST = 7_000.0
"""No harmonics above, Hz."""
LOUDNESS = 0.35
"""Largest sample of the clip."""

Array = NDArray[np.floating]


def speak() -> FloatArray:
    """The clip's sound: mono at 48 kHz, ``script.LENGTH`` seconds, exactly 0 in the pauses."""
    samples = round(script.LENGTH * SOUND_RATE)
    ticks = np.arange(round(script.LENGTH * CONTROL_RATE) + 1) / CONTROL_RATE
    times = np.arange(samples) / SOUND_RATE
    loudness, formants, hiss = _controls(ticks)
    pitch = _pitch(ticks)
    phase = 2 * np.pi * np.cumsum(np.interp(times, ticks, pitch)) / SOUND_RATE
    sound = np.zeros(samples)
    for harmonic in range(1, int(HIGHEST / pitch.min()) + 1):
        frequency = harmonic * pitch
        amplitude = loudness * _resonance(frequency, formants) / harmonic
        amplitude[frequency > HIGHEST] = 0
        sound += np.interp(times, ticks, amplitude) * np.cos(harmonic * phase)
    sound /= np.abs(sound).max()
    noise = np.random.default_rng(0).standard_normal(samples + 2)
    breath = np.diff(noise, 2) / 8  # differences leave the high frequencies
    sound += breath * (np.interp(times, ticks, hiss) * 0.35 + np.abs(sound) * 0.02)
    return np.asarray(sound * LOUDNESS / np.abs(sound).max(), dtype=np.float32)


def _controls(ticks: Array) -> tuple[Array, Array, Array]:
    """Loudness (n,), formants (n, 3) in Hz and loudness of the hiss (n,) at ``ticks``."""
    loudness, hiss = np.zeros(len(ticks)), np.zeros(len(ticks))
    centres, shapes = [], []
    for syllable in script.syllables():
        length = syllable.end - syllable.start
        share = np.clip((ticks - syllable.start) / length, 0, 1)
        loudness += np.sin(np.pi * share) ** 0.8 * (0.5 + 0.5 * syllable.vowel.opening)
        if syllable.hiss:
            hiss += np.sin(np.pi * np.clip(share / 0.4, 0, 1)) ** 2
            loudness *= 1 - 0.9 * np.sin(np.pi * np.clip(share / 0.3, 0, 1)) ** 2
        centres.append(syllable.start + length / 2)
        shapes.append(syllable.vowel.formants)
    formants = np.stack(
        [np.interp(ticks, centres, [shape[index] for shape in shapes]) for index in range(3)],
        axis=1,
    )
    for curve in (loudness, hiss):
        curve[curve < 1e-6] = 0  # sin(pi) is not quite 0
    return loudness, formants, hiss


def _pitch(ticks: Array) -> Array:
    """Pitch in Hz: it falls over a phrase and is livelier with a smile."""
    pitch = np.full(len(ticks), 200.0)
    for start, end in script.SPEAKING:
        share = (ticks - start) / (end - start)
        inside = (share >= 0) & (share <= 1)
        smile = script.smile(start)
        level, swing = 175 + 45 * smile, 10 + 22 * smile
        pitch[inside] = level * (1.08 - 0.2 * share[inside])
        pitch[inside] += swing * np.sin(2 * np.pi * 2.2 * (ticks[inside] - start))
    vibrato = 1 + 0.008 * np.sin(2 * np.pi * 5.5 * ticks)
    return np.asarray(np.maximum(pitch, 120) * vibrato)


def _resonance(frequency: Array, formants: Array) -> Array:
    """Gain of the vocal tract at ``frequency`` (n,), for formants (n, 3) in Hz."""
    gain = np.ones(len(frequency))
    for index, bandwidth in enumerate(BANDWIDTHS):
        centre = formants[:, index]
        gain *= centre**2 / np.hypot(frequency**2 - centre**2, bandwidth * frequency)
    return gain

"""The script of the demo clip; every function of time is smooth.

All times are seconds from the start of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

LENGTH = 12.8
"""Seconds: 384 pictures at 30 a second and exactly 600 AAC frames of 1,024 samples at 48 kHz,
so that copies of the encoded clip join without a gap."""

SPEAKING = ((0.7, 2.5), (2.8, 4.6), (6.2, 8.3), (10.1, 11.9))
"""When the voice speaks; in between the mouth is closed and the clip is silent."""

SERIOUS = (5.0, 9.4)
"""When the smile is gone."""

AWAY = (8.6, 9.9)
"""When the camera looks at the model of the shuttle, and nobody is in the picture."""

BLINKS = (1.2, 3.9, 5.6, 7.1, 10.6, 12.3)

SYLLABLE = 0.225
"""Seconds from one syllable to the next, about 4.4 a second as in calm speech."""


@dataclass(frozen=True, slots=True)
class Vowel:
    """Formant frequencies in Hz, and how far the jaw opens, 0 to 1."""

    formants: tuple[float, float, float]
    opening: float


# women's averages of Peterson and Barney, 1952
A = Vowel((850, 1220, 2810), 1.0)
E = Vowel((610, 2330, 2990), 0.65)
I = Vowel((310, 2790, 3310), 0.40)  # noqa: E741
O = Vowel((590, 920, 2710), 0.70)  # noqa: E741
U = Vowel((370, 950, 2670), 0.40)
ORDER = (A, I, E, O, A, E, U, A, I, O, E, A, U, E)


@dataclass(frozen=True, slots=True)
class Syllable:
    """A vowel between ``start`` and ``end``, seconds."""

    start: float
    end: float
    vowel: Vowel
    hiss: bool
    """Whether it begins with an unvoiced consonant."""


def syllables() -> tuple[Syllable, ...]:
    """All vowels spoken, in order of time."""
    spoken: list[Syllable] = []
    for start, end in SPEAKING:
        count = round((end - start) / SYLLABLE)
        length = (end - start) / count
        for index in range(count):
            number = len(spoken)
            at = start + index * length
            spoken.append(
                Syllable(at, at + length, ORDER[number % len(ORDER)], hiss=number % 3 == 1)
            )
    return tuple(spoken)


def ramp(time: Array | float, start: float, end: float) -> Array:
    """0 before ``start``, 1 after ``end``, smooth in between."""
    share = np.clip((np.asarray(time) - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def opening(time: float) -> float:
    """How far the mouth is open, 0 to 1."""
    for syllable in syllables():
        if syllable.start <= time < syllable.end:
            share = (time - syllable.start) / (syllable.end - syllable.start)
            swing = float(np.sin(np.pi * share) ** 2)
            first = any(abs(syllable.start - start) < 1e-6 for start, _ in SPEAKING)
            last = any(abs(syllable.end - end) < 1e-6 for _, end in SPEAKING)
            # within a phrase the lips hardly meet between two vowels
            closes = (first and share < 0.5) or (last and share >= 0.5)
            rest = 0.0 if closes else 0.22
            return rest + (syllable.vowel.opening - rest) * swing
    return 0.0


def smile(time: float) -> float:
    """1 for the smile of the portrait, 0 for none."""
    start, end = SERIOUS
    return float(1 - ramp(time, start, start + 0.7) + ramp(time, end, end + 0.5))


def blink(time: float) -> float:
    """How far the eyes are shut, 0 to 1."""
    return float(max(np.exp(-(((time - at) / 0.055) ** 2)) for at in BLINKS))


def head(time: float) -> tuple[float, float, float]:
    """Shift to the right and down in pixels of the portrait, and roll in radians."""
    turn = 2 * np.pi * time / LENGTH  # whole periods only: the end meets the beginning
    nod = 0.8 * opening(time)
    return (
        float(1.8 * np.sin(2 * turn) + 0.9 * np.sin(5 * turn + 1)),
        float(1.0 * np.sin(3 * turn + 2) + nod),
        float(np.radians(1.6) * np.sin(2 * turn + 0.6) + np.radians(0.7) * np.sin(7 * turn)),
    )


def camera(time: float) -> tuple[float, float, float]:
    """Centre x, centre y and width of what the camera shows, in pixels of the portrait."""
    turn = 2 * np.pi * time / LENGTH
    width = 395 - 35 * np.sin(turn) ** 2
    talking = np.array([232 + 5 * np.sin(turn), 116 + 2 * np.sin(2 * turn), width])
    model = np.array([407, 84 + 4 * np.sin(4 * turn), 206])
    start, end = AWAY
    share = float(ramp(time, start - 0.35, start) - ramp(time, end - 0.35, end))
    x, y, width = talking + (model - talking) * share
    return float(x), float(y), float(width)

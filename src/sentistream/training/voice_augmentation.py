"""Augmentation of voices: noise, rooms, telephone lines, speed and gain."""

from __future__ import annotations

import functools
import zlib
from pathlib import Path

import numpy as np

from sentistream.datasets.csv_lists import read_csv_list
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice.sound_file import read_sound

CONDITIONS = ("as recorded", "noise", "room", "telephone")
"""Recording conditions of each training recording; a person is always in the same place."""

_LONGEST_REVERBERATION = 1.0  # seconds
_SILENT = 1e-6  # samples below this are digital silence
_TELEPHONE_HZ = (300.0, 3_400.0)


def augment_voice(
    sound: FloatArray, condition: str, person: str, noises: Path | None
) -> FloatArray:
    """A voice in a recording condition, at another speed and gain, the same for each person.

    Args:
        sound: Mono samples at 48 kHz.
        condition: One of ``CONDITIONS``.
        person: The speaker.
        noises: Folder with ``noises_and_rooms.csv``; None for white noise and no rooms.
    """
    if condition == CONDITIONS[0]:
        return _without_digital_silence(sound, np.random.default_rng(1))
    random = np.random.default_rng(zlib.crc32(f"{condition}/{person}".encode()))
    changed = _at_speed(sound, float(random.uniform(0.9, 1.12)))
    if condition == "room" and (rooms := _listed(noises, "rir")):
        changed = _in_room(changed, _sound(rooms[random.integers(len(rooms))]))
    if condition == "telephone":
        changed = _through_telephone(changed, random)
    snr_db = random.uniform(12, 30) if condition == "noise" else random.uniform(25, 50)
    files = _listed(noises, "noise")
    noise = _sound(files[random.integers(len(files))]) if files else None
    changed = changed + _noise(changed, noise, snr_db, random)
    louder = np.clip(changed * 10 ** (random.uniform(-15, 6) / 20), -1, 1)
    return np.asarray(louder, dtype=np.float32)


def _without_digital_silence(sound: FloatArray, random: np.random.Generator) -> FloatArray:
    """Faint noise instead of digital silence, which only some corpora have in their pauses."""
    level = 10 ** (-60 / 20) * float(np.abs(sound).max(initial=0))
    noise = random.standard_normal(len(sound)).astype(np.float32) * level
    return np.asarray(np.where(np.abs(sound) < _SILENT, noise, sound), dtype=np.float32)


def _at_speed(sound: FloatArray, speed: float) -> FloatArray:
    places = np.arange(round(len(sound) / speed)) * speed
    return np.asarray(np.interp(places, np.arange(len(sound)), sound), dtype=np.float32)


def _in_room(sound: FloatArray, response: FloatArray) -> FloatArray:
    direct = int(np.abs(response).argmax())
    response = response[direct : direct + round(_LONGEST_REVERBERATION * SOUND_RATE)]
    size = 1 << (len(sound) + len(response)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(spectrum, size)[: len(sound)]
    loudest = float(np.abs(heard).max(initial=1e-9))
    return np.asarray(heard * (np.abs(sound).max(initial=0) / loudest), dtype=np.float32)


def _through_telephone(sound: FloatArray, random: np.random.Generator) -> FloatArray:
    """The band of a telephone, coarsely quantized (mu-law, ITU-T G.711)."""
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / SOUND_RATE)
    low, high = (edge * random.uniform(0.8, 1.2) for edge in _TELEPHONE_HZ)
    spectrum *= 1 / (1 + (low / np.maximum(hertz, 1)) ** 6) / (1 + (hertz / high) ** 12)
    narrow = np.fft.irfft(spectrum, len(sound))
    loudest = max(float(np.abs(narrow).max(initial=0)), 1e-9)
    packed = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / loudest) / np.log(256)
    packed = np.round(packed * 127) / 127
    opened = np.sign(packed) * np.expm1(np.abs(packed) * np.log(256)) / 255
    return np.asarray(opened * loudest, dtype=np.float32)


def _noise(
    sound: FloatArray, noise: FloatArray | None, snr_db: float, random: np.random.Generator
) -> FloatArray:
    """Noise as long as the voice, at a signal-to-noise ratio."""
    drawn = random.standard_normal(len(sound)).astype(np.float32)
    if noise is not None and noise.any():
        start = int(random.integers(len(noise)))
        drawn = np.resize(np.roll(noise, -start), len(sound))
    voice, other = (float(np.sqrt(np.mean(values**2)) + 1e-9) for values in (sound, drawn))
    return np.asarray(drawn * (voice / other * 10 ** (-snr_db / 20)), dtype=np.float32)


@functools.lru_cache(maxsize=256)
def _sound(path: Path) -> FloatArray:
    return read_sound(path)


@functools.cache
def _listed(noises: Path | None, label: str) -> tuple[Path, ...]:
    """Files of one kind, without rooms that reverberate for longer than three seconds."""
    if noises is None:
        return ()
    listed = read_csv_list(noises / "noises_and_rooms.csv", ("path", "label", "room"))
    rows = (row.values for row in listed.rows())
    chosen = (row for row in rows if row["label"] == label and _reverberation(row["room"]) <= 3)
    return tuple(noises / row["path"] for row in chosen)


def _reverberation(room: str) -> float:
    """Reverberation time in a room's description, seconds; 9 where it cannot be read."""
    _, _, seconds = room.partition("RT60~")
    try:
        return float(seconds.rstrip("s ")) if seconds else (9.0 if room else 0.0)
    except ValueError:
        return 9.0

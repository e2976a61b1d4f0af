"""Voices as other rooms, microphones and lines would give them."""

from __future__ import annotations

import functools
import zlib
from pathlib import Path

import numpy as np

from sentistream.datasets.csv_lists import read_csv_list
from sentistream.types import SOUND_RATE, FloatArray
from sentistream.voice.sound_file import read_sound

CONDITIONS = ("as recorded", "noise", "room", "telephone")
"""What each recording is learned from in; everything one person says in the same place."""

_LONGEST_ROOM = 1.0  # seconds of reverberation that are kept
_SILENT = 1e-6  # samples below this are digital silence
_TELEPHONE_HZ = (300.0, 3_400.0)


def recorded_in(
    sound: FloatArray, condition: str, person: str, material: Path | None
) -> FloatArray:
    """A voice in a condition, chosen by who speaks, at another speed and gain.

    Args:
        sound: Mono samples at 48 kHz.
        condition: One of ``CONDITIONS``.
        person: Who speaks.
        material: Folder with noises and rooms as ``noises_and_rooms.csv`` lists them; None
            leaves noise made here, and no rooms.
    """
    if condition == CONDITIONS[0]:
        return _without_digital_silence(sound, np.random.default_rng(1))
    random = np.random.default_rng(zlib.crc32(f"{condition}/{person}".encode()))
    played = _at_speed(sound, float(random.uniform(0.9, 1.12)))
    if condition == "room" and (rooms := _listed(material, "rir")):
        played = _in_room(played, _sound(rooms[random.integers(len(rooms))]))
    if condition == "telephone":
        played = _through_telephone(played, random)
    quieter_db = random.uniform(12, 30) if condition == "noise" else random.uniform(25, 50)
    noises = _listed(material, "noise")
    noise = _sound(noises[random.integers(len(noises))]) if noises else None
    played = played + _noise(played, noise, quieter_db, random)
    louder = np.clip(played * 10 ** (random.uniform(-15, 6) / 20), -1, 1)
    return np.asarray(louder, dtype=np.float32)


def _without_digital_silence(sound: FloatArray, random: np.random.Generator) -> FloatArray:
    """Faint noise where there is nothing: some corpora cut their pauses out, others do not."""
    level = 10 ** (-60 / 20) * float(np.abs(sound).max(initial=0))
    noise = random.standard_normal(len(sound)).astype(np.float32) * level
    return np.asarray(np.where(np.abs(sound) < _SILENT, noise, sound), dtype=np.float32)


def _at_speed(sound: FloatArray, speed: float) -> FloatArray:
    places = np.arange(round(len(sound) / speed)) * speed
    return np.asarray(np.interp(places, np.arange(len(sound)), sound), dtype=np.float32)


def _in_room(sound: FloatArray, response: FloatArray) -> FloatArray:
    direct = int(np.abs(response).argmax())
    response = response[direct : direct + round(_LONGEST_ROOM * SOUND_RATE)]
    size = 1 << (len(sound) + len(response)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(spectrum, size)[: len(sound)]
    loudest = float(np.abs(heard).max(initial=1e-9))
    return np.asarray(heard * (np.abs(sound).max(initial=0) / loudest), dtype=np.float32)


def _through_telephone(sound: FloatArray, random: np.random.Generator) -> FloatArray:
    """The band of a telephone, coarsely quantised (mu-law, ITU-T G.711)."""
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
    sound: FloatArray, noise: FloatArray | None, quieter_db: float, random: np.random.Generator
) -> FloatArray:
    """Noise that is so much quieter than the voice, as long as it."""
    drawn = random.standard_normal(len(sound)).astype(np.float32)
    if noise is not None and noise.any():
        start = int(random.integers(len(noise)))
        drawn = np.resize(np.roll(noise, -start), len(sound))
    voice, other = (float(np.sqrt(np.mean(values**2)) + 1e-9) for values in (sound, drawn))
    return np.asarray(drawn * (voice / other * 10 ** (-quieter_db / 20)), dtype=np.float32)


@functools.lru_cache(maxsize=256)
def _sound(path: Path) -> FloatArray:
    return read_sound(path)


@functools.cache
def _listed(material: Path | None, label: str) -> tuple[Path, ...]:
    """Files of one kind; rooms that echo for longer than three seconds are left out."""
    if material is None:
        return ()
    listed = read_csv_list(material / "noises_and_rooms.csv", ("path", "label", "room"))
    rows = (row.values for row in listed.rows())
    chosen = (row for row in rows if row["label"] == label and _echo(row["room"]) <= 3)
    return tuple(material / row["path"] for row in chosen)


def _echo(room: str) -> float:
    """Seconds of reverberation that a room's description names; 0 where it names none."""
    _, _, seconds = room.partition("RT60~")
    try:
        return float(seconds.rstrip("s ")) if seconds else (9.0 if room else 0.0)
    except ValueError:
        return 9.0

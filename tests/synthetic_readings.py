"""Synthetic readings for tests of the outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sentistream.media.picture import RgbPicture
from sentistream.profiles import PAPER, Profile
from sentistream.types import (
    SOUND_RATE,
    Box,
    Branch,
    Distribution,
    Face,
    Flag,
    FloatArray,
    Moment,
    Reading,
)

TICK = PAPER.tick


@dataclass(frozen=True)
class Info:
    name: str = "shop.mp4"
    container: str = "mp4"
    duration: float | None = 12.0
    width: int = 320
    height: int = 240
    frame_rate: float | None = 30.0
    rotation: int = 0
    video_codec: str = "h264"
    audio_codec: str | None = "aac"
    audio_rate: int | None = 48_000
    audio_channels: int | None = 2
    live: bool = False
    audio_track: int | None = None


@dataclass
class Faults:
    skipped_packets: int = 0


@dataclass
class Subject:
    """Stub for an Analysis."""

    info: Info = field(default_factory=Info)
    faults: Faults = field(default_factory=Faults)
    profile: Profile = PAPER
    max_faces: int = 2
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"name": "paper/mouth", "version": "1", "sha256": "ab" * 32, "parameters": 1_252_571}
        ]
    )


def landmarks(box: Box) -> FloatArray:
    """68 points around the middle of a box, with the lips in their place."""
    x, y = box.center
    points = np.tile(np.array([x, y], np.float32), (68, 1))
    for index in range(12):
        angle = 2 * math.pi * index / 12
        points[48 + index] = (
            x + 0.2 * box.width * math.cos(angle),
            y + box.height * (0.25 + 0.06 * math.sin(angle)),
        )
    return points


def reading(
    time: float,
    track: int = 1,
    positive: float = 0.6,
    negative: float = 0.1,
    mouth_open: float = 0.2,
    box: Box | None = None,
    flags: tuple[Flag, ...] = (),
    left_out: int = 0,
) -> Reading:
    """One face's reading; the remaining probability is neutral."""
    box = box or Box(40.0 + 100 * (track - 1), 60, 120.0 + 100 * (track - 1), 150)
    distribution = Distribution(positive, 1 - positive - negative, negative)
    return Reading(
        time=time,
        face=Face(track, box, landmarks(box)),
        mouth_open=mouth_open,
        branch=Branch.FUSED if mouth_open >= 0.5 else Branch.FACE,
        momentary=distribution,
        smoothed=distribution,
        label=distribution.label,
        flags=(*flags, Flag.MORE_FACES) if left_out else flags,
        left_out=left_out,
        voice_share=0.25 if mouth_open >= 0.5 else 0.0,
    )


def picture(width: int = 320, height: int = 240) -> RgbPicture:
    """A smooth gradient."""
    row = np.linspace(40, 200, width, dtype=np.uint8)
    return RgbPicture(np.broadcast_to(row[None, :, None], (height, width, 3)).copy())


def moments(seconds: float, people: int = 2) -> Iterator[tuple[Moment, tuple[Reading, ...]]]:
    """People with changing sentiment; nobody at first, and the second leaves for a while."""
    scene = picture()
    for index in range(round(seconds / TICK)):
        time = index * TICK
        moment = Moment(time, scene, time)
        if time < 0.5:
            yield moment, (Reading(time),)
            continue
        swing = 0.5 + 0.45 * math.sin(2 * math.pi * time / max(seconds, 1))
        readings = [
            reading(time, 1, 0.9 * swing, 0.9 * (1 - swing) * 0.8, 0.5 + 0.5 * math.sin(5 * time))
        ]
        if people > 1 and not 0.4 * seconds < time < 0.6 * seconds:
            readings.append(reading(time, 2, 0.25, 0.15, 0.1, flags=(Flag.CARRIED,)))
        yield moment, tuple(readings)


def talk(seconds: float, seed: int = 0) -> FloatArray:
    """Noise with the rhythm of syllables, over a quiet floor."""
    generator = np.random.default_rng(seed)
    count = round(seconds * SOUND_RATE)
    times = np.arange(count) / SOUND_RATE
    noise = np.convolve(generator.normal(0, 1, count), np.ones(24) / 24, "same")
    envelope = 0.2 * np.clip(np.sin(2 * np.pi * 3 * times), 0, 1) + 1e-4
    return (noise * envelope).astype(np.float32)

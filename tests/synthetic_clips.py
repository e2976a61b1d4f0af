"""Small synthetic videos: grey pictures that flash, and sound that clicks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container
import numpy as np
from av import AudioFrame, VideoFrame

from sentistream.media.resample import resample
from sentistream.types import Box, FloatArray, UInt8Array

GREY = 60
FLASH = 230


def flat(level: int, width: int = 64, height: int = 48) -> UInt8Array:
    """A uniform grey picture."""
    return np.full((height, width, 3), level, np.uint8)


def clicks(seconds: float, rate: int, at: Sequence[float] = ()) -> FloatArray:
    """A quiet hum with 5 ms bursts at the given seconds."""
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.01 * np.sin(2 * np.pi * 200 * time)
    for start in at:
        burst = (time >= start) & (time < start + 0.005)
        sound[burst] = 0.8 * np.sign(np.sin(2 * np.pi * 2000 * time[burst]))
    return sound.astype(np.float32)


def write_clip(
    path: Path,
    pictures: Sequence[tuple[float, UInt8Array]] = (),
    sound: FloatArray | None = None,
    *,
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    sound_codec: str = "aac",
    sound_rate: int = 48_000,
    sound_layout: str = "mono",
    sound_start: float = 0.0,
    sound_holes: Sequence[tuple[float, float]] = (),
    rate: int = 25,
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    codec_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write pictures at their times (seconds), and sound from ``sound_start`` on.

    ``sound_holes`` are omitted spans, in seconds from the sound's start.
    """
    with av.container.open(str(path), "w", options=options or {}) as container:
        video: Any = None
        audio: Any = None
        if pictures:
            height, width = pictures[0][1].shape[:2]
            video = container.add_stream(codec, rate=rate, options=codec_options or {})
            video.width, video.height, video.pix_fmt = width, height, pix_fmt
            # avi and mpeg have a fixed frame rate, the others arbitrary timestamps
            steady = path.suffix in (".avi", ".mpg", ".flv")
            clock = Fraction(1, rate) if steady else Fraction(1, 1000)
            video.codec_context.time_base = clock
            video.codec_context.gop_size = 12
            if pixel_aspect is not None:
                video.codec_context.sample_aspect_ratio = pixel_aspect
            if rotation:
                video.set_display_rotation(rotation)
        if sound is not None:
            audio = container.add_stream(sound_codec, rate=sound_rate)
            audio.codec_context.layout = sound_layout
        packets: list[Any] = []
        for time, pixels in pictures:
            frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time / clock), clock
            packets += video.encode(frame)
        if video is not None:
            packets += video.encode(None)
        if audio is not None:
            assert sound is not None
            packets += _encoded_sound(audio, sound, sound_rate, sound_start, sound_holes)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _encoded_sound(
    audio: Any,
    sound: FloatArray,
    rate: int,
    start: float,
    holes: Sequence[tuple[float, float]],
) -> list[Any]:
    packets: list[Any] = []
    form = audio.codec_context.format.name
    layout = audio.codec_context.layout.name
    channels = audio.codec_context.channels
    size = audio.codec_context.frame_size or 1024
    for first in range(0, len(sound), size):
        if any(left <= first / rate < right for left, right in holes):
            continue
        block = np.repeat(sound[None, first : first + size], channels, axis=0)
        if form.startswith("s16"):
            block = (block * 32767).astype(np.int16)
        elif form.startswith("s32"):
            block = (block.astype(np.float64) * (2**31 - 1)).astype(np.int32)
        if not form.endswith("p"):
            block = block.T.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format=form, layout=layout)
        frame.sample_rate = rate
        frame.pts, frame.time_base = round(start * rate) + first, Fraction(1, rate)
        packets += audio.encode(frame)
    return packets + list(audio.encode(None))


def flashing(
    seconds: float, at: Sequence[float], rate: float = 25, width: int = 64, height: int = 48
) -> list[tuple[float, UInt8Array]]:
    """Grey pictures at a constant rate; those at the given seconds are bright."""
    times = [index / rate for index in range(round(seconds * rate))]
    return [
        (
            time,
            flat(FLASH if any(abs(time - flash) < 1e-6 for flash in at) else GREY, width, height),
        )
        for time in times
    ]


def moving_face(
    portrait: UInt8Array, frames: int, *, step: int = 1, period: int = 25
) -> list[tuple[float, UInt8Array]]:
    """A face that moves ``step`` pixels a frame, from the start again after ``period`` frames.

    320 by 240 pixels at 25 frames a second.
    """
    return [
        (i / 25, resample(portrait, Box(60 + shift, 0, 380 + shift, 240), 320, 240))
        for i in range(frames)
        for shift in (step * (i % period),)
    ]

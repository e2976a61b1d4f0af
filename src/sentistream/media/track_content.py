"""What an audio or video track contains: something, silence, one uniform colour, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import av
import numpy as np
from av import AudioResampler, FFmpegError
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from sentistream.media.frame_reader import clock_zero
from sentistream.types import SOUND_RATE

SILENT = 1e-3
"""An audio track whose samples never exceed this share of full scale is silent."""
FLAT = 2.0
"""A video track whose brightness never varies by more than this is empty (of 255)."""
MAX_PACKETS = 20_000
"""Packets read at each position where a file's track is probed."""
_PLACES = (0.0, 0.25, 0.5, 0.75)
_SOUND_SECONDS = 2.0
_PICTURES = 3

Opener = Callable[[], InputContainer]
"""Opens the same file again."""
Content = Literal["", "silent", "empty", "undecodable", "absent"]


def is_decodable(stream: AudioStream | VideoStream) -> bool:
    """Whether this FFmpeg has a decoder for it, and it has the parameters for that."""
    if stream.codec_context is None:
        return False
    return not isinstance(stream, AudioStream) or stream.sample_rate > 0


def find_content(again: Opener, stream: AudioStream | VideoStream) -> Content:
    """What a track contains at some positions of the file."""
    if not is_decodable(stream):
        return "undecodable"
    found = False
    with again() as container:
        same = container.streams[stream.index]
        length = container.duration or 0
        for place in _PLACES if length else _PLACES[:1]:
            if place:
                try:
                    container.seek(int(place * length + (container.start_time or 0)))
                except FFmpegError:
                    break
            for full in _samples(container, same, place * length / av.time_base):
                if full:
                    return ""
                found = True
    if not found:
        return "undecodable"
    return "silent" if isinstance(stream, AudioStream) else "empty"


def _samples(container: InputContainer, stream: Stream, begin: float) -> Iterator[bool]:
    """Whether each of a few frames, from ``begin`` seconds on, has content."""
    begin += clock_zero(container)
    taken = 0.0
    try:
        for count, packet in enumerate(container.demux(stream)):
            if count > MAX_PACKETS:
                return
            # not every index covers every track: some lead to an earlier position
            if packet.pts is not None and packet.pts * packet.time_base < begin:
                continue
            try:
                frames = packet.decode()
            except (FFmpegError, ValueError):
                continue
            for frame in frames:
                if isinstance(frame, av.AudioFrame):
                    yield is_loud(frame)
                    taken += frame.samples / (frame.sample_rate or SOUND_RATE) / _SOUND_SECONDS
                elif isinstance(frame, av.VideoFrame):
                    yield is_structured(frame)
                    taken += 1 / _PICTURES
            if taken >= 1:
                return
    except (FFmpegError, ValueError):
        return


def is_structured(frame: av.VideoFrame) -> bool:
    """Whether a picture has more than one uniform colour."""
    return float(np.std(frame.reformat(format="gray").to_ndarray())) > FLAT


def is_loud(frame: av.AudioFrame) -> bool:
    """Whether decoded sound is more than silence; its timestamp is lost."""
    resampler = AudioResampler("flt", frame.layout, frame.sample_rate)
    frame.pts = None
    return any(
        bool(np.nanmax(np.abs(each.to_ndarray())) > SILENT)
        for each in resampler.resample(frame)
        if each.samples
    )

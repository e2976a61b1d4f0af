"""Writes the demo clip, and longer clips made of copies of a short one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from sentistream.demo import script
from sentistream.demo.portrait import Portrait
from sentistream.demo.speech import speak
from sentistream.errors import InputError, OutputError
from sentistream.translatable import Translatable
from sentistream.types import SOUND_RATE, FloatArray

FASTSTART = {"movflags": "faststart"}


def make_clip(
    path: str | Path,
    *,
    duration: float = script.LENGTH,
    size: tuple[int, int] = (1280, 720),
    frame_rate: int = 30,
    sound: bool = True,
    on_progress: Callable[[float], None] | None = None,
) -> Path:
    """Makes an mp4 (H.264, AAC at 48 kHz) of a portrait that talks, smiles, stops and looks away.

    What happens when is in ``sentistream.demo.script``. A clip longer than the script is made
    of copies of it, encoded once.

    Args:
        path: Where to write; an existing file is replaced.
        duration: Seconds, more than 0.
        size: Width and height in pixels, both even.
        frame_rate: Pictures a second.
        sound: Whether the clip has a sound track.
        on_progress: Called with the share that is done, 0 to 1, after each picture drawn.

    Returns:
        ``path``.

    Raises:
        InputError: An argument is out of range.
        OutputError: The file cannot be written.
    """
    if not (duration > 0 and frame_rate > 0 and min(size) > 0):
        raise InputError(
            Translatable(
                "A clip of {seconds} s, {width}x{height} pixels and {rate} pictures a second is "
                "empty.",
                seconds=duration,
                width=size[0],
                height=size[1],
                rate=frame_rate,
            ),
            "Give numbers above 0.",
        )
    if size[0] % 2 or size[1] % 2:
        raise InputError(
            Translatable(
                "H.264 needs an even width and height, not {width}x{height}.",
                width=size[0],
                height=size[1],
            ),
            "Choose even numbers.",
        )
    path = Path(path)
    if duration <= script.LENGTH:
        _encode(path, duration, size, frame_rate, sound, on_progress)
        return path
    with tempfile.TemporaryDirectory() as folder:
        once = Path(folder) / "once.mp4"
        _encode(once, script.LENGTH, size, frame_rate, sound, on_progress)
        return repeat_clip(once, path, duration=duration)


def repeat_clip(source: str | Path, path: str | Path, *, duration: float) -> Path:
    """Writes a clip of ``duration`` seconds by copying the encoded packets of another.

    Nothing is re-encoded, so half an hour takes seconds. If the source's sound and picture
    differ in length, the shorter waits for the longer in every copy.

    Args:
        source: A video file whose pictures can be stored in mp4.
        path: Where to write; an existing file is replaced.
        duration: Seconds.

    Returns:
        ``path``.

    Raises:
        InputError: The source cannot be read or has no length.
        OutputError: The file cannot be written.
    """
    path = Path(path)
    try:
        with av.open(str(source)) as container:
            length = _length(container)
            packets = [packet for packet in container.demux() if packet.dts is not None]
            with _create(path) as output:
                copies = {
                    stream.index: output.add_stream_from_template(stream)
                    for stream in (*container.streams.video[:1], *container.streams.audio[:1])
                }
                for packet, shift in _repeated(packets, length, duration):
                    if packet.stream.index not in copies:
                        continue
                    ticks = round(shift / packet.time_base)
                    copy = Packet(bytes(packet))
                    copy.time_base = packet.time_base
                    copy.pts = None if packet.pts is None else packet.pts + ticks
                    copy.dts = None if packet.dts is None else packet.dts + ticks
                    copy.is_keyframe = packet.is_keyframe
                    copy.stream = copies[packet.stream.index]
                    output.mux(copy)
    except av.FFmpegError as error:
        raise InputError(
            Translatable("{path} cannot be copied: {words}.", path=source, words=error),
            "Give a video file.",
        ) from error
    return path


def _repeated(
    packets: list[Packet[Any]], length: Fraction, duration: float
) -> Iterator[tuple[Packet[Any], Fraction]]:
    """Every packet with the seconds it is shifted by, copy after copy, up to ``duration``."""
    shift = Fraction(0)
    while shift < duration:
        for packet in packets:
            start = (packet.pts or 0) * packet.time_base
            # an encoder's priming and flush belong to the outer ends only
            outside = (start < 0 and shift > 0) or start >= length
            if not outside and start + shift < duration:
                yield packet, shift
        shift += length


def _length(container: InputContainer) -> Fraction:
    """Seconds until the last picture's end (the sound's, without a picture)."""
    streams = (*container.streams.video, *container.streams.audio)
    for stream in streams:
        if stream.duration and stream.time_base:
            return stream.duration * stream.time_base
    raise InputError(
        Translatable("{path} does not say how long it is.", path=container.name),
        "Give another file.",
    )


def _encode(
    path: Path,
    duration: float,
    size: tuple[int, int],
    frame_rate: int,
    sound: bool,
    on_progress: Callable[[float], None] | None,
) -> None:
    portrait = Portrait()
    samples = speak()[: round(duration * SOUND_RATE)] if sound else np.zeros(0, np.float32)
    with _create(path) as output:
        video = output.add_stream("libx264", rate=frame_rate, options={"preset": "veryfast"})
        assert isinstance(video, VideoStream)  # noqa: S101 - for the type checker
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        audio = output.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        chunk, sent = SOUND_RATE // 10, 0
        pictures = max(1, round(duration * frame_rate))
        for number in range(pictures):
            time = number / frame_rate
            frame = av.VideoFrame.from_ndarray(portrait.draw(time, size), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, frame_rate)
            output.mux(video.encode(frame))
            while isinstance(audio, AudioStream) and sent / SOUND_RATE <= time < duration:
                if sent >= len(samples):
                    break
                output.mux(audio.encode(_audio_frame(samples[sent : sent + chunk], sent)))
                sent += chunk
            if on_progress:
                on_progress((number + 1) / pictures)
        output.mux(video.encode(None))
        if isinstance(audio, AudioStream):
            output.mux(audio.encode(None))


def _audio_frame(samples: FloatArray, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = SOUND_RATE, start
    frame.time_base = Fraction(1, SOUND_RATE)
    return frame


@contextmanager
def _create(path: Path) -> Iterator[OutputContainer]:
    """Opens an mp4 for writing at ``path`` and makes its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        output = av.open(str(path), "w", format="mp4", container_options=FASTSTART)
    except OSError as error:
        reason = Translatable(str(error.strerror or error))
        raise OutputError(
            Translatable("{path} cannot be written: {words}.", path=path, words=reason),
            "Choose another place with --out.",
        ) from error
    with output:
        yield output

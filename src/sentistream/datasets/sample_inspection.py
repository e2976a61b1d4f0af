"""Decodes one sample: whether it is readable, its length, and digests of its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray
from PIL import Image

from sentistream.datasets.dataset import Fault, FaultKind, Sample
from sentistream.datasets.near_duplicates import thumbnail
from sentistream.errors import InputError
from sentistream.media.image_file import read_image
from sentistream.types import UInt8Array
from sentistream.values import ByValue
from sentistream.voice.spectrogram import VIRIDIS

CUT_SHORT = 0.25
"""Seconds by which a recording may end before its declared length."""

_PICTURE = 112
_COMMENT = 160


@dataclass(frozen=True, slots=True, eq=False)
class SampleInspection(ByValue):
    """The result of examining a sample.

    Attributes:
        digest: Hash of the file or the encoded image, hexadecimal; empty if it cannot be read.
        sound_digest: Hash of the decoded sound, hexadecimal; empty without sound.
        seconds: Its length; 0 for images.
        size: Width and height in pixels; (0, 0) for sounds.
        picture: For display: the image, the video's middle, or the sound's spectrogram, at
            most 112 pixels wide and high, shape (height, width, 3); None if it cannot be read.
        thumbnail: For finding near-duplicates; None for recordings.
        fault: What is wrong with it.
    """

    digest: str = ""
    sound_digest: str = ""
    seconds: float = 0.0
    size: tuple[int, int] = (0, 0)
    picture: UInt8Array | None = None
    thumbnail: UInt8Array | None = None
    fault: Fault | None = None


def inspect_image(sample: Sample, content: bytes) -> SampleInspection:
    """Decodes a whole image."""
    if not content:
        return SampleInspection(fault=_fault("unreadable", sample, "It cannot be read"))
    digest = _digest(content)
    try:
        pixels = read_image(content, sample.name)
    except InputError as error:
        kind: FaultKind = "truncated" if "truncated" in error.problem else "unreadable"
        return SampleInspection(
            digest=digest, fault=_fault(kind, sample, error.problem.rstrip("."))
        )
    rgb = Image.fromarray(pixels)
    size = rgb.size
    rgb.thumbnail((_PICTURE, _PICTURE))
    return SampleInspection(
        digest=digest,
        size=size,
        picture=np.asarray(rgb, dtype=np.uint8),
        thumbnail=thumbnail(pixels),
    )


def inspect_recording(sample: Sample, *, pictured: bool = True) -> SampleInspection:
    """Reads a sound or video to its end, decoding the sound.

    Args:
        pictured: Whether its picture is for display: the middle one instead of the first.
    """
    try:
        with sample.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _examine_streams(sample, digest, pictured=pictured)
    except OSError as error:
        return SampleInspection(fault=_fault("unreadable", sample, error.strerror or str(error)))
    except (av.FFmpegError, ValueError, IndexError) as error:
        return SampleInspection(digest=digest, fault=_fault("unreadable", sample, str(error)))


def _examine_streams(sample: Sample, digest: str, *, pictured: bool) -> SampleInspection:
    path = sample.path
    with _opened(path) as container:
        announced = (container.duration or 0) / 1e6
        start = (container.start_time or 0) / 1e6
        size = (0, 0)
        if container.streams.video:
            context = container.streams.video[0].codec_context
            size = (context.width, context.height)
        hashed, heard, errors = hashlib.sha256(), False, 0
        reached = start
        chunks: list[NDArray[Any]] = []
        for packet in container.demux():
            if packet.stream.type == "video" and packet.pts is not None:
                reached = max(
                    reached, float((packet.pts + (packet.duration or 0)) * packet.time_base)
                )
            elif packet.stream.type == "audio" and packet.stream.index == _first_audio(container):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    errors += 1
                    continue
                for frame in frames:
                    if not isinstance(frame, av.AudioFrame):
                        continue
                    values = frame.to_ndarray()
                    hashed.update(np.ascontiguousarray(values).tobytes())
                    heard = True
                    if frame.time is not None:
                        reached = max(reached, frame.time + frame.samples / frame.sample_rate)
                    if sample.medium == "sound":
                        chunks.append(values.reshape(values.shape[0], -1)[0])
    seconds = max(0.0, reached - start)
    if size == (0, 0):
        picture = _spectrogram(chunks)
    else:
        picture = _picture_at(path, start + seconds / 2 if pictured else 0)
    return SampleInspection(
        digest=digest,
        sound_digest=hashed.hexdigest() if heard else "",
        seconds=seconds,
        size=size,
        picture=picture,
        fault=_recording_fault(sample, announced, seconds, errors, heard=heard, picture=picture),
    )


def _recording_fault(
    sample: Sample,
    announced: float,
    seconds: float,
    errors: int,
    *,
    heard: bool,
    picture: UInt8Array | None,
) -> Fault | None:
    if sample.medium == "video" and picture is None:
        return _fault("unreadable", sample, "None of its pictures can be decoded")
    if seconds == 0:
        return _fault("unreadable", sample, "Nothing of it can be decoded")
    if missing := _missing_of_wave(sample.path):
        return _fault("truncated", sample, f"{missing:,} bytes less than it announces")
    if announced - seconds > CUT_SHORT:
        note = f"It ends after {seconds:.1f} s but announces {announced:.1f} s"
        return _fault("truncated", sample, note)
    if errors:
        return _fault("unreadable", sample, f"{errors} pieces of its sound cannot be decoded")
    if sample.medium == "sound" and not heard:
        return _fault("no sound", sample, "It has no sound")
    return None


def _missing_of_wave(path: Path) -> int:
    """Bytes that a RIFF file declares but lacks; FFmpeg takes what is there for all of it."""
    with path.open("rb") as file:
        start = file.read(8)
    announced = int.from_bytes(start[4:8], "little")
    # recorders that do not know the length in advance write all ones
    if start[:4] != b"RIFF" or announced == 0xFFFFFFFF:
        return 0
    return max(0, announced + 8 - path.stat().st_size)


def _first_audio(container: av.container.InputContainer) -> int:
    return container.streams.audio[0].index


def _picture_at(path: Path, time: float) -> UInt8Array | None:
    """The first picture at or after a time; the last one where there is none."""
    shown = None
    with _opened(path) as container:
        container.seek(round(time * 1e6))
        for frame in container.decode(video=0):
            shown = frame
            if frame.time is None or frame.time >= time:
                break
        if shown is None:
            return None
        image: Image.Image = shown.to_image()  # type: ignore[no-untyped-call]
    image.thumbnail((_PICTURE, _PICTURE))
    return np.asarray(image, dtype=np.uint8)


def _spectrogram(chunks: list[NDArray[Any]]) -> UInt8Array | None:
    """Loudness by frequency (up, to a quarter of the sampling rate) and time."""
    if not chunks:
        return None
    sound = np.concatenate(chunks).astype(np.float64)
    length = 512
    if len(sound) < length:
        return None
    starts = np.linspace(0, len(sound) - length, _PICTURE).astype(int)
    segments = np.stack([sound[at : at + length] for at in starts]) * np.hanning(length)
    level = 20 * np.log10(np.abs(np.fft.rfft(segments, axis=1))[:, : length // 4] + 1e-9)
    share = np.clip((level - level.max() + 70) / 70, 0, 1)
    colours: UInt8Array = VIRIDIS[(share.T[::-1] * 255).astype(np.uint8)]
    return colours[:: 2 if len(colours) > _PICTURE else 1]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fault(kind: FaultKind, sample: Sample, note: str) -> Fault:
    return Fault(kind, sample.name, note[:_COMMENT].rstrip(". ") + ".")


def _opened(path: Path) -> InputContainer:
    # a plain file, never a playlist or an address; titles may be in any letters
    options = {"protocol_whitelist": "file"}
    return av.open(f"file:{path}", options=options, metadata_errors="replace")

"""Corrupts small clips in many ways and checks what reading them does.

Usage, for a long run: python tests/media/fuzzing.py --minutes 20 --keep FOLDER

Each corrupted file is read in a separate process with memory and time limits. Anything but
moments or an InputError is a finding: another exception, a crash, a hang, excessive memory.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from sentistream.errors import InputError
from sentistream.media.file_source import FileSource
from sentistream.media.live_source import LiveSource
from sentistream.media.source import Source

MEMORY = 1 << 30
"""Memory limit for reading a tiny clip, bytes beyond the process's own."""
SECONDS = 20
"""Time limit for reading a tiny clip, seconds."""
GRACE = 10
"""Seconds after which a reader not ended by its own alarm is killed."""
_MAX = 400
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds() -> dict[str, bytes]:
    """Small clips, sounds and streams in the most common formats, by name."""
    from stream_server import stream

    found = {
        "clip.mp4": stream(0.6, form="mp4"),
        "clip.ts": stream(0.6),
        "silent.ts": stream(0.6, sound=False),
        "clip.mkv": stream(0.6, form="matroska"),
        "large.mp4": stream(0.3, form="mp4", size=(320, 240)),
        "sound.wav": _wav(),
    }
    found |= {
        "clip.avi": _written("avi", "mpeg4", "mp2"),
        "clip.webm": _written("webm", "libvpx", "libopus"),
        "clip.flv": _written("flv", "flv", "aac"),
        "clip.mpg": _written("mpeg", "mpeg1video", "mp2"),
        "clip.ogg": _written("ogg", "theora", "libvorbis"),
        "clip.mov": _written("mov", "mjpeg", "pcm_s16le"),
        "pieces.mp4": _written(
            "mp4", "libx264", "aac", movflags="frag_keyframe+empty_moov+default_base_moof"
        ),
    }
    return {name: data for name, data in found.items() if data}


def _written(form: str, pictures: str, sound: str, **options: str) -> bytes:
    from synthetic_clips import clicks, flashing, write_clip

    with tempfile.TemporaryDirectory() as folder:
        ending = {"mpeg": "mpg"}.get(form, form)
        try:
            return write_clip(
                Path(folder) / f"clip.{ending}",
                flashing(0.6, [0.2]),
                clicks(0.6, 48_000, [0.2]),
                codec=pictures,
                sound_codec=sound,
                pix_fmt="yuvj420p" if pictures == "mjpeg" else "yuv420p",
                options=options,
            ).read_bytes()
        except (av.FFmpegError, ValueError):  # this FFmpeg cannot write it
            return b""


def _wav() -> bytes:
    from synthetic_clips import clicks

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as output:
        stream: Any = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = (clicks(0.5, 8000) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 8000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    return buffer.getvalue()


def damaged(data: bytes, others: list[bytes], seed: int) -> bytes:
    """The bytes with one to four corruptions."""
    random = np.random.default_rng(seed)
    spoilt = bytearray(data)
    for _ in range(random.integers(1, 5)):
        spoilt = _DAMAGES[random.integers(len(_DAMAGES))](spoilt, random, others)
    return bytes(spoilt)


def _flip(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    for place in random.integers(0, max(1, len(data)), random.integers(1, 60)):
        data[place : place + 1] = bytes([data[place] ^ (1 << random.integers(8))])
    return data


def _head(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    for place in random.integers(0, min(len(data), 2048), random.integers(1, 12)):
        data[place : place + 1] = random.bytes(1)
    return data


def _number(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    for place in random.integers(0, max(1, len(data) - 4), random.integers(1, 6)):
        width = int(random.choice([1, 2, 4]))
        value = int(random.choice(_EXTREMES)) & ((1 << 8 * width) - 1)
        order: Any = random.choice(["big", "little"])
        data[place : place + width] = value.to_bytes(width, order)
    return data


def _truncate(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    return data[: random.integers(0, len(data) + 1)]


def _drop_beginning(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    return data[random.integers(0, min(len(data), 4096) + 1) :]


def _block(data: bytearray, random: np.random.Generator) -> slice:
    begin = int(random.integers(0, len(data) + 1))
    return slice(begin, begin + int(random.integers(1, 4096)))


def _swap(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    one, other = _block(data, random), _block(data, random)
    first, second = data[one], data[other]
    size = min(len(first), len(second))
    data[one.start : one.start + size] = second[:size]
    data[other.start : other.start + size] = first[:size]
    return data


def _repeat(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    block = _block(data, random)
    data[block.start : block.start] = data[block] * int(random.integers(1, 8))
    return data


def _zero(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    block = _block(data, random)
    data[block] = bytes(len(data[block]))
    return data


def _garbage(data: bytearray, random: np.random.Generator, _: list[bytes]) -> bytearray:
    block = _block(data, random)
    data[block.start : block.start] = random.bytes(block.stop - block.start)
    return data


def _splice(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytearray:
    other = others[random.integers(len(others))]
    cut, far = random.integers(0, len(data) + 1), random.integers(0, len(other) + 1)
    return data[:cut] + other[far:]


_DAMAGES = (
    _flip,
    _head,
    _head,
    _number,
    _number,
    _truncate,
    _drop_beginning,
    _swap,
    _repeat,
    _zero,
    _garbage,
    _splice,
)


class _Pipe(io.RawIOBase):
    """Bytes as a network delivers them: once, and without seeking."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def read(self, size: int = -1) -> bytes:
        size = len(self._rest) if size < 0 else size
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return bytes(chunk)

    def readable(self) -> bool:
        return True


def opened(data: bytes, path: Path, mode: str) -> Source:
    """Those bytes as a file or as a stream."""
    if mode == "file":
        path.write_bytes(data)
        return FileSource(path, tick=0.03, sound_window=0.24)
    try:
        container = av.container.open(_Pipe(data), "r", options={"max_pixels": "67108864"})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError("cannot be opened") from error
    return LiveSource(container, name="stream", tick=0.03, sound_window=0.24)


def finding(data: bytes, name: str, mode: str) -> str:
    """The problem with reading those bytes; empty if there is none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _read(data, name, mode, writer)
        finally:
            os._exit(99)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        # without this timeout, a child that hangs before setting its own alarm would block forever
        if not select.select([pipe], [], [], SECONDS + GRACE)[0]:
            os.kill(child, signal.SIGKILL)
        message = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return ""
    if code in (-signal.SIGALRM, -signal.SIGKILL):
        return f"took longer than {SECONDS} s"
    return message or f"ended with {code}"


def _read(data: bytes, name: str, mode: str, writer: int) -> None:
    buffer = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (buffer + MEMORY, buffer + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(data, Path(folder) / name, mode) as source,
        ):
            before = float("-inf")
            for moment in islice(source, _MAX):
                assert before < moment.time, "time does not advance"
                assert moment.picture_time <= moment.time
                assert moment.picture.luma.size
                before = moment.time
        os._exit(0)
    except InputError:
        os._exit(0)
    except BaseException:
        os.write(writer, traceback.format_exc()[-4000:].encode())
        os._exit(1)


def cases(count: int | None, begin: int = 0) -> Iterator[tuple[str, str, int, bytes]]:
    """Name, way, seed and bytes of corrupted clips, endless if ``count`` is None."""
    clips = seeds()
    names, all_of_them = sorted(clips), list(clips.values())
    seed = begin
    while count is None or seed < begin + count:
        name = names[seed % len(names)]
        mode = "file" if seed % 3 else "stream"
        yield name, mode, seed, damaged(clips[name], all_of_them, seed)
        seed += 1


def replayed(paths: list[Path]) -> Iterator[tuple[str, str, int, bytes]]:
    """Stored clips in the form of ``cases``; their names begin with the way of reading."""
    for number, path in enumerate(paths):
        mode, _, name = path.name.partition("-")
        yield name, mode, number, path.read_bytes()


def main() -> None:
    """Read corrupted or stored clips for a while; exit code 1 after a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--count", type=int, help="Maximum number of cases.")
    parser.add_argument("--begin", type=int, default=1_000_000, help="The first seed.")
    parser.add_argument("--keep", type=Path, help="Folder for the findings.")
    parser.add_argument("stored", type=Path, nargs="*", help="Read these files instead.")
    options = parser.parse_args()
    deadline, result, found = time.monotonic() + 60 * options.minutes, 0, 0
    those = replayed(options.stored) if options.stored else cases(options.count, options.begin)
    for name, mode, seed, data in those:
        if time.monotonic() > deadline:
            break
        result += 1
        message = finding(data, name, mode)
        if not message:
            continue
        found += 1
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{mode}-{seed}-{name}").write_bytes(data)
            (options.keep / f"{mode}-{seed}-{name}.txt").write_text(message, "utf-8")
        sys.stdout.write(f"{seed} {mode} {name}: {message.strip().splitlines()[-1]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{result} damaged clips, {found} findings\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

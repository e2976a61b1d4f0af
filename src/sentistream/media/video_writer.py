"""Writing a video with the sound of its source."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.container
import numpy as np
from av import AudioFrame, FFmpegError, Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from sentistream.errors import OutputError
from sentistream.media.container import open_file, reason
from sentistream.media.sound import SoundReader
from sentistream.media.source import Faults
from sentistream.media.track_selection import choose_audio
from sentistream.translatable import Translatable
from sentistream.types import SOUND_RATE, UInt8Array

_VIDEO_CLOCK = 90_000
_AAC_BLOCK = 1024
_BT601, _BT709 = 6, 1
_LIMITED = 1
# a fragment at every keyframe, so that the file is playable whenever writing stops
_MP4 = {"movflags": "frag_keyframe+delay_moov+default_base_moof", "flush_packets": "1"}
_PRESET = "veryfast"
QUALITY = 21
"""H.264's constant rate factor: 0 for the best, 51 for the smallest file."""
_KEY_EVERY = 60


class VideoWriter:
    """An mp4 file (H.264, AAC) written picture by picture, at uneven times if necessary.

    The file is fragmented, so that a killed process leaves all but the last seconds
    playable; sound is written along with the pictures, so that memory stays bounded. Odd
    sizes are padded by one row or column that repeats the edge.

    Args:
        path: The mp4 file; replaced if it exists.
        width, height: Size of the pictures given to ``write``.
        sound_from: The file whose sound is copied, on the same media clock as its
            moments; silence where it has none. None, or a file without sound: no sound.
        sound_track: The number of its audio track, from 1; None to choose.
        quality: H.264's constant rate factor, 0 for the best to 51 for the smallest file.

    Raises:
        OutputError: The file cannot be written.
        InputError: ``sound_from`` cannot be read.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        sound_from: Path | None = None,
        sound_track: int | None = None,
        quality: int = QUALITY,
    ) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"A video has at least one pixel, not {width} x {height}.")
        self._path = Path(path)
        self._size = (width, height)
        self._options = {"preset": _PRESET, "crf": str(quality)}
        self._last: float | None = None
        self._step = 1 / 30
        self._closed = False
        self._failed = False
        self._sound_at = 0
        self._sound_container: InputContainer | None = None
        self._sound: SoundReader | None = None
        layout = self._open_sound(sound_from, sound_track)
        try:
            self._path.open("wb").close()  # FFmpeg itself opens it only at the first picture
            self._container = av.container.open(
                f"file:{self._path}", "w", format="mp4", container_options=_MP4
            )
        except (FFmpegError, OSError) as error:
            self._close_sound()
            raise self._output_error(error) from error
        self._video = self._add_video()
        self._audio = None if self._sound is None else self._add_audio(layout)

    def _open_sound(self, sound_from: Path | None, track: int | None) -> str:
        if sound_from is None:
            return ""
        self._sound_container = open_file(sound_from)
        stream = choose_audio(
            self._sound_container, number=track, again=partial(open_file, sound_from)
        )
        if stream is None:
            self._close_sound()
            return ""
        layout = "mono" if stream.channels == 1 else "stereo"
        self._sound = SoundReader(self._sound_container, stream, Faults(), layout)
        return layout

    def _close_sound(self) -> None:
        if self._sound_container is not None:
            self._sound_container.close()
            self._sound_container = None

    def _add_video(self) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=30, options=dict(self._options))
        assert isinstance(stream, VideoStream)  # noqa: S101 - for the type checker
        width, height = self._size
        context = stream.codec_context
        context.width, context.height = width + width % 2, height + height % 2
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, _VIDEO_CLOCK)
        context.gop_size = _KEY_EVERY
        self._matrix = _BT709 if height > 576 or width >= 1280 else _BT601
        context.colorspace, context.color_range = self._matrix, _LIMITED
        return stream

    def _add_audio(self, layout: str) -> AudioStream:
        stream = self._container.add_stream("aac", rate=SOUND_RATE)
        assert isinstance(stream, AudioStream)  # noqa: S101 - for the type checker
        stream.codec_context.layout = layout
        stream.codec_context.bit_rate = 128_000
        return stream

    def write(self, time: float, pixels: UInt8Array) -> None:
        """Add a picture.

        Args:
            time: When it is shown, seconds; later than the previous picture.
            pixels: RGB, shape (height, width, 3).

        Raises:
            OutputError: It cannot be written (for instance, a full disk).
            ValueError: The time or the shape does not fit, or the writer is closed.
        """
        width, height = self._size
        if self._closed:
            raise ValueError("The video is closed; nothing can be added to it.")
        if pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
            raise ValueError(
                f"A picture of this video is uint8 of shape {(height, width, 3)}, "
                f"not {pixels.dtype} of shape {pixels.shape}."
            )
        stamp = round(time * _VIDEO_CLOCK) if math.isfinite(time) else -1
        if stamp < 0 or (self._last is not None and stamp <= round(self._last * _VIDEO_CLOCK)):
            raise ValueError(f"Pictures come in order: {time} s cannot follow {self._last} s.")
        if self._last is not None:
            self._step = time - self._last
        self._last = time
        if width % 2 or height % 2:
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace="ITU709" if self._matrix == _BT709 else "ITU601",
            dst_color_range=_LIMITED,
        )
        frame.pts, frame.time_base = stamp, Fraction(1, _VIDEO_CLOCK)
        try:
            self._mux(self._video.encode(frame))
            self._write_sound(time)
        except (FFmpegError, OSError) as error:
            self._failed = True
            raise self._output_error(error) from error

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            # exact for all but the last: the muxer uses the next one's time
            packet.duration = round(self._step * _VIDEO_CLOCK)
            self._container.mux(packet)

    def _write_sound(self, until: float) -> None:
        """All whole blocks of sound that end by then."""
        if self._sound is None or self._audio is None:
            return
        while self._sound_at + _AAC_BLOCK <= until * SOUND_RATE:
            samples = self._sound.block(self._sound_at, self._sound_at + _AAC_BLOCK)
            layout = "mono" if len(samples) == 1 else "stereo"
            frame = AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            frame.sample_rate = SOUND_RATE
            frame.pts, frame.time_base = self._sound_at, Fraction(1, SOUND_RATE)
            self._container.mux(self._audio.encode(frame))
            self._sound_at += _AAC_BLOCK

    def close(self) -> None:
        """Finish the file; nothing more can be added.

        Raises:
            OutputError: The rest cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._last is not None and not self._failed:
                self._write_sound(self._last + self._step)
                self._mux(self._video.encode(None))
                if self._audio is not None:
                    self._container.mux(self._audio.encode(None))
        except (FFmpegError, OSError) as error:
            self._failed = True
            raise self._output_error(error) from error
        finally:
            self._close_sound()
            self._close_container()

    def _close_container(self) -> None:
        try:
            self._container.close()
        except (FFmpegError, OSError) as error:
            if not self._failed:
                raise self._output_error(error) from error

    def _output_error(self, error: Exception) -> OutputError:
        return OutputError(
            Translatable(
                "The video {path} cannot be written ({words}).",
                path=self._path,
                words=reason(error),
            ),
            "Choose a folder that exists, may be written to and has room.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            with contextlib.suppress(OutputError):
                self.close()

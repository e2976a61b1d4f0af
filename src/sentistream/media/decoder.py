"""Video decoders: hardware (a graphics card's or chip's) where there is one, or software.

PyAV returns pictures decoded in hardware in main memory, as NV12: ``YuvPicture`` reads their luma
in place, as for any other.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from av import FFmpegError, Packet, VideoFrame
from av.codec import Codec, CodecContext
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from sentistream.decoder_names import AUTO, DECODERS, HARDWARE, SOFTWARE
from sentistream.media.source import MediaInfo
from sentistream.operating_system import System, decoder_chips, system
from sentistream.translatable import Translatable

CODINGS = ("h264", "hevc", "vp9", "av1")
"""Codecs that hardware decodes exactly as software does."""

_OWN_CODEC = {"qsv": "qsv", "amf": "amf", "v4l2": "v4l2m2m", "mediacodec": "mediacodec"}
_ON_REQUEST = frozenset({"vulkan"})
_MAX_HELD = 120
_MAX_WITHOUT_PICTURE = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HardwareDecoder:
    """A hardware decoder, and whether it works here.

    Attributes:
        name: One of ``HARDWARE``.
        problem: Why it does not work; empty if it does.
    """

    name: str
    problem: str


def hardware_decoders() -> tuple[HardwareDecoder, ...]:
    """The hardware decoders in the installed FFmpeg, each tried once in this process."""
    return tuple(HardwareDecoder(name, _problem(name)) for name in HARDWARE if _is_built_in(name))


def forget_hardware() -> None:
    """Forgets which hardware works, so that it is tried (and its absence logged) again."""
    _problem.cache_clear()
    _log_once.cache_clear()


def _is_built_in(name: str) -> bool:
    if name == "v4l2":
        return system() is System.LINUX and _has_codec("h264_v4l2m2m")
    if name == "mediacodec":
        return _has_codec("h264_mediacodec")
    return name in hwdevices_available()


def _has_codec(name: str) -> bool:
    try:
        Codec(name, "r")
    except (FFmpegError, ValueError):
        return False
    return True


@functools.cache
def _problem(name: str) -> str:
    """Why a decoder does not work for H.264; empty if it does."""
    if not _is_built_in(name):
        return Translatable("not built into this FFmpeg")
    if name == "v4l2":
        return "" if decoder_chips() else Translatable("no such device")
    try:
        codec = Codec(_codec_name("h264", name), "r")
        if name != "mediacodec":
            HWAccel(name).create(codec)
    except Exception as error:  # whatever a driver fails with, there is software
        return (getattr(error, "strerror", None) or str(error)).lower()
    return ""


def _codec_name(coding: str, name: str) -> str:
    return f"{coding}_{_OWN_CODEC[name]}" if name in _OWN_CODEC else coding


class Decoder:
    """Decodes one video track, in hardware if that is requested and works.

    Software takes over if the hardware decoder cannot be set up, fails before its first picture,
    or stops returning pictures.

    Args:
        stream: The track; its own context decodes in software.
        wanted: One of ``DECODERS``. If a named hardware decoder does not work, ``remark`` says
            so; ``auto`` says nothing.

    Attributes:
        name: The current decoder: ``software`` or one of ``HARDWARE``.
        remark: A sentence if another decoder was requested; else empty.

    Raises:
        ValueError: There is no such decoder.
    """

    def __init__(self, stream: VideoStream, wanted: str = SOFTWARE) -> None:
        if wanted not in DECODERS:
            raise ValueError(f"A decoder is one of {', '.join(DECODERS)}, not {wanted}.")
        self._stream = stream
        self._wanted = wanted
        self._context: VideoCodecContext = stream.codec_context
        self._held: deque[Packet[Any]] = deque(maxlen=_MAX_HELD)
        self._confirmed = False
        self._without_picture = 0
        self.name: str = SOFTWARE
        self.remark: str = ""
        if wanted != SOFTWARE:
            self._choose()

    def _choose(self) -> None:
        coding = self._stream.codec_context.codec.canonical_name
        names: Sequence[str] = (self._wanted,)
        if self._wanted == AUTO:
            names = [name for name in HARDWARE if _is_built_in(name) and name not in _ON_REQUEST]
        problem: str = Translatable("it cannot decode {coding}", coding=coding)
        if coding in CODINGS:
            for name in names:
                problem = _problem(name)
                context = None if problem else _open(self._stream, coding, name)
                if context is not None:
                    self.name, self._context = name, context
                    _log_once(logging.INFO, f"Pictures are decoded by {name}.")
                    return
                problem = problem or Translatable("it cannot decode {coding}", coding=coding)
        self._say(problem)

    def described(self, info: MediaInfo) -> MediaInfo:
        """The metadata with the decoder and the remark; the same object if it has them already."""
        if info.decoder == self.name and (not self.remark or self.remark in info.remarks):
            return info
        return replace(
            info, decoder=self.name, remarks=(*info.remarks, *filter(None, [self.remark]))
        )

    def decode(self, packet: Packet[Any] | None) -> list[VideoFrame]:
        """The pictures that a packet completes; with None, at the end, the remaining ones.

        Raises:
            av.FFmpegError, ValueError: It is damaged.
            EOFError: Nothing more can be decoded.
        """
        if self.name == SOFTWARE:
            return self._context.decode(packet)
        if not self._confirmed and packet is not None and packet.size:
            self._held.append(packet)
        try:
            frames = self._context.decode(packet)
        except (FFmpegError, ValueError) as error:
            if isinstance(error, EOFError) or (self._confirmed and not self._has_failed()):
                raise
            return self._replace(packet)
        if frames:
            return self._confirm(frames)
        if packet is not None and packet.size and self._has_failed():
            return self._replace(packet)
        if packet is None or not packet.size:
            return [] if self._confirmed else self._replace(packet)
        return frames

    def drain(self) -> list[VideoFrame]:
        """The pictures still held back for reordering; the next packet must be a keyframe's.

        Hardware may keep them: they come with the next ones.
        """
        if self.name != SOFTWARE:
            return []
        end: Packet[Any] = Packet()
        if self._stream.time_base is not None:  # pictures' timestamps count it
            end.time_base = self._stream.time_base
        try:
            return self._context.decode(end)
        except (FFmpegError, ValueError):
            return []
        finally:
            self._context.flush_buffers()

    def _confirm(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        self._without_picture = 0
        if not self._confirmed:
            self._confirmed = True
            self._held.clear()
            if self.name not in _OWN_CODEC and not _is_hardware(self._context):
                # FFmpeg itself has fallen back, and stays that way
                self._say(Translatable("it cannot decode such pictures"))
                self.name = SOFTWARE
        return frames

    def _has_failed(self) -> bool:
        self._without_picture += 1
        return self._without_picture > _MAX_WITHOUT_PICTURE

    def _replace(self, packet: Packet[Any] | None) -> list[VideoFrame]:
        """Continues in software: packets already sent to the hardware are decoded again."""
        self._say(Translatable("it failed"))
        self.name, self._context = SOFTWARE, self._stream.codec_context
        held, self._held = list(self._held), deque()
        if packet is not None and not packet.size:
            held.append(packet)
        elif self._confirmed and packet is not None:
            held = [packet]
        frames = []
        for each in held:
            try:
                frames += self._context.decode(each)
            except (FFmpegError, ValueError):
                if each is packet and not frames:
                    raise
        if packet is None:
            frames += self._context.decode(None)
        return frames

    def _say(self, problem: str) -> None:
        if self._wanted == AUTO:
            _log_once(logging.INFO, "Pictures are decoded in software.")
            return
        self.remark = Translatable(
            "The decoder {name} cannot be used ({problem}); pictures are decoded in software.",
            name=self._wanted,
            problem=problem,
        )
        _log_once(logging.INFO, str(self.remark))


@functools.cache
def _log_once(level: int, words: str) -> None:
    _log.log(level, words)


def _open(stream: VideoStream, coding: str, name: str) -> VideoCodecContext | None:
    """A decoder's context for a stream; None if it cannot be made."""
    try:
        codec = Codec(_codec_name(coding, name), "r")
        device = None
        if name not in ("v4l2", "mediacodec"):
            device = HWAccel(name, allow_software_fallback=True)
        made = CodecContext.create(codec, "r", device)
        if not isinstance(made, VideoCodecContext):
            return None
        if device is not None and not made.is_hwaccel:
            return None
        software = stream.codec_context
        made.extradata = software.extradata
        made.options = dict(software.options)
        made.thread_count = 1
    except Exception:  # whatever a driver fails with, there is software
        return None
    return made


def _is_hardware(context: VideoCodecContext) -> bool:
    """Whether the latest pictures were decoded by hardware."""
    formats = {config.format.name for config in context.codec.hardware_configs if config.format}
    return context.pix_fmt in formats

"""Decoded pictures in presentation order, each with its time on the media clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av import Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from sentistream.media.decoder import Decoder
from sentistream.media.orientation import UPRIGHT, Orientation
from sentistream.media.packet_skipping import DisposablePackets, PacketSkipper
from sentistream.media.source import Faults

CLOCK_RESTART = 1.0
"""A timestamp that steps back by more than this many seconds begins a new count."""
LONGEST_FRAME = 10.0
"""Durations longer than this many seconds are ignored."""
_USUAL_FRAME = 0.04
READ_ATTEMPTS = 50
"""Times in a row that reading is tried again behind a damaged place of a file."""
_REORDERED = 32
_GAP = 1.8


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame.

    Attributes:
        time: Presentation time, seconds; never less than the previous frame's.
        end: When it stops being shown if nothing follows.
        after_fault: True if there are damaged pictures between the previous one and this one.
        after_gap: True if everything before this one was skipped to catch up: the picture before
            the gap is no longer valid.
        orientation: How it is turned upright (``OrientationTracker`` finds out).
    """

    frame: VideoFrame
    time: float
    end: float
    after_fault: bool
    orientation: Orientation = UPRIGHT
    after_gap: bool = False


def clock_zero(container: InputContainer) -> float:
    """The container's time, in seconds, that is zero on the media clock."""
    start = container.start_time
    return 0.0 if start is None else start / av.time_base


def in_seconds(stamp: int, base: Fraction) -> float:
    """A timestamp in seconds: the same as ``float(stamp * base)``, in a tenth of the time."""
    return stamp * base.numerator / base.denominator


def nanosecond(time: float) -> float:
    """The time in integer nanoseconds, so that equal times of pictures and ticks compare equal."""
    return round(time, 9)


class FrameReader:
    """Reads a container's pictures; bad packets are skipped and counted.

    Args:
        source: The container's packets, if another reader shares them.
        decoder: Decodes the pictures; by default in software.

    Attributes:
        skipper: Decides which pictures are not decoded.
        reached: The latest end of any stream's packets so far, seconds on the media clock;
            tells a truncated file from one whose picture ends before its sound.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        faults: Faults,
        source: Iterator[Packet[Any]] | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self._source = packets(container, faults) if source is None else source
        self._stream = stream
        self._decoder = Decoder(stream) if decoder is None else decoder
        self._faults = faults
        self._zero = clock_zero(container)
        self._before: float | None = None
        self._held: VideoFrame | None = None
        self._suspect = 0
        self._step = _USUAL_FRAME
        if stream.average_rate:
            self._step = min(1 / float(stream.average_rate), LONGEST_FRAME)
        self._skipped_before = 0
        self._is_drained = False
        context = stream.codec_context
        codec = context.codec.canonical_name
        self.skipper: PacketSkipper = PacketSkipper(DisposablePackets(codec, context.extradata))
        self.reached: float = 0.0

    def __iter__(self) -> Iterator[TimedFrame]:
        for packet in self._source:
            yield from self.decode(packet)
        yield from self._release(None)

    def decode(self, packet: Packet[Any]) -> Iterator[TimedFrame]:
        """The pictures that a packet completes: none if it is bad, or another stream's."""
        self._note_reached(packet)
        if packet.stream_index != self._stream.index:
            return
        if packet.is_corrupt:
            self._note_fault()
        if self._is_wanted(packet):
            self._is_drained = False
            yield from self._decoded(packet)
        elif self.skipper.leaves_out_rest and not self._is_drained:
            self._is_drained = True
            for frame in self._decoder.drain():
                yield from self._undamaged(frame)

    def catch_up(self, packet: Packet[Any], lag: float) -> None:
        """Skips pictures from this packet on, up to a keyframe that is not late.

        Args:
            packet: The current packet.
            lag: Seconds by which it is behind.
        """
        if packet.pts is not None and packet.time_base:
            now = in_seconds(packet.pts, packet.time_base) - self._zero
            self.skipper.catch_up(now, now + lag)

    def limit_decoding(self, share: float) -> float:
        """As ``Source.limit_decoding``."""
        self.skipper.share = share
        return self.skipper.analyzed_share

    def _is_wanted(self, packet: Packet[Any]) -> bool:
        base = packet.time_base
        if not packet.size or packet.pts is None or not base:
            return True
        time = nanosecond(in_seconds(packet.pts, base) - self._zero)
        duration = in_seconds(packet.duration or 0, base)
        if not 0 < duration <= LONGEST_FRAME:
            duration = self._step
        return self.skipper.wants(packet, time, duration)

    def flush(self) -> Iterator[TimedFrame]:
        """The pictures that the decoder still holds; nothing can be decoded afterwards."""
        yield from self._decoded(None)
        yield from self._release(None)

    def _decoded(self, packet: Packet[Any] | None) -> Iterator[TimedFrame]:
        try:
            frames = self._decoder.decode(packet)
        except EOFError:
            return
        except (av.FFmpegError, ValueError):
            self._note_fault()
            return
        for frame in frames:
            yield from self._undamaged(frame)

    def _undamaged(self, frame: VideoFrame) -> Iterator[TimedFrame]:
        if frame.is_corrupt:
            self._note_fault()
        else:
            yield from self._in_order(frame)

    def _note_fault(self) -> None:
        self._faults.video_errors += 1
        self._suspect = _REORDERED

    def _in_order(self, frame: VideoFrame) -> Iterator[TimedFrame]:
        """Holds back a frame whose timestamp jumps ahead until the next one confirms the jump."""
        time = self._stamp(frame)
        yield from self._release(time)
        if time is not None and self._before is not None and time > self._before + LONGEST_FRAME:
            self._held = frame
        else:
            yield self._timed(frame, time)

    def _release(self, following: float | None) -> Iterator[TimedFrame]:
        if self._held is not None and self._before is not None:
            held, self._held = self._held, None
            leap = self._stamp(held)
            back = following is not None and leap is not None and following < leap
            if back and following is not None and following >= self._before - CLOCK_RESTART:
                leap = None
            yield self._timed(held, leap)

    def _stamp(self, frame: VideoFrame) -> float | None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or frame.time_base is None:
            return None
        return nanosecond(in_seconds(stamp, frame.time_base) - self._zero)

    def _timed(self, frame: VideoFrame, time: float | None) -> TimedFrame:
        base = frame.time_base
        shown = float(frame.duration * base) if base and frame.duration > 0 else 0.0
        step = shown if 0 < shown <= LONGEST_FRAME else self._step
        before = self._before
        if time is None:
            time = 0.0 if before is None else nanosecond(before + step)
        if before is not None:
            if time < before - CLOCK_RESTART:
                self._zero += time - (before + step)
                time = nanosecond(before + step)
            time = max(time, before)
        # pictures before the bad packet may still be returned after the error
        self._suspect = max(0, self._suspect - 1)
        skipped = self.skipper.skipped > self._skipped_before
        self._skipped_before = self.skipper.skipped
        distance = 0.0 if before is None else time - before
        fault = self._suspect > 0 and distance > _GAP * self._step and not skipped
        if fault:
            self._suspect = 0
        self._before = time
        gap = before is not None and before < self.skipper.resumed_at <= time
        return TimedFrame(frame, time, time + step, fault, after_gap=gap)

    def _note_reached(self, packet: Packet[Any]) -> None:
        if packet.pts is not None:
            end = packet.pts + (packet.duration or 0)
            self.reached = max(self.reached, in_seconds(end, packet.time_base) - self._zero)


def packets(
    container: InputContainer, faults: Faults, sound: AudioStream | None = None
) -> Iterator[Packet[Any]]:
    """The packets of all streams, or only of ``sound``, then each stream's flushing packet.

    If reading fails, it is retried after the bad position, a bounded number of times in a row;
    every failure counts as a video error, or as an audio error if only sound is read.
    """
    attempts = 0
    while True:
        try:
            for packet in container.demux(sound) if sound else container.demux():
                attempts = 0 if packet.size else attempts
                yield packet
            return
        except IndexError:  # at the end, PyAV fails on streams that appeared along the way
            return
        except av.FFmpegError:
            attempts += 1
            if sound:
                faults.audio_errors += 1
            else:
                faults.video_errors += 1
            if attempts >= READ_ATTEMPTS:
                return

"""Decoded pictures in presentation order, each with its time on the media clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from sentistream.media.source import Faults

CLOCK_RESTART = 1.0
"""A timestamp that steps back by more than this many seconds begins a new count."""
LONGEST_FRAME = 10.0
"""Durations beyond this many seconds are not believed."""
_USUAL_FRAME = 0.04
_READ_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame.

    Attributes:
        time: Presentation time, seconds; never less than the frame's before.
        end: Where it stops being shown if nothing follows.
        after_fault: True where damaged pictures lie between the one before and this one.
    """

    frame: VideoFrame
    time: float
    end: float
    after_fault: bool


def clock_zero(container: InputContainer) -> float:
    """The container's own time, in seconds, that is zero on the media clock."""
    start = container.start_time
    return 0.0 if start is None else start / av.time_base


class FrameReader:
    """Reads a container's pictures; bad packets are skipped and counted.

    Attributes:
        reached: The latest end of any stream's packets so far, seconds on the media clock;
            tells a truncated file from one whose picture ends before its sound.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, faults: Faults) -> None:
        self._container = container
        self._stream = stream
        self._faults = faults
        self._zero = clock_zero(container)
        self._before: float | None = None
        self._step = _USUAL_FRAME
        if stream.average_rate:
            self._step = min(1 / float(stream.average_rate), LONGEST_FRAME)
        self.reached = 0.0

    def __iter__(self) -> Iterator[TimedFrame]:
        fault = False
        for packet in packets(self._container, self._faults):
            self._note_reached(packet)
            if packet.stream_index != self._stream.index:
                continue
            try:
                frames = self._stream.decode(packet)
            except EOFError:
                break
            except (av.FFmpegError, ValueError):
                self._faults.video_errors += 1
                fault = True
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self._faults.video_errors += 1
                    fault = True
                    continue
                yield self._timed(frame, fault)
                fault = False

    def _timed(self, frame: VideoFrame, fault: bool) -> TimedFrame:
        base = frame.time_base
        stamp = frame.pts if frame.pts is not None else frame.dts
        shown = float(frame.duration * base) if base and frame.duration > 0 else 0.0
        step = shown if 0 < shown <= LONGEST_FRAME else self._step
        before = self._before
        if stamp is not None and base is not None:
            time = float(stamp * base) - self._zero
        elif before is not None:
            time = before + step
        else:
            time = 0.0
        if before is not None:
            if time < before - CLOCK_RESTART:
                self._zero += time - (before + step)
                time = before + step
            time = max(time, before)
        self._before = time
        return TimedFrame(frame, time, time + step, fault)

    def _note_reached(self, packet: Packet[Any]) -> None:
        if packet.pts is not None:
            end = packet.pts + (packet.duration or 0)
            self.reached = max(self.reached, float(end * packet.time_base) - self._zero)


def packets(container: InputContainer, faults: Faults, *streams: Any) -> Iterator[Packet[Any]]:
    """The packets of ``streams`` (all without), then each stream's flushing packet.

    Where reading fails it is tried again behind the bad place, a bounded number of times
    in a row; every failure counts as a video error, or audio error where only sound is read.
    """
    attempts = 0
    while True:
        try:
            for packet in container.demux(*streams):
                attempts = 0 if packet.size else attempts
                yield packet
            return
        except av.FFmpegError:
            attempts += 1
            if streams:
                faults.audio_errors += 1
            else:
                faults.video_errors += 1
            if attempts >= _READ_ATTEMPTS:
                return

"""Decoded sound at 48 kHz, placed on the media clock by its timestamps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from av import AudioFrame, AudioResampler, FFmpegError, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer

from sentistream.media.downmix import Downmixer
from sentistream.media.frame_reader import CLOCK_RESTART, clock_zero, packets
from sentistream.media.source import Faults
from sentistream.types import SOUND_RATE, FloatArray

TOLERANCE = 0.010
"""Differences of up to this many seconds between a timestamp and the running sample count are
rounding or jitter; beyond that, placement restarts at the timestamp."""
_MISSED = {"flac": 0.1, "aiff": 0.1, "mov,mp4,m4a,3gp,3g2,mj2": 0.5}
"""Containers that know a track's length, and the seconds that may be missing due to padding."""
LONGEST_HELD = 60
"""Most seconds of sound held while no picture arrives."""
COVERAGE = 0.95
"""The share of a window that must contain sound for the window to count."""


class SoundResampler:
    """Resamples decoded frames to 48 kHz; restarts when their format changes.

    Args:
        layout: ``mono``, mixed down so that a voice is preserved, or ``stereo``.
    """

    def __init__(self, layout: str = "mono") -> None:
        self._layout = layout
        self._resampler: AudioResampler | None = None
        self._mixer: Downmixer | None = None
        self._names: list[str] = []
        self._turned = 0
        self._shape: tuple[object, ...] = ()
        self._heard: tuple[object, ...] = ()
        self.shape_changes: int = 0
        """How often the rate or the channels changed."""

    def changes(self, frame: AudioFrame) -> bool:
        """Whether a frame has another shape than the previous one."""
        return _shape(frame) != self._shape

    @property
    def cancelling(self) -> float:
        """Seconds so far whose channels would have cancelled each other."""
        turned = self._turned + (self._mixer.cancelling if self._mixer is not None else 0)
        return turned / SOUND_RATE

    def convert(self, frame: AudioFrame) -> Iterator[FloatArray]:
        """Blocks of shape (channels, count); part of a frame may come with a later one.

        Flush before passing a frame that ``changes``.

        Raises:
            av.FFmpegError, ValueError: It cannot be resampled.
        """
        if self._resampler is None:
            self._resampler = self._started(frame)
            self._shape = _shape(frame)
            self.shape_changes += self._heard not in ((), self._shape[1:])
            self._heard = self._shape[1:]
        frame.pts = None  # otherwise gaps between timestamps would be filled
        try:
            for resampled in self._resampler.resample(frame):
                yield self._mixed(resampled)
        except (FFmpegError, ValueError):
            self._resampler = None
            raise

    def flush(self) -> Iterator[FloatArray]:
        """The remaining samples; the next frame starts over."""
        if self._resampler is not None:
            resampler, self._resampler = self._resampler, None
            for resampled in resampler.resample(None):
                if resampled is not None:
                    yield self._mixed(resampled)

    def _started(self, frame: AudioFrame) -> AudioResampler:
        """A resampler for frames of this shape, and a mixer for its channels."""
        several = self._layout == "mono" and frame.layout.nb_channels > 1
        layout = frame.layout if several else self._layout
        names = [channel.name for channel in frame.layout.channels] if several else []
        if names != self._names:
            self._turned += self._mixer.cancelling if self._mixer is not None else 0
            self._names = names
            self._mixer = Downmixer(names) if names else None
        # packed, because PyAV reads beyond the eighth plane of planar samples
        return AudioResampler("flt" if several else "fltp", layout, SOUND_RATE)

    def _mixed(self, frame: AudioFrame) -> FloatArray:
        samples = frame.to_ndarray().astype(np.float32, copy=False)
        if self._mixer is None:
            return samples
        mixed = self._mixer.mix(samples.reshape(-1, len(self._names)).T)
        return mixed[np.newaxis]


def _shape(frame: AudioFrame) -> tuple[object, ...]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def whole_sound(container: InputContainer, stream: AudioStream, faults: Faults) -> FloatArray:
    """All the sound of an audio track, shape (samples,): without gaps, mixed to one channel.

    Damaged or missing parts are skipped; if nothing is left, it is empty.

    Args:
        container: Opened for reading.
        stream: Its track.
        faults: Counts damaged packets and missing seconds.
    """
    unheard = 0.0
    resampling = SoundResampler()
    blocks = [np.zeros((1, 0), np.float32)]
    for packet in packets(container, faults, stream):
        try:
            for frame in stream.decode(packet):
                if resampling.changes(frame):
                    blocks += resampling.flush()
                blocks += resampling.convert(frame)
        except (FFmpegError, ValueError):
            faults.audio_errors += 1
            if packet.duration and packet.time_base:
                unheard += float(packet.duration * packet.time_base)
    blocks += resampling.flush()
    whole: FloatArray = np.concatenate(blocks, axis=1)[0]
    least = _MISSED.get(container.format.name)
    if least is not None and stream.duration and stream.time_base:
        missing = float(stream.duration * stream.time_base) - len(whole) / SOUND_RATE
        unheard = max(unheard, missing if missing > least else 0.0)
    faults.unheard_seconds = round(unheard, 3)
    return whole


class SoundBuffer:
    """Samples on a 48 kHz grid that starts at zero of the media clock.

    Memory is bounded by the time between the last ``forget`` and the newest sample.

    Args:
        layout: ``mono``, mixed down so that a voice is preserved, or ``stereo``.
    """

    def __init__(self, layout: str = "mono") -> None:
        self._channels = 1 if layout == "mono" else 2
        self._resampling = SoundResampler(layout)
        self._chunks: deque[tuple[int, FloatArray]] = deque()
        self._next_in: float | None = None
        self._next_out = 0
        self.until: int = 0
        """The sample after the newest one held."""
        self.peak: float = 0.0
        """The largest sample so far, as a share of full scale."""

    def add(self, frame: AudioFrame, time: float | None) -> None:
        """Place a decoded frame; without a time it follows the previous one.

        Raises:
            av.FFmpegError, ValueError: It cannot be resampled.
        """
        changes = self._resampling.changes(frame)
        expected = self._next_in
        if expected is None and time is None:
            time = 0.0
        if time is not None and (expected is None or abs(time - expected) > TOLERANCE or changes):
            self.flush()
            self._next_out = round(time * SOUND_RATE)
            expected = time
        elif changes:
            self.flush()
        assert expected is not None  # noqa: S101 - for the type checker
        self._next_in = expected + frame.samples / frame.sample_rate
        for samples in self._resampling.convert(frame):
            self._place(samples)

    @property
    def cancelling(self) -> float:
        """Seconds so far whose channels would have cancelled each other."""
        return self._resampling.cancelling

    @property
    def shape_changes(self) -> int:
        """How often the rate or the channels have changed so far."""
        return self._resampling.shape_changes

    def flush(self) -> None:
        """Take the resampler's remaining samples; the next frame starts over."""
        for samples in self._resampling.flush():
            self._place(samples)

    def _place(self, samples: FloatArray) -> None:
        start, self._next_out = self._next_out, self._next_out + samples.shape[1]
        # if timestamps overlap, the earlier samples stay
        late = max(0, self.until - start) if self._chunks else 0
        if late < samples.shape[1]:
            kept = samples[:, late:]
            if not np.isfinite(kept).all():
                kept = np.nan_to_num(kept, nan=0.0, posinf=1.0, neginf=-1.0)
            self._chunks.append((start + late, np.clip(kept, -1, 1)))
            self.peak = max(self.peak, float(np.abs(kept).max()))
            self.until = start + samples.shape[1]
            self.forget(self.until - LONGEST_HELD * SOUND_RATE)

    def samples(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Samples ``start`` to ``stop`` (channels, count), and how many are not gaps."""
        out = np.zeros((self._channels, stop - start), np.float32)
        covered = 0
        for first, chunk in self._chunks:
            left, right = max(start, first), min(stop, first + chunk.shape[1])
            if left < right:
                out[:, left - start : right - start] = chunk[:, left - first : right - first]
                covered += right - left
        return out, covered

    def window(self, start: int, stop: int) -> FloatArray | None:
        """Samples ``start`` to ``stop`` of the first channel; earlier ones are discarded.

        None if there is no sound for (nearly) all of it.
        """
        self.forget(start)
        samples, covered = self.samples(start, stop)
        return samples[0] if covered >= COVERAGE * (stop - start) else None

    def forget(self, before: int) -> None:
        """Release the samples earlier than ``before``."""
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].shape[1] <= before:
            self._chunks.popleft()


class SoundTrack:
    """A stream's sound, decoded packet by packet; bad packets are skipped and counted.

    Args:
        zero: The container's own time, in seconds, that is zero on the media clock.
        layout: ``mono`` or ``stereo``.
    """

    def __init__(
        self, stream: AudioStream, faults: Faults, *, zero: float, layout: str = "mono"
    ) -> None:
        self._buffer = SoundBuffer(layout)
        self._stream = stream
        self._faults = faults
        self._zero = zero
        self._before = float("-inf")
        self._unheard = 0.0

    @property
    def until(self) -> float:
        """Where the newest sample ends, seconds on the media clock."""
        return self._buffer.until / SOUND_RATE

    @property
    def peak(self) -> float:
        """The largest sample so far, as a share of full scale."""
        return self._buffer.peak

    def feed(self, packet: Packet[Any]) -> None:
        """Decode a packet of this stream; the empty one at the end flushes the rest."""
        try:
            for frame in self._stream.decode(packet):
                self._buffer.add(frame, self._time(frame))
        except EOFError:
            pass
        except (FFmpegError, ValueError):
            self._faults.audio_errors += 1
            if packet.duration and packet.time_base:
                self._unheard += float(packet.duration * packet.time_base)
        self._faults.unheard_seconds = round(self._unheard, 3)
        self._faults.cancelling_seconds = round(self._buffer.cancelling, 3)
        self._faults.sound_changes = self._buffer.shape_changes

    def forget(self, before: float) -> None:
        """Release the samples earlier than ``before`` seconds."""
        self._buffer.forget(round(before * SOUND_RATE))

    def end(self) -> None:
        """Nothing more will be fed."""
        self._buffer.flush()

    def window(self, end: float, seconds: float) -> FloatArray | None:
        """The samples of the last ``seconds`` before ``end``, of the first channel.

        None if there is no sound for (nearly) all of it. Earlier samples are discarded.
        """
        stop = round(end * SOUND_RATE)
        return self._buffer.window(stop - round(seconds * SOUND_RATE), stop)

    def block(self, start: int, stop: int) -> FloatArray:
        """Samples ``start`` to ``stop``, (channels, count), with silence where there are none.

        Earlier samples are discarded.
        """
        self._buffer.forget(start)
        return self._buffer.samples(start, stop)[0]

    def _time(self, frame: AudioFrame) -> float | None:
        if frame.pts is None or frame.time_base is None:
            return None
        time = float(frame.pts * frame.time_base) - self._zero
        if time < self._before - CLOCK_RESTART:
            follow = self._before + frame.samples / frame.sample_rate
            self._zero += time - follow
            time = follow
        self._before = max(time, self._before)
        return time


class SoundReader:
    """The sound of a container, read on demand.

    Args:
        source: The sound's packets, if another reader shares the container.
        layout: ``mono`` or ``stereo``.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: AudioStream,
        faults: Faults,
        layout: str = "mono",
        source: Iterator[Packet[Any]] | None = None,
    ) -> None:
        self._track = SoundTrack(stream, faults, zero=clock_zero(container), layout=layout)
        self._packets = packets(container, faults, stream) if source is None else source
        self._ended = False

    def window(self, end: float, seconds: float) -> FloatArray | None:
        """As ``SoundTrack.window``; earlier windows are discarded."""
        self._read(end - seconds, end)
        return self._track.window(end, seconds)

    def block(self, start: int, stop: int) -> FloatArray:
        """As ``SoundTrack.block``; earlier blocks are discarded."""
        self._read(start / SOUND_RATE, stop / SOUND_RATE)
        return self._track.block(start, stop)

    def _read(self, start: float, end: float) -> None:
        while not self._ended and self._track.until < end:
            packet = next(self._packets, None)
            if packet is None:
                self._ended = True
                self._track.end()
            else:
                self._track.feed(packet)
                self._track.forget(start)

"""Selection of a live stream's tracks by their content as it arrives.

A file's tracks are probed before reading (``track_content``); a stream's must be awaited.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from av import FFmpegError, Packet
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from sentistream.media.sound import SoundTrack
from sentistream.media.source import Faults
from sentistream.media.track_content import SILENT, Content, is_structured
from sentistream.types import FloatArray

MAX_PROBE_SECONDS = 2.0
"""Seconds of a stream within which a video track must show more than one uniform colour."""
MAX_PROBE_BYTES = 32 * 2**20
"""Bytes of a stream that are kept while its video tracks are probed."""
MAX_SWITCH_SECONDS = 30.0
"""How long after another track was audible an earlier, silent one may still start, seconds."""


@dataclass(frozen=True, slots=True)
class VideoSelection:
    """A choice between video tracks.

    Attributes:
        stream: The one chosen.
        packets: What was read until then, of all streams, to be decoded from the start.
        contents: The contents found in the tracks up to the chosen one, by their index.
    """

    stream: VideoStream
    packets: list[Packet[Any]]
    contents: dict[int, Content]


def choose_live_video(
    packets: Iterator[Packet[Any]], streams: Sequence[VideoStream], patience: float
) -> VideoSelection:
    """The first track that shows something within ``MAX_PROBE_SECONDS`` seconds, else the first.

    Args:
        packets: A stream's packets from its start.
        streams: Its video tracks, the preferred first; their decoders are reset afterwards.
        patience: Seconds of wall-clock time after which reading stops.

    Raises:
        av.FFmpegError: The stream cannot be read.
    """
    kept: list[Packet[Any]] = []
    size, deadline = 0, time.monotonic() + patience
    contents: dict[int, Content] = {stream.index: "absent" for stream in streams}
    begun: dict[int, float] = {}
    for packet in packets:
        kept.append(packet)
        size += packet.size
        if packet.stream_index in contents and packet.size:
            _probe(packet, contents)
        if not contents[streams[0].index]:
            break
        passed = 0.0
        if packet.pts is not None and packet.time_base:
            stamp = float(packet.pts * packet.time_base)
            passed = stamp - begun.setdefault(packet.stream_index, stamp)
        if passed > MAX_PROBE_SECONDS or size > MAX_PROBE_BYTES or time.monotonic() > deadline:
            break
    for stream in streams:
        stream.codec_context.flush_buffers()
    chosen = next((stream for stream in streams if not contents[stream.index]), streams[0])
    before = streams[: streams.index(chosen) + 1] if not contents[chosen.index] else streams
    return VideoSelection(chosen, kept, {stream.index: contents[stream.index] for stream in before})


def _probe(packet: Packet[Any], contents: dict[int, Content]) -> None:
    place = packet.stream_index
    if not contents[place]:
        return
    if contents[place] == "absent":
        contents[place] = "undecodable"
    try:
        for frame in packet.decode():
            contents[place] = "" if is_structured(frame) else "empty"
            if not contents[place]:
                return
    except (FFmpegError, ValueError):
        return


class LiveSound:
    """A stream's sound: the first of several tracks that has been audible so far.

    All are decoded while the first is silent. Once another is audible it is used, from its
    start; for another ``MAX_SWITCH_SECONDS`` seconds, an earlier one takes over if it becomes
    audible. After that, or once the first is audible, the others are ignored.

    Args:
        streams: The tracks, the preferred first; at least one.
        faults: Counts what cannot be decoded of the chosen one.
        zero: The container's time, in seconds, that is zero on the media clock.

    Attributes:
        stream: The one chosen so far.
    """

    def __init__(self, streams: Sequence[AudioStream], faults: Faults, *, zero: float) -> None:
        self.stream: AudioStream = streams[0]
        self._faults = faults
        self._open = list(streams)
        self._counts = {stream.index: Faults() for stream in streams}
        self._tracks = {
            stream.index: SoundTrack(stream, self._counts[stream.index], zero=zero)
            for stream in streams
        }
        self._arrived: set[int] = set()
        self._audible_at: float | None = None

    @property
    def until(self) -> float:
        """Where the newest sample ends, seconds."""
        return self._current.until

    @property
    def contents(self) -> dict[int, Content]:
        """By index, the contents of the tracks up to the chosen one; empty until one is audible."""
        if self._audible_at is None:
            return {}
        before = self._open[: self._open.index(self.stream) + 1]
        return {stream.index: self._content(stream) for stream in before}

    def feed(self, packet: Packet[Any]) -> bool:
        """Decode a packet of any stream; returns whether the chosen track has changed."""
        if packet.stream_index not in self._tracks:
            return False
        if packet.size:
            self._arrived.add(packet.stream_index)
        self._tracks[packet.stream_index].feed(packet)
        before = self.stream
        if len(self._tracks) > 1:
            self._choose()
        counts = self._counts[self.stream.index]
        self._faults.audio_errors = counts.audio_errors
        self._faults.unheard_seconds = counts.unheard_seconds
        self._faults.cancelling_seconds = counts.cancelling_seconds
        self._faults.sound_changes = counts.sound_changes
        return self.stream is not before

    def window(self, end: float, seconds: float) -> FloatArray | None:
        """As of a ``SoundTrack``, of the chosen one."""
        for track in self._tracks.values():
            track.forget(end - seconds)
        return self._current.window(end, seconds)

    def end(self) -> None:
        """Nothing more will be fed."""
        for track in self._tracks.values():
            track.end()

    @property
    def _current(self) -> SoundTrack:
        return self._tracks[self.stream.index]

    def _choose(self) -> None:
        audible = next((stream for stream in self._open if not self._content(stream)), None)
        if audible is None:
            return
        self.stream = audible
        if self._audible_at is None:
            self._audible_at = self.until
        if audible is self._open[0] or self.until - self._audible_at > MAX_SWITCH_SECONDS:
            self._tracks = {audible.index: self._current}

    def _content(self, stream: AudioStream) -> Content:
        track = self._tracks.get(stream.index)
        if track is not None and track.peak > SILENT:
            return ""
        if stream.index not in self._arrived:
            return "absent"
        return "silent" if track is None or track.until else "undecodable"

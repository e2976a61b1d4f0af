"""Demuxing a file into video and audio packets, in bounded memory.

Most files interleave the two closely, so the file is read once and packets that are not yet needed
are queued. If a file keeps them far apart, its sound is read from a second container. (Reading
every file twice would double the memory for the index, which grows with the length of an mp4: 8 MB
for half an hour.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from av import Packet
from av.audio.stream import AudioStream
from av.container import InputContainer

from sentistream.media.frame_reader import packets
from sentistream.media.source import Faults

MAX_WAITING = 8 * 2**20
"""Most bytes of queued packets before the sound is read from a second container."""
_EACH = 256  # overhead of a packet, bytes


class Demuxer:
    """Splits a container's packets between a video reader and an audio reader.

    Args:
        container: Read from its current position.
        sound: The stream whose packets the audio reader gets.
        faults: Counts what cannot be read.
        open_again: Opens the same file again, only for its sound.
    """

    def __init__(
        self,
        container: InputContainer,
        sound: AudioStream,
        faults: Faults,
        open_again: Callable[[], tuple[InputContainer, AudioStream | None]],
    ) -> None:
        self._read = packets(container, faults)
        self._sound = sound.index
        self._faults = faults
        self._open_again = open_again
        self._for_pictures: deque[Packet[Any]] = deque()
        self._for_sound: deque[Packet[Any]] = deque()
        self._waiting = 0
        self._taken = 0
        self._apart: Iterator[Packet[Any]] | None = None

    def video_packets(self) -> Iterator[Packet[Any]]:
        """All packets, for ``FrameReader``: the audio ones tell it how far the file goes."""
        while True:
            if self._for_pictures:
                packet = self._for_pictures.popleft()
                self._waiting -= packet.size + _EACH
                yield packet
                continue
            packet_or_end = next(self._read, None)
            if packet_or_end is None:
                return
            if packet_or_end.stream_index == self._sound and self._apart is None:
                self._wait(self._for_sound, packet_or_end)
            yield packet_or_end

    def audio_packets(self) -> Iterator[Packet[Any]]:
        """The audio track's packets."""
        while self._apart is None:
            if self._for_sound:
                packet = self._for_sound.popleft()
                self._waiting -= packet.size + _EACH
                self._taken += 1
                yield packet
                continue
            packet_or_end = next(self._read, None)
            if packet_or_end is None:
                return
            if packet_or_end.stream_index == self._sound:
                self._taken += 1
                yield packet_or_end
            else:
                self._wait(self._for_pictures, packet_or_end)
        yield from self._apart

    def _wait(self, queue: deque[Packet[Any]], packet: Packet[Any]) -> None:
        queue.append(packet)
        self._waiting += packet.size + _EACH
        if self._waiting > MAX_WAITING and self._apart is None:
            self._read_sound_apart()

    def _read_sound_apart(self) -> None:
        container, stream = self._open_again()
        self._waiting -= sum(packet.size + _EACH for packet in self._for_sound)
        self._for_sound.clear()
        if stream is None:
            self._apart = iter(())
            return
        self._apart = packets(container, self._faults, stream)
        for _ in range(self._taken):
            next(self._apart, None)

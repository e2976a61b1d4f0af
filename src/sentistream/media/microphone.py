"""Sound from a microphone that is a separate input from the camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from av import FFmpegError, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer

from sentistream.media.frame_reader import TimedFrame, clock_zero
from sentistream.media.read_interruption import ended, interrupt
from sentistream.media.sound import SoundTrack
from sentistream.media.source import Faults
from sentistream.media.timestamp_repair import TimestampRepair
from sentistream.media.track_selection import choose_audio

MAX_WAITING = 1000
"""Packets waiting to be decoded; beyond that the oldest are dropped and counted."""
SAME_CLOCK = 5.0
"""Seconds by which timestamps from the same clock may differ."""


class Microphone:
    """Reads packets in a thread; the thread that pairs sound and pictures decodes them.

    If both inputs' timestamps come from the same clock (they are then close together) they are
    compared; otherwise what arrives together is assumed to belong together. When it ends, the
    pictures continue without sound.

    Args:
        container: Closed in the end.
        faults: Counts what cannot be decoded.
    """

    def __init__(self, container: InputContainer, faults: Faults) -> None:
        self.stream: AudioStream | None = choose_audio(container)
        self.track: SoundTrack | None = None
        self._container = container
        self._begin = clock_zero(container)
        self._faults = faults
        self._waiting: deque[tuple[Packet[Any], float]] = deque(maxlen=MAX_WAITING)
        self._timestamp_repair = TimestampRepair()
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="microphone", daemon=True)
        self._thread.start()

    def place(self, first: TimedFrame, arrived: float, zero: float) -> SoundTrack | None:
        """Aligns the sound with the video's clock.

        Args:
            first: The first picture.
            arrived: When it arrived (``time.monotonic``).
            zero: The pictures' zero, in their container's own seconds.

        Returns:
            The track that ``feed`` fills; None if the input has no sound.
        """
        if self.stream is None:
            return None
        if abs(self._begin - zero) > SAME_CLOCK:
            begun = arrived - first.time
            arrival = self._waiting[0][1] if self._waiting else time.monotonic()
            zero = self._begin - (arrival - begun)
        self.track = SoundTrack(self.stream, self._faults, zero=zero)
        return self.track

    def feed(self) -> None:
        """Decodes the packets that have arrived."""
        while self.track is not None and self._waiting:
            packet, arrived = self._waiting.popleft()
            self._timestamp_repair.adjust(packet, arrived)
            self.track.feed(packet)

    def close(self) -> None:
        """Stops it; safe to call twice."""
        self._stopped = True
        interrupt(self._thread)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._container.close()

    def _read(self) -> None:
        try:
            if self.stream is not None:
                for packet in self._container.demux(self.stream):
                    if self._stopped or not packet.size:
                        break
                    if len(self._waiting) == MAX_WAITING:
                        self._faults.audio_errors += 1
                    self._waiting.append((packet, time.monotonic()))
        except (FFmpegError, OSError, ValueError):
            self._faults.audio_errors += 1
        finally:
            ended()

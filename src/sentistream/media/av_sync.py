"""Audio/video synchronization of live sources: from frames and samples to moments."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from av import FFmpegError
from av.video.codeccontext import VideoCodecContext

from sentistream.media.frame_geometry import PictureBuilder
from sentistream.media.frame_reader import TimedFrame, nanosecond
from sentistream.media.orientation import Orientation
from sentistream.media.picture import YuvPicture
from sentistream.media.source import Faults
from sentistream.types import FloatArray, Moment

LONGEST_GAP = 5.0
"""How long a picture stays current while none follows, seconds; a longer gap is skipped."""
PATIENCE = 0.5
"""Seconds by which sound may arrive after its picture."""
MISSED = 2.0
"""Seconds without sound after which pictures stop waiting for it, until it comes back."""
MAX_WAITING = 64
"""Most pictures that wait for late sound; beyond that, their moments have none."""


class Sound(Protocol):
    """A live source's sound on the video's clock."""

    @property
    def until(self) -> float:
        """Where the newest sample ends, seconds."""
        ...

    def window(self, end: float, seconds: float) -> FloatArray | None:
        """The last ``seconds`` before ``end``; None where sound is missing from them."""
        ...


class AvSync:
    """Pairs the frames and the sound of a live source into moments.

    A moment is ready when a later frame has arrived, or was left out on purpose, and the sound up
    to it (or ``PATIENCE`` seconds of frames without any). Frames keep their own size, aspect and
    orientation, even where the stream changes them.

    Attributes:
        picture: The picture of the newest moment.
        caught_up: Moments left out so far where reading caught up.
    """

    def __init__(
        self,
        first: TimedFrame,
        sound: Sound | None,
        faults: Faults,
        *,
        tick: float,
        sound_window: float,
        pixel_aspect: float = 1.0,
        codec: VideoCodecContext | None = None,
    ) -> None:
        self._pictures = PictureBuilder(faults, pixel_aspect=pixel_aspect, codec=codec)
        self._sound = sound
        self._faults = faults
        self._tick = tick
        self._sound_window = sound_window
        self._waiting: deque[TimedFrame] = deque()
        self._origin = first.time
        self._ticks = 0
        self._left_out_until = -math.inf
        self.caught_up: int = 0
        self._current = self._pictured = first
        self.picture: YuvPicture = self._pictures.picture(first)

    @property
    def orientation(self) -> Orientation:
        """How the newest picture was turned upright."""
        return self._pictures.orientation

    def add(self, frames: Sequence[TimedFrame], left_out_until: float = -math.inf) -> None:
        """Adds decoded frames; of those with the same time the last one counts.

        Args:
            frames: In order of time.
            left_out_until: No frame from before this time (seconds) is still to come.
        """
        self._left_out_until = left_out_until
        for frame in frames:
            while self._waiting and self._waiting[-1].time >= frame.time:
                self._waiting.pop()
            self._waiting.append(frame)

    def ready(self, *, ended: bool = False) -> Iterator[Moment]:
        """Yields the moments that are complete, and the rest once the stream has ended."""
        while True:
            time = nanosecond(self._origin + self._ticks * self._tick)
            if not ended and not self._is_complete(time):
                return
            while self._waiting and self._waiting[0].time <= time:
                self._current = self._waiting.popleft()
            shown_until = max(self._current.end, self._left_out_until)
            if not self._waiting and time >= shown_until:
                return
            gap = bool(self._waiting) and self._waiting[0].after_gap
            ends = self._current.end if gap else self._current.time + LONGEST_GAP
            if self._waiting and time > max(ends, self._left_out_until):
                ahead = (self._waiting[0].time - self._origin) / self._tick
                resumed = max(math.ceil(ahead), self._ticks + 1)
                if gap:
                    self.caught_up += resumed - self._ticks
                else:
                    self._faults.skipped_seconds += (resumed - self._ticks) * self._tick
                self._ticks = resumed
                continue
            yield self._moment(time)
            self._ticks += 1

    def _is_complete(self, time: float) -> bool:
        known_until = self._left_out_until
        if self._waiting:
            known_until = max(known_until, self._waiting[-1].time)
        if known_until <= time:
            return False
        if self._sound is None or not time - MISSED <= self._sound.until < time:
            return True
        late = known_until - time
        return late > PATIENCE or len(self._waiting) > MAX_WAITING

    def _moment(self, time: float) -> Moment:
        if self._current is not self._pictured:
            try:
                self.picture = self._pictures.picture(self._current)
                self._pictured = self._current
            except (FFmpegError, ValueError):
                self._faults.video_errors += 1
        sound = None if self._sound is None else self._sound.window(time, self._sound_window)
        picture_time = nanosecond(self._pictured.time - self._origin)
        return Moment(nanosecond(time - self._origin), self.picture, picture_time, sound)

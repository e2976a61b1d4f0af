"""How each picture is turned upright, where a stream says so on some pictures alone."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator

from av import FFmpegError, VideoFrame
from av.video.reformatter import VideoReformatter

from sentistream.media.frames import TimedFrame
from sentistream.media.picture import UPRIGHT, Orientation, display_orientation

_REORDERED = 5


def turned(frames: Iterable[TimedFrame]) -> Iterator[TimedFrame]:
    """The same pictures, each with its orientation."""
    turns = Turns()
    for timed in frames:
        yield from turns.take(timed)
    yield from turns.flush()


class Turns:
    """Tells each decoded picture's orientation, in the order in which they are shown.

    A container's display matrix comes with every picture. A display orientation message of
    H.264 or H.265 comes with a key picture alone and holds until the next key picture or
    message (ITU-T H.264, D.2.27, the usual repetition period of 1), but FFmpeg hands it on
    with the one picture. Writers also put the message behind the key picture that it is meant
    for; so a key picture without one is held back, for at most five pictures, while one may
    follow.
    """

    def __init__(self) -> None:
        self._kept = UPRIGHT
        self._reformatter = VideoReformatter()
        self._undecided: deque[TimedFrame] = deque()

    def take(self, timed: TimedFrame) -> Iterator[TimedFrame]:
        """The pictures whose orientation is known once this one has come."""
        said = self._said(timed.frame)
        key = bool(timed.frame.key_frame)
        if said is None:
            if self._undecided or (key and self._kept != UPRIGHT):
                self._undecided.append(timed)
                if len(self._undecided) > _REORDERED:
                    yield from self._decide(UPRIGHT)
                return
        else:
            # that of another key picture is not meant for the one before, unless it goes on
            yield from self._decide(UPRIGHT if key and said != self._kept else said)
            self._kept = said
        yield dataclasses.replace(timed, orientation=self._kept)

    def flush(self) -> Iterator[TimedFrame]:
        """The pictures that are still held back: too few to tell that the turn has ended."""
        yield from self._decide(self._kept)

    def _decide(self, orientation: Orientation) -> Iterator[TimedFrame]:
        if self._undecided:
            self._kept = orientation
        while self._undecided:
            yield dataclasses.replace(self._undecided.popleft(), orientation=orientation)

    def _said(self, frame: VideoFrame) -> Orientation | None:
        # reading a frame's side data keeps the frame until garbage is collected: a tiny copy's is
        # read, as ``frame.rotation`` tells neither of a mirroring nor whether there is a matrix
        try:
            copy = self._reformatter.reformat(frame, 2, 2, "gray", interpolation="POINT")
        except (FFmpegError, ValueError):
            copy = frame
        return display_orientation(copy)

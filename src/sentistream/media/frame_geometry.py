"""The geometry of decoded frames, which a stream may change at any time.

A frame's orientation (its quarter turn and mirroring), its size and its pixel aspect ratio.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator

from av import FFmpegError, VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter

from sentistream.media.container import sensible_aspect
from sentistream.media.frame_reader import TimedFrame
from sentistream.media.orientation import UPRIGHT, Orientation, display_orientation
from sentistream.media.picture import YuvPicture
from sentistream.media.source import Faults

_REORDERED = 5


def with_orientation(frames: Iterable[TimedFrame]) -> Iterator[TimedFrame]:
    """The same pictures, each with its orientation."""
    tracker = OrientationTracker()
    for timed in frames:
        yield from tracker.take(timed)
    yield from tracker.flush()


class OrientationTracker:
    """Finds each decoded frame's orientation, in presentation order.

    A container's display matrix comes with every picture. A display orientation message of
    H.264 or H.265 comes only with a keyframe and holds until the next keyframe or
    message (ITU-T H.264, D.2.27, the usual repetition period of 1), but FFmpeg attaches it
    to that one picture only. Some writers also put the message after its keyframe; so a keyframe
    without one is held back, for at most five pictures, in case one follows.
    """

    def __init__(self) -> None:
        self._kept = UPRIGHT
        self._reformatter = VideoReformatter()
        self._undecided: deque[TimedFrame] = deque()

    def take(self, timed: TimedFrame) -> Iterator[TimedFrame]:
        """The pictures whose orientation is known once this one has arrived."""
        signalled = self._orientation_of(timed.frame)
        key = bool(timed.frame.key_frame)
        if signalled is None:
            if self._undecided or (key and self._kept != UPRIGHT):
                self._undecided.append(timed)
                if len(self._undecided) > _REORDERED:
                    yield from self._decide(UPRIGHT)
                return
        else:
            # another keyframe's message does not apply to the previous one, unless it continues
            yield from self._decide(UPRIGHT if key and signalled != self._kept else signalled)
            self._kept = signalled
        yield dataclasses.replace(timed, orientation=self._kept)

    def flush(self) -> Iterator[TimedFrame]:
        """The pictures still held back: too few to know that the rotation has ended."""
        yield from self._decide(self._kept)

    def _decide(self, orientation: Orientation) -> Iterator[TimedFrame]:
        if self._undecided:
            self._kept = orientation
        while self._undecided:
            yield dataclasses.replace(self._undecided.popleft(), orientation=orientation)

    def _orientation_of(self, frame: VideoFrame) -> Orientation | None:
        # reading a frame's side data keeps the frame until garbage collection, so a tiny copy's is
        # read; ``frame.rotation`` shows neither mirroring nor whether there is a matrix
        try:
            copy = self._reformatter.reformat(frame, 2, 2, "gray", interpolation="POINT")
        except (FFmpegError, ValueError):
            copy = frame
        return display_orientation(copy)


class PictureBuilder:
    """Builds pictures from decoded frames and counts changes of size, aspect or orientation.

    Args:
        faults: Counts the changes.
        pixel_aspect: Initial width of a stored pixel divided by its height.
        codec: The decoder, which may find another aspect later; None if there is none.

    Attributes:
        orientation: How the newest picture was turned upright.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        pixel_aspect: float = 1.0,
        codec: VideoCodecContext | None = None,
    ) -> None:
        self.orientation: Orientation = UPRIGHT
        self._faults = faults
        self._aspect = pixel_aspect
        self._codec = codec
        self._codec_aspect = None if codec is None else codec.sample_aspect_ratio
        self._before: tuple[object, ...] | None = None

    def picture(self, timed: TimedFrame) -> YuvPicture:
        """The frame as people see it.

        Raises:
            av.FFmpegError, ValueError: Its pixel format cannot be converted.
        """
        aspect = self._newest_aspect()
        frame, self.orientation = timed.frame, timed.orientation
        shape = (frame.width, frame.height, aspect, self.orientation)
        picture = YuvPicture(frame, orientation=self.orientation, pixel_aspect=aspect)
        if self._before not in (None, shape):
            self._faults.size_changes += 1
        self._before = shape
        return picture

    def _newest_aspect(self) -> float:
        if self._codec is not None and self._codec.sample_aspect_ratio != self._codec_aspect:
            self._codec_aspect = self._codec.sample_aspect_ratio
            self._aspect = sensible_aspect(self._codec_aspect)
        return self._aspect

"""Pictures at their own size, shape and turn, which a stream may change at any time."""

from __future__ import annotations

from av.video.codeccontext import VideoCodecContext

from sentistream.media.container import sensible_aspect
from sentistream.media.frames import TimedFrame
from sentistream.media.picture import UPRIGHT, Orientation, YuvPicture
from sentistream.media.source import Faults


class Shapes:
    """Makes pictures of decoded frames, and counts where their size, shape or turn changes.

    Args:
        faults: Counts the changes.
        pixel_aspect: Width of a stored pixel over its height, to begin with.
        codec: The decoder, which learns of another aspect on the way; None where there is none.

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
        self._said = None if codec is None else codec.sample_aspect_ratio
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
        if self._codec is not None and self._codec.sample_aspect_ratio != self._said:
            self._said = self._codec.sample_aspect_ratio
            self._aspect = sensible_aspect(self._said)
        return self._aspect

"""``annotated.mp4``: the input with its readings drawn in, and its own sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from av import VideoFrame

from sentistream.media.letterbox import fitted
from sentistream.media.video_writer import VideoWriter
from sentistream.reports.frame_drawing import annotate
from sentistream.reports.output_files import Output, partial_name, writing
from sentistream.types import Moment, Reading


class AnnotatedVideo(Output):
    """One drawn picture per moment, at the moment's time.

    Until it is finished the file is called ``annotated.partial.mp4``.

    Args:
        path: The file; replaced if it exists.
        width, height: Of the upright input, pixels; a picture of another size is scaled to fit.
        sound_from: The file whose sound it gets; None for none.
        sound_track: The number of its audio track, from 1; None to choose.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        sound_from: Path | None,
        sound_track: int | None = None,
        mouth_threshold: float,
    ) -> None:
        self._path = path
        self._partial = partial_name(path)
        self._size = (width, height)
        self._sound_from = sound_from
        self._sound_track = sound_track
        self._threshold = mouth_threshold

    def open(self) -> None:
        width, height = self._size
        self._writer = VideoWriter(
            self._partial,
            width=width,
            height=height,
            sound_from=self._sound_from,
            sound_track=self._sound_track,
        )

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        pixels = annotate(moment.picture.rgb(), readings, mouth_threshold=self._threshold)
        width, height = self._size
        if pixels.shape[:2] != (height, width):
            frame = fitted(VideoFrame.from_ndarray(pixels, format="rgb24"), width, height)
            pixels = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        self._writer.write(moment.time, pixels)

    def close(self, *, complete: bool) -> None:
        self._writer.close()
        with writing(self._path):
            if self._partial.exists():
                self._partial.replace(self._path)

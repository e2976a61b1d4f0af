"""Letterboxing: frames of any size scaled into one fixed size."""

from __future__ import annotations

import numpy as np
from av import VideoFrame

from sentistream.types import UInt8Array

_BLACK = (16, 128, 128)


def fitted(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """The frame scaled to that size without distortion, with black bars if necessary.

    Raises:
        av.FFmpegError, ValueError: The pixel format cannot be converted.
    """
    if (frame.width, frame.height) == (width, height):
        return frame
    if frame.width * height == frame.height * width:
        return frame.reformat(width=width, height=height)
    scale = min(width / frame.width, height / frame.height)
    inner = frame.reformat(
        width=min(width, max(2, round(frame.width * scale / 2) * 2)),
        height=min(height, max(2, round(frame.height * scale / 2) * 2)),
        format="yuv444p",
    )
    pixels: UInt8Array = np.empty((3, height, width), np.uint8)
    pixels[:] = np.array(_BLACK, np.uint8)[:, None, None]
    top, left = (height - inner.height) // 2, (width - inner.width) // 2
    pixels[:, top : top + inner.height, left : left + inner.width] = inner.to_ndarray()
    outer = VideoFrame.from_ndarray(pixels, format="yuv444p", channel_last=False)
    if frame.time_base is not None:
        outer.pts, outer.time_base = frame.pts, frame.time_base
    outer.colorspace, outer.color_range = frame.colorspace, frame.color_range
    return outer

"""Pictures with lazy colour conversion: only the requested crop is converted."""

from __future__ import annotations

from typing import Any

import numpy as np
from av import VideoFrame
from PIL import Image

from sentistream.media.orientation import UPRIGHT, Orientation
from sentistream.media.resample import resample
from sentistream.media.tone_mapping import is_hdr, tone_mapped
from sentistream.types import Box, UInt8Array

# the planar 8-bit formats read in place: (columns, rows) of luma per chroma sample
_SUBSAMPLING = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "nv12": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
    "gray": (1, 1),
}
# red's and blue's weight in luma, and swscale's name, by FFmpeg's AVColorSpace
_BT601 = (0.299, 0.114, "ITU601")
_BT709 = (0.2126, 0.0722, "ITU709")
_BT2020 = (0.2627, 0.0593, "BT2020")
_MATRICES = {1: _BT709, 4: _BT601, 5: _BT601, 6: _BT601, 9: _BT2020, 10: _BT2020}
_LIMITED, _FULL = 1, 2


class RgbPicture:
    """A picture held as RGB, shape (height, width, 3), uint8.

    Raises:
        ValueError: The array has another shape or type.
    """

    def __init__(self, pixels: UInt8Array) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(
                "A picture is a uint8 array of shape (height, width, 3), "
                f"not {pixels.dtype} of shape {pixels.shape}."
            )
        self._pixels = pixels
        self._luma: UInt8Array | None = None

    @property
    def width(self) -> int:
        return int(self._pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self._pixels.shape[0])

    @property
    def luma(self) -> UInt8Array:
        if self._luma is None:
            self._luma = np.asarray(Image.fromarray(self._pixels).convert("L"))
        return self._luma

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        return resample(self._pixels, box, width, height)

    def rgb(self) -> UInt8Array:
        return self._pixels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RgbPicture):
            return NotImplemented
        return self is other or np.array_equal(self._pixels, other._pixels)

    def __hash__(self) -> int:
        return hash((RgbPicture, self._pixels.shape))


class YuvPicture:
    """A decoded video frame, read in place.

    ``luma`` is a view of the frame; ``crop`` resamples only the parts of the three planes
    within the box, directly to the requested size, and converts only that small result to RGB.

    ``rgb``, which is for people, maps high dynamic range to that of a common screen.

    Planar 8-bit YUV, NV12 and grey are read as decoded; any other pixel format is
    converted once, when the picture is made. ``luma`` has the video's own range: 16 to
    235 in most videos, 0 to 255 in full-range ones.

    Args:
        frame: The frame; it must not be changed afterwards.
        orientation: How it is turned upright.
        pixel_aspect: Width of a stored pixel divided by its height. If it is not 1, the picture
            is as wide as a player would show it, so that faces keep their proportions;
            ``luma`` is then a resampled copy, made on first use.

    Raises:
        ValueError: ``pixel_aspect`` is not positive.
        av.FFmpegError: The pixel format cannot be converted.
    """

    def __init__(
        self,
        frame: VideoFrame,
        *,
        orientation: Orientation = UPRIGHT,
        pixel_aspect: float = 1.0,
    ) -> None:
        if not pixel_aspect > 0:
            raise ValueError(f"A pixel's aspect is positive, not {pixel_aspect}.")
        # as decoded: a conversion loses it
        self._transfer = int(frame.color_trc)
        frame = _readable(frame)
        self._frame = frame
        self._orientation = orientation
        self._subsampling = _SUBSAMPLING[frame.format.name]
        self._planes = _planes(frame)
        self._square_width = max(1, round(frame.width * pixel_aspect))
        self._luma: UInt8Array | None = None

    @property
    def width(self) -> int:
        return int(self._frame.height) if self._orientation.transpose else self._square_width

    @property
    def height(self) -> int:
        return self._square_width if self._orientation.transpose else int(self._frame.height)

    @property
    def luma(self) -> UInt8Array:
        if self._luma is None:
            stored = self._planes[0]
            if self._square_width != stored.shape[1]:
                size = (self._square_width, stored.shape[0])
                stored = np.asarray(Image.fromarray(stored).resize(size, Image.Resampling.BILINEAR))
            self._luma = self._orientation.turn(stored)
        return self._luma

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        if self._orientation.transpose:
            width, height = height, width
        stored = self._orientation.turn_back(box, self.width, self.height)
        luma_box = _stretched(stored, self._frame.width / self._square_width, 1)
        luma = resample(self._planes[0], luma_box, width, height)
        columns, rows = self._subsampling
        chroma_box = _stretched(luma_box, 1 / columns, 1 / rows)
        chroma = [resample(plane, chroma_box, width, height) for plane in self._planes[1:]]
        rgb = to_rgb(luma, chroma, _matrix(self._frame), _is_full_range(self._frame))
        return np.ascontiguousarray(self._orientation.turn(rgb))

    def rgb(self) -> UInt8Array:
        if self._frame.format.name == "gray":  # FFmpeg's conversion ignores grey's range
            return self.crop(Box(0, 0, self.width, self.height), self.width, self.height)
        converted = self._frame.reformat(
            width=self._square_width,
            format="rgb24",
            src_colorspace=_matrix(self._frame)[2],
            dst_colorspace=_matrix(self._frame)[2],
            src_color_range=_FULL if _is_full_range(self._frame) else _LIMITED,
            dst_color_range=_FULL,
        )
        shown = np.ascontiguousarray(self._orientation.turn(_pixels(converted, 0, 3)))
        return tone_mapped(shown, self._transfer) if is_hdr(self._transfer) else shown

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, YuvPicture):
            return NotImplemented
        return self is other or (
            self._key() == other._key() and all(map(np.array_equal, self._planes, other._planes))
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        # FFmpeg's frame can be neither pickled nor copied, so it is rebuilt from its planes
        frame = self._frame
        colours = (int(frame.colorspace), int(frame.color_range), self._transfer)
        facts = (frame.format.name, *colours)
        aspect = self._square_width / frame.width
        return _rebuilt, (frame.to_ndarray(), *facts, self._orientation, aspect)

    def _key(self) -> tuple[object, ...]:
        frame = self._frame
        colours = (int(frame.colorspace), int(frame.color_range), self._transfer)
        facts = (frame.format.name, *colours)
        return (*facts, frame.width, frame.height, self._orientation, self._square_width)


def _rebuilt(
    planes: UInt8Array,
    pixel_format: str,
    colorspace: int,
    color_range: int,
    transfer: int,
    orientation: Orientation,
    pixel_aspect: float,
) -> YuvPicture:
    frame = VideoFrame.from_ndarray(planes, format=pixel_format)
    frame.colorspace, frame.color_range = colorspace, color_range
    frame.color_trc = transfer
    return YuvPicture(frame, orientation=orientation, pixel_aspect=pixel_aspect)


def _stretched(box: Box, x: float, y: float) -> Box:
    return Box(box.left * x, box.top * y, box.right * x, box.bottom * y)


def _matrix(frame: VideoFrame) -> tuple[float, float, str]:
    """Red's and blue's weight in luma; if the video does not say, by its size."""
    large = frame.width >= 1280 or frame.height > 576
    return _MATRICES.get(frame.colorspace, _BT709 if large else _BT601)


def _is_full_range(frame: VideoFrame) -> bool:
    if frame.format.name == "gray":  # full range unless it says otherwise, as in FFmpeg
        return frame.color_range != _LIMITED
    return frame.color_range == _FULL or frame.format.name.startswith("yuvj")


def _readable(frame: VideoFrame) -> VideoFrame:
    """The frame itself if its planes can be read in place, else a converted one."""
    name = frame.format.name
    if name in _SUBSAMPLING and all(plane.line_size > 0 for plane in frame.planes):
        return frame
    if frame.format.is_rgb or frame.format.has_palette:
        converted = frame.reformat(
            format="yuv444p",
            dst_colorspace="ITU601",
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
        )
        converted.colorspace, converted.color_range = 6, _LIMITED
        return converted
    color_range = _FULL if _is_full_range(frame) else _LIMITED
    converted = frame.reformat(
        format=_nearest_planar(frame),
        src_colorspace=_matrix(frame)[2],
        dst_colorspace=_matrix(frame)[2],
        src_color_range=color_range,
        dst_color_range=color_range,
    )
    converted.colorspace, converted.color_range = frame.colorspace, color_range
    return converted


def _nearest_planar(frame: VideoFrame) -> str:
    """The format in ``_SUBSAMPLING`` with the same amount of chroma."""
    luma, *others = frame.format.components
    chroma = [part for part in others if part.is_chroma]
    if not chroma:
        return "gray"
    if chroma[0].width == luma.width:
        return "yuv444p"
    return "yuv422p" if chroma[0].height == luma.height else "yuv420p"


def _pixels(frame: VideoFrame, plane: int, samples: int) -> UInt8Array:
    """A plane of ``samples`` bytes per pixel, (rows, columns, samples), without a copy."""
    held = frame.planes[plane]
    buffer: Any = held
    data: UInt8Array = np.frombuffer(buffer, np.uint8)
    rows = data.reshape(-1, held.line_size)
    return rows[:, : held.width * samples].reshape(held.height, held.width, samples)


def _planes(frame: VideoFrame) -> tuple[UInt8Array, ...]:
    """Luma and, if there is colour, both chroma planes."""
    if frame.format.name == "gray":
        return (_pixels(frame, 0, 1)[..., 0],)
    if frame.format.name == "nv12":
        chroma = _pixels(frame, 1, 2)
        return _pixels(frame, 0, 1)[..., 0], chroma[..., 0], chroma[..., 1]
    return tuple(_pixels(frame, plane, 1)[..., 0] for plane in range(3))


def to_rgb(
    luma: UInt8Array,
    chroma: list[UInt8Array],
    matrix: tuple[float, float, str],
    full_range: bool,
) -> UInt8Array:
    """RGB by the matrix of ITU-R BT.601, BT.709 or BT.2020, shape (rows, columns, 3), uint8.

    Args:
        luma: Shape (rows, columns).
        chroma: Blue and red difference, each of luma's shape; none if it is grey.
        matrix: Red's and blue's weight in luma, and a name that is not used here.
        full_range: Whether values use the full range 0 to 255.
    """
    offset, scale, chroma_scale = (0, 1.0, 255.0) if full_range else (16, 255 / 219, 255**2 / 224)
    bright = (luma.astype(np.float32) - offset) * np.float32(scale)
    if not chroma:
        grey = np.clip(bright + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    red, blue, _ = matrix
    green = 1 - red - blue
    u, v = ((part.astype(np.float32) - 128) * np.float32(chroma_scale / 255) for part in chroma)
    to_red, to_blue = 2 * (1 - red), 2 * (1 - blue)
    rgb = np.empty((*luma.shape, 3), np.float32)
    rgb[..., 0] = bright + np.float32(to_red) * v
    rgb[..., 1] = bright - np.float32(to_red * red / green) * v
    rgb[..., 1] -= np.float32(to_blue * blue / green) * u
    rgb[..., 2] = bright + np.float32(to_blue) * u
    return np.clip(rgb + 0.5, 0, 255, out=rgb).astype(np.uint8)

"""Pictures: a crop equals the same part of the whole picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentistream.media import open_source
from sentistream.media.orientation import Orientation
from sentistream.media.picture import YuvPicture
from sentistream.media.resample import resample
from sentistream.types import Box, UInt8Array
from synthetic_clips import flashing, write_clip

FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray")
OTHERS = ("rgb24", "yuv420p10le", "yuva420p", "gbrp", "yuyv422", "gray10le", "bgra")


def smooth(width: int = 160, height: int = 120) -> UInt8Array:
    """Slow color waves, different in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        128 + 90 * np.sin(x / 31 + phase) * np.cos(y / 27 + phase / 2) for phase in (0.0, 1.0, 2.0)
    ]
    return np.stack(waves, axis=-1).astype(np.uint8)


def coded(
    pixels: UInt8Array, form: str, *, matrix: int = 2, full_range: bool = False
) -> VideoFrame:
    """The picture in a pixel format, tagged with its matrix and range."""
    names = {1: "ITU709", 2: "ITU601", 5: "ITU601"}
    frame = VideoFrame.from_ndarray(pixels, format="rgb24")
    color_range = 2 if full_range or form.startswith("yuvj") else 1
    if form.startswith("gray"):  # FFmpeg's conversion would always make it full range
        yuv = coded(pixels, "yuv444p", matrix=matrix, full_range=full_range)
        luma = np.frombuffer(memoryview(yuv.planes[0]), np.uint8).reshape(len(pixels), -1)
        frame = VideoFrame.from_ndarray(luma[:, : pixels.shape[1]].copy(), format="gray")
    if frame.format.name != form:
        frame = frame.reformat(
            format=form, dst_colorspace=names[matrix], dst_color_range=color_range
        )
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


def difference(first: UInt8Array, second: UInt8Array) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).max())


@pytest.mark.parametrize("form", [*FORMATS, *OTHERS])
@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full_range", [False, True])
def test_formats_and_matrices_are_converted(form: str, matrix: int, full_range: bool) -> None:
    if form == "gray10le" and not full_range:
        pytest.skip("FFmpeg's conversion of grey ignores its range")
    pixels = smooth()
    picture = YuvPicture(coded(pixels, form, matrix=matrix, full_range=full_range))
    truth = pixels
    if form.startswith("gray"):
        weights = (0.2126, 0.7152, 0.0722) if matrix == 1 else (0.299, 0.587, 0.114)
        truth = np.repeat((pixels @ weights)[..., None], 3, axis=2).astype(np.uint8)
    inner = Box(8, 8, 152, 112)
    assert difference(picture.crop(inner, 144, 104), truth[8:112, 8:152]) <= 8
    assert difference(picture.rgb(), truth) <= 12


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(FORMATS),
    matrix=st.sampled_from([1, 2, 5]),
    full_range=st.booleans(),
    left=st.floats(-30, 120),
    top=st.floats(-30, 90),
    width=st.floats(4, 90),
    height=st.floats(4, 90),
    size=st.tuples(st.integers(8, 64), st.integers(8, 64)),
    turn=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_crop_equals_the_resampled_whole(
    form: str,
    matrix: int,
    full_range: bool,
    left: float,
    top: float,
    width: float,
    height: float,
    size: tuple[int, int],
    turn: tuple[bool, bool, bool],
) -> None:
    frame = coded(smooth(), form, matrix=matrix, full_range=full_range)
    picture = YuvPicture(frame, orientation=Orientation(*turn))
    box = Box(left, top, left + width, top + height)
    assert difference(picture.crop(box, *size), resample(picture.rgb(), box, *size)) <= 8


def test_luma_is_a_view_of_the_frame() -> None:
    frame = coded(smooth(150, 100), "yuv420p")
    luma = YuvPicture(frame).luma
    assert luma.shape == (100, 150)
    plane: NDArray[np.uint8] = np.frombuffer(memoryview(frame.planes[0]), np.uint8)
    assert np.shares_memory(luma, plane)
    # a limited-range conversion: black at 16, white at 235
    assert luma.min() >= 16 and luma.max() <= 235


def test_odd_sizes_are_read() -> None:
    pixels = smooth(95, 71)
    picture = YuvPicture(coded(pixels, "yuv420p"))
    assert (picture.width, picture.height) == (95, 71)
    assert picture.luma.shape == (71, 95)
    assert difference(picture.crop(Box(0, 0, 95, 71), 95, 71), pixels) <= 8


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_undone(degrees: int) -> None:
    upright = smooth()
    stored = np.rot90(upright, degrees // 90).copy()  # counterclockwise, as a phone stores it
    orientation = {
        0: Orientation(),
        90: Orientation(True, True, False),
        180: Orientation(False, True, True),
        270: Orientation(True, False, True),
    }[degrees]
    assert orientation.degrees == degrees
    picture = YuvPicture(coded(stored, "yuv444p"), orientation=orientation)
    assert (picture.width, picture.height) == (160, 120)
    assert difference(picture.rgb(), upright) <= 5
    assert difference(picture.crop(Box(20, 30, 100, 70), 80, 40), upright[30:70, 20:100]) <= 5
    assert picture.luma.shape == (120, 160)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_phone_video_is_upright(tmp_path: Path, degrees: int) -> None:
    pixels = np.full((48, 64, 3), 60, np.uint8)
    pixels[:12, :16] = 230  # bright top left corner, as stored
    path = write_clip(
        tmp_path / "phone.mp4", [(0.0, pixels), (0.04, pixels)], rotation=-degrees if degrees else 0
    )
    with open_source(path, tick=0.03, sound_window=0.03) as source:
        moment = next(source)
        assert source.info.rotation == degrees
        size = (48, 64) if degrees in (90, 270) else (64, 48)
        assert (source.info.width, source.info.height) == size
    corners = {0: (0, 0), 90: (0, -1), 180: (-1, -1), 270: (-1, 0)}
    luma, rgb = moment.picture.luma, moment.picture.rgb()
    assert luma.shape == (size[1], size[0])
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        bright = corner == corners[degrees]
        assert (luma[corner] > 150) == bright
        assert (rgb[corner].mean() > 150) == bright


@pytest.mark.parametrize("aspect", [Fraction(2), Fraction(1, 2)])
def test_non_square_pixels_are_scaled(tmp_path: Path, aspect: Fraction) -> None:
    pictures = [(time, smooth(64, 48)) for time, _ in flashing(0.2, [])]
    path = write_clip(tmp_path / "wide.mp4", pictures, pixel_aspect=aspect)
    with open_source(path, tick=0.03, sound_window=0.03) as source:
        moment = next(source)
    width = round(64 * aspect)
    assert (source.info.width, source.info.height) == (width, 48)
    picture = moment.picture
    assert picture.luma.shape == (48, width)
    assert picture.rgb().shape == (48, width, 3)
    whole = Box(0, 0, width, 48)
    assert difference(picture.crop(whole, 64, 48), resample(picture.rgb(), whole, 64, 48)) <= 12


def test_display_matrix_gives_rotation_and_mirroring() -> None:
    one = 1 << 16

    def matrix(a: int, b: int, c: int, d: int) -> NDArray[np.int32]:
        return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)

    of = Orientation.from_display_matrix
    assert of(matrix(one, 0, 0, one)) == Orientation()
    assert of(matrix(0, one, -one, 0)).degrees == 90
    assert of(matrix(-one, 0, 0, -one)).degrees == 180
    assert of(matrix(0, -one, one, 0)).degrees == 270
    assert of(matrix(-one, 0, 0, one)) == Orientation(mirror_x=True)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_tone_mapped(transfer: int) -> None:
    """PQ and HLG hold white at 58 and 75 % of their range: unconverted it would be grey."""
    pixels = np.zeros((16, 96, 3), np.uint16)
    levels = {16: (0.0, 0.3, 0.58, 0.75), 18: (0.0, 0.35, 0.75, 1.0)}[transfer]
    for place, level in enumerate(levels):
        pixels[:, place * 24 : place * 24 + 24] = round(65535 * level)
    frame = VideoFrame.from_ndarray(pixels, format="rgb48le").reformat(
        format="yuv420p10le", dst_colorspace="BT2020", dst_color_range=1
    )
    frame.colorspace, frame.color_range, frame.color_trc = 9, 1, transfer
    shown = YuvPicture(frame).rgb()
    brightness = [float(shown[8, 12 + 24 * place].mean()) for place in range(4)]
    assert brightness == sorted(brightness)
    assert brightness[0] < 5
    assert brightness[2] > 200  # white
    assert brightness[3] > 230  # and highlights
    frame.color_trc = 1
    assert abs(float(YuvPicture(frame).rgb()[8, 60].mean()) - 255 * levels[2]) < 6

"""Synthetic corruptions of pictures and sound, and a source that applies them.

Pictures are RGB, uint8, shape (height, width, 3); landmarks the 68 points, shape (68, 2), in
pixels; sound is mono float32, -1 to 1.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sentistream.media import Faults, MediaInfo, Source
from sentistream.media.picture import RgbPicture
from sentistream.types import SOUND_RATE, Box, FloatArray, Moment, Picture, UInt8Array

Occluder: TypeAlias = Callable[[UInt8Array, FloatArray, float], UInt8Array]
"""Covers a share of the mouth: pixels, landmarks, share."""

FULL_WELL = 4_000.0
"""Electrons at full brightness: a small sensor at a high gain."""

READ_NOISE = 8.0
"""Standard deviation of the read noise, electrons."""

_GAMMA = 2.2
_NOISE_SECONDS = 10
# in mouth widths: a finger's half thickness, distance between fingers, where they come from
_FINGER, _FINGERS_APART, _FROM = 0.17, 0.31, -1.1
_OBJECT = (46, 52, 64)
_MASK = (168, 190, 204)


def roll(pixels: UInt8Array, degrees: float, center: tuple[float, float]) -> UInt8Array:
    """The picture rotated counter-clockwise around ``center``; new corners have its mean colour."""
    mean = tuple(int(value) for value in pixels.reshape(-1, 3).mean(axis=0))
    rotate_annotated = Image.fromarray(pixels).rotate(
        degrees, Image.Resampling.BILINEAR, center=center, fillcolor=mean
    )
    return np.asarray(rotate_annotated)


def occlude_with_hand(pixels: UInt8Array, landmarks: FloatArray, share: float) -> UInt8Array:
    """Fingers in the face's colour over ``share`` of the mouth, from the viewer's left."""
    corner, along, across = _mouth_axes(landmarks)
    width = float(np.hypot(*along))
    skin = _cheek_colour(pixels, landmarks)
    shade = tuple(int(value * 0.72) for value in skin)
    image = Image.fromarray(pixels)
    layer, mask = image.copy(), Image.new("L", image.size)
    for finger in (1.5, 0.5, -0.5, -1.5):
        middle = corner + (finger * _FINGERS_APART + 0.1) * across
        tip = middle + (share - _FINGER * (1 - 0.2 * abs(finger))) * along
        root = middle + _FROM * along
        for radius, colour in ((_FINGER * width, shade), (0.86 * _FINGER * width, skin)):
            _stroke(layer, root, tip, radius, colour)
            _stroke(mask, root, tip, radius, 255)
    soft = mask.filter(ImageFilter.GaussianBlur(0.02 * width))
    return np.asarray(Image.composite(layer, image, soft))


def occlude_with_object(pixels: UInt8Array, landmarks: FloatArray, share: float) -> UInt8Array:
    """Something dark and straight over ``share`` of the mouth, from the viewer's left."""
    corner, along, across = _mouth_axes(landmarks)
    image = Image.fromarray(pixels)
    edges = ((_FROM, -0.6), (share, -0.6), (share, 1.0), (_FROM, 1.0))
    outline = [tuple(corner + right * along + down * across) for right, down in edges]
    ImageDraw.Draw(image).polygon(outline, fill=_OBJECT)
    return np.asarray(image)


def low_light(pixels: UInt8Array, light: float, generator: np.random.Generator) -> UInt8Array:
    """The scene with a share ``light`` of its light, and the noise of the sensor.

    Exposure is unchanged; shot and read noise weigh more the less light there is.
    """
    linear = (pixels.astype(np.float32) / 255) ** _GAMMA
    electrons = linear * np.float32(light * FULL_WELL)
    noise = generator.standard_normal(pixels.shape, np.float32)
    electrons += noise * np.sqrt(electrons + np.float32(READ_NOISE**2))
    seen = np.clip(electrons / np.float32(FULL_WELL), 0, 1) ** np.float32(1 / _GAMMA)
    return (seen * 255 + 0.5).astype(np.uint8)


def blur(pixels: UInt8Array, sigma: float) -> UInt8Array:
    """Out of focus: a Gaussian blur of ``sigma`` pixels."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)))


def motion_blur(pixels: UInt8Array, length: int) -> UInt8Array:
    """Horizontal motion blur: the mean over ``length`` pixels, at least 1."""
    before = (length - 1) // 2
    around = ((0, 0), (before + 1, length - 1 - before), (0, 0))
    sums = np.pad(pixels, around, mode="edge").astype(np.int64)
    # the column before the first window belongs to no sum
    sums[:, 0] = 0
    sums = sums.cumsum(axis=1)
    return ((sums[:, length:] - sums[:, :-length] + length // 2) // length).astype(np.uint8)


def compress(pixels: UInt8Array, quality: int) -> UInt8Array:
    """After JPEG of that quality, 1 to 95."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def add_face_mask(pixels: UInt8Array, box: Box) -> UInt8Array:
    """A mask over the lower half of the face that fills the ellipse in ``box``, pixels."""
    image = Image.fromarray(pixels)
    if image.readonly:
        image = image.copy()
    ImageDraw.Draw(image).pieslice((box.left, box.top, box.right, box.bottom), 0, 180, fill=_MASK)
    return np.asarray(image)


def shrink_scene(pixels: UInt8Array, factor: float) -> UInt8Array:
    """The scene scaled by ``factor``, in a picture of the same size.

    Its edge is repeated around it.

    Raises:
        ValueError: ``factor`` is not within 0 to 1.
    """
    if not 0 < factor <= 1:
        raise ValueError(f"A scene farther away is smaller, not {factor} times as large.")
    rows, columns = pixels.shape[:2]
    height, width = max(1, round(rows * factor)), max(1, round(columns * factor))
    small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)
    top, left = (rows - height) // 2, (columns - width) // 2
    around = ((top, rows - height - top), (left, columns - width - left), (0, 0))
    return np.pad(np.asarray(small), around, mode="edge")


def mix_at_snr(
    sound: FloatArray, other: FloatArray, ratio_db: float, level: float, other_level: float
) -> FloatArray:
    """``sound`` mixed with ``other``, ``ratio_db`` quieter, clipped to -1 to 1.

    Args:
        sound, other: Shape (samples,).
        ratio_db: Signal-to-noise ratio, dB.
        level, other_level: Root mean square of their recordings.

    Raises:
        ValueError: ``other_level`` is not positive.
    """
    if not other_level > 0:
        raise ValueError(f"What is added needs a level, not {other_level}.")
    gain = np.float32(level / other_level * 10 ** (-ratio_db / 20))
    return np.clip(sound + gain * other, -1, 1).astype(np.float32)


def pink_noise(generator: np.random.Generator) -> FloatArray:
    """Ten seconds of pink noise (equal power per octave), root mean square 0.1."""
    count = _NOISE_SECONDS * SOUND_RATE
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SOUND_RATE)
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.maximum(frequency[1:], 20))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(0.1 * noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def loop_samples(track: FloatArray, start: int, count: int) -> FloatArray:
    """Samples ``start`` to ``start + count`` of a recording that repeats from its start."""
    return np.take(track, np.arange(start, start + count), mode="wrap")


def _mouth_axes(
    landmarks: FloatArray,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Left end of the mouth, and vectors as long as it is wide: along it, and down across it."""
    lips = landmarks[48:60].astype(np.float64)
    along = lips[6] - lips[0]
    middle_height = lips.mean(axis=0)
    across = np.array([-along[1], along[0]])
    # the corners of the mouth may hang, so the occlusion is centred on the lips
    start = lips[0] + across * float((middle_height - lips[0]) @ across / max(across @ across, 1))
    return start, along, across


def _cheek_colour(pixels: UInt8Array, landmarks: FloatArray) -> tuple[int, int, int]:
    """The median colour between the nose and the jaw on both sides."""
    rows, columns = pixels.shape[:2]
    spots = np.concatenate(
        [landmarks[31] * share + landmarks[3] * (1 - share) for share in (0.35, 0.5, 0.65)]
        + [landmarks[35] * share + landmarks[13] * (1 - share) for share in (0.35, 0.5, 0.65)]
    ).reshape(-1, 2)
    x = np.clip(spots[:, 0], 0, columns - 1).astype(int)
    y = np.clip(spots[:, 1], 0, rows - 1).astype(int)
    red, green, blue = (int(value) for value in np.median(pixels[y, x], axis=0))
    return red, green, blue


def _stroke(
    image: Image.Image,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
    colour: tuple[int, ...] | int,
) -> None:
    """A thick line with a round end."""
    draw = ImageDraw.Draw(image)
    draw.line([*start, *end], fill=colour, width=max(1, round(2 * radius)))
    tip = Box(end[0] - radius, end[1] - radius, end[0] + radius, end[1] + radius)
    draw.ellipse((tip.left, tip.top, tip.right, tip.bottom), fill=colour)


PictureCorruption: TypeAlias = Callable[[UInt8Array, float], UInt8Array]
"""Maps RGB pixels and the picture's time, seconds, to new pixels."""

SoundCorruption: TypeAlias = Callable[[FloatArray, int], FloatArray]
"""Maps samples, and the index of the first on the media clock, to as many new ones.

Moments may share samples: the same index must always get the same corruption.
"""


class CorruptedSource(Source):
    """The moments of another source, corrupted; everything after it runs unchanged.

    Args:
        source: Where moments come from; closed with this one.
        picture: Corrupts pictures; None for nothing.
        sound: Corrupts sound; None for nothing.
    """

    def __init__(
        self,
        source: Source,
        picture: PictureCorruption | None = None,
        sound: SoundCorruption | None = None,
    ) -> None:
        self.info: MediaInfo = source.info
        self.faults: Faults = source.faults
        self._source = source
        self._on_picture = picture
        self._on_sound = sound
        self._last: tuple[Picture, Picture] | None = None

    def __next__(self) -> Moment:
        moment = next(self._source)
        picture, sound = moment.picture, moment.sound
        if self._on_picture is not None:
            # a repeated picture stays the same object
            if self._last is None or self._last[0] is not picture:
                pixels = self._on_picture(picture.rgb(), moment.picture_time)
                self._last = picture, RgbPicture(pixels)
            picture = self._last[1]
        if self._on_sound is not None and sound is not None:
            sound = self._on_sound(sound, round(moment.time * SOUND_RATE) - len(sound))
        return replace(moment, picture=picture, sound=sound)

    def close(self) -> None:
        self._source.close()

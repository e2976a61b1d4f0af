"""Face images as the window that a camera's picture would give of that face."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.labels import class_number
from sentistream.media.picture import RgbPicture, resample
from sentistream.training.examples import Examples
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.crops import FACE_SIZE, face_window
from sentistream.vision.detector import FaceDetector
from sentistream.vision.landmarks import LandmarkPredictor

_WORKING_SIZE = 300
_SURROUNDINGS = 1.5
# of images already cut to the face: the detector's usual box, as shares of the image
_TYPICAL_FACE = (0.025, 0.125, 0.925, 1.025)


class WindowCutter:
    """Cuts the live window out of images that show little more than the face."""

    def __init__(self) -> None:
        self._detector = FaceDetector()
        self._landmarks = LandmarkPredictor()

    def landmarks(self, pixels: UInt8Array) -> FloatArray:
        """The 68 points, in pixels of the image, shape (68, 2).

        Where the detector finds no face (a quarter of the images of FER2013, whose faces are
        48 pixels wide), the points are placed in the box it usually gives.
        """
        rows, columns = pixels.shape[:2]
        around = Box(0, 0, columns, rows).scaled(_SURROUNDINGS)
        enlarged = RgbPicture(RgbPicture(pixels).crop(around, _WORKING_SIZE, _WORKING_SIZE))
        shown = _WORKING_SIZE / _SURROUNDINGS
        found = self._detector.detect(enlarged.luma, face_width=0.6 * shown)
        margin = (_WORKING_SIZE - shown) / 2
        typical = Box(*(margin + share * shown for share in _TYPICAL_FACE))
        box = found[0][0] if found else typical
        points = self._landmarks.predict(enlarged.luma, box)
        scale = np.array([around.width, around.height], np.float32) / _WORKING_SIZE
        origin = np.array([around.left, around.top], np.float32)
        return np.asarray(origin + points * scale, dtype=np.float32)

    def cut(self, pixels: UInt8Array) -> tuple[UInt8Array, NDArray[np.bool_]]:
        """The window, shape (96, 96, 3), and which of its pixels the image really has."""
        window = face_window(self.landmarks(pixels))
        rows, columns = pixels.shape[:2]
        centres = (np.arange(FACE_SIZE) + 0.5) / FACE_SIZE
        x, y = window.left + centres * window.width, window.top + centres * window.height
        inside = ((y >= 0) & (y < rows))[:, None] & ((x >= 0) & (x < columns))[None, :]
        return RgbPicture(pixels).crop(window, FACE_SIZE, FACE_SIZE), inside


def put_background(
    window: UInt8Array,
    inside: NDArray[np.bool_],
    other: UInt8Array,
    generator: np.random.Generator,
) -> UInt8Array:
    """Replaces what the image did not have, so that no network learns how it was filled.

    A third keep their edges repeated, a third get one colour, a third an enlarged patch of
    the ``other`` image.
    """
    kind = generator.integers(3)
    if kind == 0:
        return window
    if kind == 1:
        background = np.broadcast_to(generator.integers(0, 256, 3, dtype=np.uint8), window.shape)
    else:
        rows, columns = other.shape[:2]
        size = min(rows, columns) * float(generator.uniform(0.2, 0.6))
        left, top = (float(generator.uniform(0, extent - size)) for extent in (columns, rows))
        background = resample(other, Box(left, top, left + size, top + size), FACE_SIZE, FACE_SIZE)
    return np.where(inside[..., None], window, background)


def prepare_faces(
    images: Iterable[LabelledImage],
    *,
    backgrounds: bool,
    seed: int,
    on_progress: Callable[[], None] = lambda: None,
) -> Examples:
    """Windows of face images with their sentiment.

    Args:
        backgrounds: Whether to replace what lies outside the images (for training); without,
            the edge repeats, as it does for a live face at the picture's edge.
        seed: Of the backgrounds.
        on_progress: Called after each image.
    """
    cutter = WindowCutter()
    generator = np.random.default_rng(seed)
    windows, labels, people, sources = [], [], [], []
    other: UInt8Array | None = None
    for image in images:
        on_progress()
        try:
            window, inside = cutter.cut(image.pixels)
        except ValueError:  # landmarks that span nothing
            continue
        if backgrounds and other is not None:
            window = put_background(window, inside, other, generator)
        other = image.pixels
        windows.append(window)
        labels.append(class_number(image.label))
        people.append(f"{image.source}-{image.person}" if image.person else "")
        sources.append(image.source)
    return Examples(
        inputs={"face": np.stack(windows)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
    )

"""Face images as the window that a camera's picture would give of that face."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.labels import class_number
from sentistream.errors import DataError
from sentistream.media.resample import resample
from sentistream.training.chunks import Arrays, Workshop
from sentistream.training.examples import Examples
from sentistream.training.leakage import content_key
from sentistream.types import Box, UInt8Array
from sentistream.vision.crops import FACE_SIZE
from sentistream.vision.hog_detector import HogDetector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import DlibLandmarker

_CHUNK = 256


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
    workshop: Workshop | None = None,
) -> Examples:
    """Windows of face images with their sentiment.

    Args:
        backgrounds: Whether to replace what lies outside the images (for training); without,
            the edge repeats, as it does for a live face at the picture's edge.
        seed: Of the backgrounds.
        on_progress: Called after each image.
        workshop: How to work on many images at once; the outcome is the same.

    Raises:
        DataError: None of them shows a face.
    """
    workshop = workshop or Workshop(on_item=on_progress)
    generator = np.random.default_rng(seed)
    windows, labels, people, sources, clips = [], [], [], [], []
    other: UInt8Array | None = None
    # cutting takes the time and is done in chunks; backgrounds are drawn in the images' order
    for chunk, cut in workshop.map(_cut, images, _CHUNK):
        found = zip(chunk, cut["window"], cut["inside"], cut["found"], strict=True)
        for image, window, inside, usable in found:
            if not usable:
                continue
            if backgrounds and other is not None:
                window = put_background(window, inside, other, generator)
            other = image.pixels
            windows.append(window)
            labels.append(class_number(image.label))
            people.append(f"{image.source}-{image.person}" if image.person else "")
            sources.append(image.source)
            clips.append(content_key(image.pixels))
    if not windows:
        raise DataError("None of the images shows a face.")
    return Examples(
        inputs={"face": np.stack(windows)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
        clips=np.array(clips),
    )


@functools.cache
def _cutter() -> FaceCropper:
    return FaceCropper(HogDetector(), DlibLandmarker())


def _cut(images: Sequence[LabelledImage]) -> Arrays:
    windows = np.zeros((len(images), FACE_SIZE, FACE_SIZE, 3), np.uint8)
    inside = np.zeros(windows.shape[:3], np.bool_)
    found = np.ones(len(images), np.bool_)
    for number, image in enumerate(images):
        try:
            windows[number], inside[number] = _cutter().cut(image.pixels)
        except ValueError:  # landmarks that span nothing
            found[number] = False
    return {"window": windows, "inside": inside, "found": found}

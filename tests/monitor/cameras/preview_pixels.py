"""What is recognizable in a live picture."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentistream.media.picture import RgbPicture
from sentistream.monitor.observations import Preview
from sentistream.types import Box, UInt8Array
from sentistream.vision.hog_detector import HogDetector

FACE = Box(112, 67, 220, 175)
"""The face's position in the scene."""


def pixels_of(shown: Preview) -> UInt8Array:
    with Image.open(io.BytesIO(shown.jpeg)) as image:
        assert image.format == "JPEG"
        assert not image.getexif()
        return np.asarray(image.convert("RGB"))


@cache
def _detector() -> HogDetector:
    """Cached: dlib takes half a second to load."""
    return HogDetector()


def shows_a_face(shown: Preview, place: Box = FACE) -> bool:
    """Whether the detector, at a low threshold, finds the face at its place."""
    luma = RgbPicture(pixels_of(shown)).luma
    found = _detector().detect(luma, threshold=0.27)
    return any(one.box.iou(place) > 0.2 for one in found)


def detail(pixels: NDArray[np.floating]) -> float:
    """Mean difference of neighboring pixels, levels."""
    return float(np.abs(np.diff(pixels, axis=0)).mean() + np.abs(np.diff(pixels, axis=1)).mean())

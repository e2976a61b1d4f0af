"""The networks' face crops from still images that are already cropped to a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.media.picture import RgbPicture
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, align, view
from sentistream.vision.crops import FACE_SIZE, face_window
from sentistream.vision.face_detector import COARSE, Detector
from sentistream.vision.landmarker import Landmarker, predict_single

_WORKING_SIZE = 300
_SURROUNDINGS = 1.5
# for images already cropped to the face: centre and side of the usual square, as shares of the
# image
_TYPICAL_FACE = (0.475, 0.575, 0.9)


class FaceCropper:
    """Crops faces from still images as the analyzer crops them from video.

    Args:
        detector: Finds the face.
        landmarker: Places its landmarks.
    """

    def __init__(self, detector: Detector, landmarker: Landmarker) -> None:
        self._detector = detector
        self._landmarker = landmarker

    def landmarks(self, pixels: UInt8Array) -> FloatArray:
        """The 68 points, in pixels of the image, shape (68, 2).

        If the detector finds no face (a quarter of FER2013's images, whose faces are 48 pixels
        wide), the points are placed in the box that it usually returns.
        """
        rows, columns = pixels.shape[:2]
        around = Box(0, 0, columns, rows).squared().scaled(_SURROUNDINGS)
        enlarged = RgbPicture(RgbPicture(pixels).crop(around, _WORKING_SIZE, _WORKING_SIZE))
        shown = _WORKING_SIZE / _SURROUNDINGS
        found = self._detector.detect(enlarged.luma, size=COARSE)
        margin = (_WORKING_SIZE - shown) / 2
        x, y, side = (share * shown for share in _TYPICAL_FACE)
        typical = Alignment(margin + x, margin + y, side, 0.0)
        square = self._detector.alignments(found[0])[0] if found else typical
        points = predict_single(self._landmarker, enlarged.luma, square).points
        scale = np.array([around.width, around.height], np.float32) / _WORKING_SIZE
        origin = np.array([around.left, around.top], np.float32)
        return np.asarray(origin + points * scale, dtype=np.float32)

    def view(self, pixels: UInt8Array) -> UInt8Array:
        """The aligned view of the ``lite`` profile, shape (64, 64, 1).

        Raises:
            ValueError: The landmarks span nothing.
        """
        return view(RgbPicture(pixels).luma, align(self.landmarks(pixels)))[..., np.newaxis]

    def window(self, pixels: UInt8Array) -> UInt8Array:
        """The window of the ``paper`` profile, shape (96, 96, 3).

        Raises:
            ValueError: The landmarks span nothing.
        """
        return self.cut(pixels)[0]

    def cut(self, pixels: UInt8Array) -> tuple[UInt8Array, NDArray[np.bool_]]:
        """The window, shape (96, 96, 3), and which of its pixels come from the image."""
        window = face_window(self.landmarks(pixels))
        rows, columns = pixels.shape[:2]
        centres = (np.arange(FACE_SIZE) + 0.5) / FACE_SIZE
        x, y = window.left + centres * window.width, window.top + centres * window.height
        inside = ((y >= 0) & (y < rows))[:, None] & ((x >= 0) & (x < columns))[None, :]
        return RgbPicture(pixels).crop(window, FACE_SIZE, FACE_SIZE), inside

"""Finds faces: dlib's histogram-of-oriented-gradients detector, on brightness alone.

The detector's window is 80 pixels wide and it only ever shrinks what it is given, so the
scale at which a picture is shown to it decides both the smallest face found and the cost.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from sentistream.errors import MissingExtraError
from sentistream.media.picture import resample
from sentistream.types import Box, UInt8Array

WINDOW = 80
"""Width of the smallest face the detector can see, pixels."""

REGION_FACE = 100
"""Width to which a known face is brought before looking for it again, pixels."""

ENLARGING = REGION_FACE / WINDOW
"""How much larger than the window a face looked for in a region is shown."""

SMALLEST_FACE = 40
"""Narrower faces are not looked for: too little of them reaches the networks."""

SMALLEST_SHARE = 0.1
"""A face that matters is at least this wide, as a share of the picture's root area."""

Detection: TypeAlias = tuple[Box, float]
"""A face's square box and the detector's score; 0 is its own threshold."""


class FaceDetector:
    """dlib's frontal face detector (Dalal and Triggs 2005) at a scale that bounds its cost.

    Raises:
        MissingExtraError: dlib is not installed.
    """

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError as error:
            raise MissingExtraError("dlib's face detector", "paper") from error
        self._detector = dlib.get_frontal_face_detector()

    def detect(
        self,
        luma: UInt8Array,
        region: Box | None = None,
        *,
        face_width: float | None = None,
        threshold: float = 0.0,
    ) -> list[Detection]:
        """Faces in the whole picture, or in a part of it.

        Args:
            luma: Brightness, shape (height, width).
            region: Where to look, in pixels of ``luma``; None for everywhere. Its parts
                outside the picture are not searched.
            face_width: Width of the face looked for, pixels. With a region, about the
                width expected (the half of the region's shorter side unless told); without,
                the least width (``smallest_face`` unless told).
            threshold: Least score of a detection.

        Returns:
            Square boxes in pixels of ``luma`` with scores, best first; they may reach
            beyond the picture.
        """
        rows, columns = luma.shape
        left, top, right, bottom = 0, 0, columns, rows
        if region is not None:
            left, top = max(0, math.floor(region.left)), max(0, math.floor(region.top))
            right = min(columns, math.ceil(region.right))
            bottom = min(rows, math.ceil(region.bottom))
            if right <= left or bottom <= top:
                return []
            scale = REGION_FACE / (face_width or min(region.width, region.height) / 2)
        else:
            scale = WINDOW / (face_width or smallest_face(columns, rows))
        width, height = round((right - left) * scale), round((bottom - top) * scale)
        # a face may be cut by the edge, but less than half a window holds none
        if min(width, height) < WINDOW / 2:
            return []
        shown = resample(luma, Box(left, top, right, bottom), width, height)
        scale_x, scale_y = width / (right - left), height / (bottom - top)
        boxes, scores, _ = self._detector.run(np.ascontiguousarray(shown), 0, threshold)
        found = [
            (
                Box(
                    left + box.left() / scale_x,
                    top + box.top() / scale_y,
                    left + (box.right() + 1) / scale_x,
                    top + (box.bottom() + 1) / scale_y,
                ),
                float(score),
            )
            for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda detection: -detection[1])


def smallest_face(width: int, height: int) -> float:
    """Width in pixels of the smallest face looked for in a picture of that size."""
    return max(SMALLEST_FACE, SMALLEST_SHARE * math.sqrt(width * height))

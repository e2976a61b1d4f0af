"""Face detection by dlib's histogram-of-oriented-gradients detector, on brightness only.

The detector's window is 80 pixels wide and it only ever shrinks its input, so the scale of the
input determines both the smallest face found and the cost.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sentistream.errors import MissingExtraError
from sentistream.media.resample import resample
from sentistream.types import Box, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_detector import (
    FINE,
    THRESHOLD,
    Detection,
    DetectionIntervals,
    InitiationThresholds,
)

WINDOW = 80
"""Width of the smallest face the detector can see, pixels."""

REGION_FACE = 100
"""Width to which a known face is scaled before searching for it again, pixels."""

_NEAR = 1.7  # a region around a known face, in its widths
_LARGE = 0.4  # of the shorter side: faces that fill much of the picture
_STEEPNESS = 2.0  # slope of the curve that maps dlib's scores to 0 to 1

SMALLEST_FACE = 40
"""Narrower faces are not searched for: they have too few pixels for the networks."""

SMALLEST_SHARE = 0.1
"""The narrowest relevant face, as a share of the square root of the picture's area."""


class HogDetector:
    """dlib's frontal face detector (Dalal and Triggs 2005) at a scale that bounds its cost.

    Raises:
        MissingExtraError: dlib is not installed.
    """

    # a search of a whole picture takes as long as the rest of several moments
    intervals: DetectionIntervals = DetectionIntervals(
        alone=0.2, coarse=1.0, fine=1.0, still=0.2, confirm=0.2, carry=0.5
    )
    # any plausible landmarks suffice: dlib's cannot be doubtful
    initiation: InitiationThresholds = InitiationThresholds(
        considered=0.45, likely=0.72, certain=0.72, verified=0.25
    )

    def __init__(self) -> None:
        self._detector = load_dlib().get_frontal_face_detector()

    def detect(
        self,
        luma: UInt8Array,
        region: Box | None = None,
        *,
        face_width: float | None = None,
        size: int = FINE,
        threshold: float = THRESHOLD,
    ) -> list[Detection]:
        """Faces in the whole picture, or in a part of it.

        Args:
            luma: Brightness, shape (height, width).
            region: Where to search, in pixels of ``luma``; None for everywhere. Its parts
                outside the picture are not searched.
            face_width: Width of the face to find, pixels. With a region, about the
                expected width (by default half of the region's shorter side); without,
                the smallest width (by default ``smallest_face``).
            size: Below ``FINE`` only faces that fill much of the picture are searched.
            threshold: Lowest score, above 0 and below 1; 0.5 is the detector's own threshold.

        Returns:
            Square boxes in pixels of ``luma``, best first; they may extend beyond the picture.
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
            least_width = smallest_face(columns, rows)
            if size < FINE:
                least_width = max(least_width, _LARGE * min(columns, rows))
            scale = WINDOW / (face_width or least_width)
        width, height = round((right - left) * scale), round((bottom - top) * scale)
        # a face may be cut by the edge, but less than half a window contains none
        if min(width, height) < WINDOW / 2:
            return []
        shown = resample(luma, Box(left, top, right, bottom), width, height)
        scale_x, scale_y = width / (right - left), height / (bottom - top)
        least = math.log(threshold / (1 - threshold)) / _STEEPNESS
        boxes, scores, _ = self._detector.run(np.ascontiguousarray(shown), 0, least)
        found = [
            Detection(
                Box(
                    left + box.left() / scale_x,
                    top + box.top() / scale_y,
                    left + (box.right() + 1) / scale_x,
                    top + (box.bottom() + 1) / scale_y,
                ),
                1 / (1 + math.exp(-_STEEPNESS * score)),
            )
            for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda detection: -detection.score)

    def detect_near(
        self, luma: UInt8Array, box: Box, *, threshold: float = THRESHOLD
    ) -> list[Detection]:
        """Faces about a known box, best first; see ``Detector``."""
        return self.detect(luma, box.scaled(_NEAR), face_width=box.width, threshold=threshold)

    def look_closer(
        self, luma: UInt8Array, found: Detection, *, any_roll: bool = False
    ) -> Detection:
        """The detection with the best score in its region; see ``Detector``."""
        nearer = self.detect_near(luma, found.box, threshold=self.initiation.considered)
        return replace(found, score=nearer[0].score if nearer else 0.0)

    def alignments(self, detection: Detection) -> list[Alignment]:
        """The detection's own box."""
        x, y = detection.box.center
        return [Alignment(x, y, detection.box.width, 0.0)]


def load_dlib() -> Any:
    """The module dlib.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError("dlib's face detector", "paper") from error
    return dlib


def smallest_face(width: int, height: int) -> float:
    """Width in pixels of the smallest face searched for in a picture of that size."""
    return max(SMALLEST_FACE, SMALLEST_SHARE * math.sqrt(width * height))

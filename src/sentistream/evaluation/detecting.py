"""The product's detector, asked for all it may have seen."""

from __future__ import annotations

from collections.abc import Callable

from sentistream.evaluation.detection import Found
from sentistream.profiles import Profile
from sentistream.types import UInt8Array
from sentistream.vision.detector import FaceDetector

WORKING_THRESHOLD = 0.0
"""The score from which the product takes a detection for a face."""

LEAST_THRESHOLD = -1.0
"""The score from which detections are asked for, to draw precision over recall."""


def detect_faces(profile: Profile) -> Callable[[UInt8Array], list[Found]]:
    """What finds the faces of a whole picture for a profile.

    Returns:
        From brightness, shape (height, width), to detections with scores from
        ``LEAST_THRESHOLD``. Those from ``WORKING_THRESHOLD`` are the ones that the product gets:
        suppression of overlapping ones begins with the best.
    """
    detector = FaceDetector()  # one for all profiles

    def detect(luma: UInt8Array) -> list[Found]:
        return [
            Found(box, score) for box, score in detector.detect(luma, threshold=LEAST_THRESHOLD)
        ]

    return detect

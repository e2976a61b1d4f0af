"""The product's detector, asked for all it may have seen."""

from __future__ import annotations

from collections.abc import Callable

from sentistream.evaluation.detection import Found
from sentistream.profiles import Profile
from sentistream.types import UInt8Array
from sentistream.vision.face_detector import THRESHOLD, make_detector

WORKING_THRESHOLD = THRESHOLD
"""The score from which a detection counts as a face."""

LEAST_THRESHOLD = 0.1
"""The score from which detections are asked for, to draw precision over recall."""


def detect_faces(profile: Profile) -> Callable[[UInt8Array], list[Found]]:
    """What finds the faces of a whole picture for a profile.

    Returns:
        From brightness, shape (height, width), to detections with scores from
        ``LEAST_THRESHOLD``. Those from ``WORKING_THRESHOLD`` are the ones that the product gets:
        suppression of overlapping ones begins with the best.

    Raises:
        ModelError: The detector network is missing or altered.
        MissingExtraError: dlib, with which the profile ``paper`` finds faces, is not installed.
    """
    detector = make_detector(profile)

    def detect(luma: UInt8Array) -> list[Found]:
        found = detector.detect(luma, threshold=LEAST_THRESHOLD)
        return [Found(one.box, one.score) for one in found]

    return detect

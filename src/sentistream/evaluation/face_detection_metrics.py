"""Matching of detections to annotated faces, precision and recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentistream.evaluation.face_annotations import AnnotatedFace
from sentistream.profiles import Profile
from sentistream.types import Box, UInt8Array
from sentistream.values import ByValue
from sentistream.vision.face_detector import THRESHOLD, looked_at_closer, make_detector

IOU = 0.5
"""Intersection over union from which a detection matches an annotated face."""

AP_RESAMPLES, AP_SEED = 1000, 0


@dataclass(frozen=True, slots=True)
class ScoredBox:
    """A detection: its box in pixels and the detector's score."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class MatchedPicture(ByValue):
    """Detections in one picture, matched with its annotated faces.

    Attributes:
        face_of: For each detection, best first, the index of its face; -1 if it is on no
            face, -2 if it does not count because it is on an ignored region.
        scores: Of the detections, shape (detections,), descending.
        faces: The annotated faces.
    """

    face_of: NDArray[np.int64]
    scores: NDArray[np.float64]
    faces: tuple[AnnotatedFace, ...]

    @property
    def counted(self) -> int:
        """Faces that should be found."""
        return sum(face.counted for face in self.faces)

    def found(self, threshold: float) -> set[int]:
        """Numbers of the faces found with at least that score."""
        return {int(face) for face in self.face_of[self.scores >= threshold] if face >= 0}

    def false(self, threshold: float) -> int:
        """Detections on no face with at least that score."""
        return int((self.face_of[self.scores >= threshold] == -1).sum())


def match_detections(
    found: Sequence[ScoredBox], faces: Sequence[AnnotatedFace], iou: float = IOU
) -> MatchedPicture:
    """Each detection, best first, takes the unmatched face that it overlaps most.

    A detection that matches no counted face, but an ignored region by the same measure, or is
    at least half within one, does not count.
    """
    ordered = sorted(found, key=lambda one: -one.score)
    face_of = np.full(len(ordered), -1, np.int64)
    taken: set[int] = set()
    for row, one in enumerate(ordered):
        overlaps = {
            number: one.box.iou(face.box)
            for number, face in enumerate(faces)
            if face.counted and number not in taken
        }
        best = max(overlaps, key=overlaps.__getitem__, default=-1)
        if best >= 0 and overlaps[best] >= iou:
            face_of[row] = best
            taken.add(best)
        elif any(
            one.box.iou(face.box) >= iou or _share_within(one.box, face.box) >= 0.5
            for face in faces
            if not face.counted
        ):
            face_of[row] = -2
    return MatchedPicture(face_of, np.array([one.score for one in ordered]), tuple(faces))


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall(ByValue):
    """Precision and recall as the threshold falls, over all pictures.

    Attributes:
        recall, precision: Shape (thresholds,).
        threshold: Their score thresholds, descending.
        average: Average precision: the area under the curve of the largest precision at this
            or a larger recall, at all points (not at 11, nor at 101).
        average_ci95: By bootstrap over pictures (percentiles of 1,000 resamples).
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    threshold: NDArray[np.float64]
    average: float
    average_ci95: tuple[float, float]


def precision_recall(matched: Sequence[MatchedPicture]) -> PrecisionRecall:
    """Over all pictures together, without detections that do not count.

    Raises:
        ValueError: There is no counted face.
    """
    counted = np.array([picture.counted for picture in matched], np.float64)
    if not counted.sum():
        raise ValueError("Without a face there is nothing to recall.")
    picture = np.repeat(np.arange(len(matched)), [len(one.scores) for one in matched])
    scores = np.concatenate([one.scores for one in matched])
    face_of = np.concatenate([one.face_of for one in matched])
    order = np.argsort(-scores, kind="stable")
    order = order[face_of[order] != -2]
    picture, scores, right = picture[order], scores[order], face_of[order] >= 0

    def curve(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        hits = np.cumsum(right * weight[picture])
        tried = np.cumsum(weight[picture])
        precision = np.divide(hits, tried, out=np.zeros_like(hits), where=tried > 0)
        return hits / (counted @ weight), precision

    recall, precision = curve(np.ones(len(matched)))
    draws = np.random.default_rng(AP_SEED).multinomial(
        len(matched), np.full(len(matched), 1 / len(matched)), size=AP_RESAMPLES
    )
    averages = [average_precision(*curve(draw.astype(float))) for draw in draws if counted @ draw]
    low, high = np.percentile(averages, [2.5, 97.5])
    # of equal scores only the last is a threshold
    last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    return PrecisionRecall(
        recall[last],
        precision[last],
        scores[last],
        average_precision(recall, precision),
        (float(low), float(high)),
    )


def average_precision(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """The area under the envelope of precision over recall, at all points.

    Args:
        recall: Shape (N,), ascending.
        precision: Shape (N,).
    """
    if not len(recall):
        return 0.0
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def _share_within(box: Box, region: Box) -> float:
    width = min(box.right, region.right) - max(box.left, region.left)
    height = min(box.bottom, region.bottom) - max(box.top, region.top)
    return max(width, 0.0) * max(height, 0.0) / box.area


OPERATING_THRESHOLD = THRESHOLD
"""The score from which a detection counts as a face."""

LOWEST_THRESHOLD = 0.1
"""Lowest detection score requested, for the precision-recall curve."""


def low_threshold_detector(profile: Profile) -> Callable[[UInt8Array], list[ScoredBox]]:
    """A profile's detector for whole pictures.

    Returns:
        A function from brightness, shape (height, width), to detections with their scores after
        closer looks, as the tracker decides on new faces; of those from ``LOWEST_THRESHOLD``
        at first sight.

    Raises:
        ModelError: The detector network is missing or altered.
        MissingExtraError: dlib, with which the profile ``paper`` finds faces, is not installed.
    """
    detector = make_detector(profile)

    def detect(luma: UInt8Array) -> list[ScoredBox]:
        found = detector.detect(luma, threshold=LOWEST_THRESHOLD)
        looked = looked_at_closer(detector, luma, found)
        return [ScoredBox(one.box, one.score) for one in looked]

    return detect

"""Face detection: the detector network of ``lite``, on luma only.

A face is a score, a box and five points: the eyes' centres, the tip of the nose and the corners
of the mouth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.media.resample import resample, resize
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, roughly_upright_view
from sentistream.vision.face_geometry import FIVE_POINTS, square_of_points, turned_face_box

MULTIPLE = 32
"""The network's input width and height are multiples of this many pixels."""

FINE, COARSE = 640, 160
"""Longer side of the network's input, pixels: for small faces, for large ones.

The network finds faces of about 8 to 150 pixels, so the two meet.
"""

THRESHOLD = 0.5
"""Score from which a detection counts as a face."""

OVERLAP = 0.4
"""Intersection over union above which two detections are one face."""

WITHIN = 0.8
"""Share of the smaller of two detections in the other above which they are one face."""

LOOKS = ((44, 96), (64, 128))
"""Closer looks at a doubtful face: its size, and that of the square that shows it, pixels."""

STRIDES = (8, 16, 32)
"""Strides of the levels by which the network orders its locations, pixels."""

STRICTNESS, LIKELY_STRICTNESS = math.log(3), 0.2
"""How much more likely than not a face must be on closer looks to score ``THRESHOLD``, as a logit,
because faces are rarer in clips than in training; the latter for detections that are likely."""

ROLL_STRICTNESS = 0.6
"""What a detection that is a face only at another roll than its points say needs in addition, as a
logit, since the best of several rolls is chosen."""

DISMISSED = -1.25
"""Evidence of a face, as a logit, below which further closer looks are not worth their time.

On people trained on, three of four detections that are no faces have less after the first of four
looks, and no face has that all four together confirm."""

VERIFIED_STRIDES = STRIDES[1:]
"""Those of the levels on which detections are verified."""

_VERIFICATION = 15  # its column
_NEAR_FACE, _NEAR_SIZE = 44, 96  # a known face is searched at this size, in a square this large
# a face's square relative to the detected box: its side, and how far its centre is below, from the
# medians behind ``mean_face``
_SQUARE, _BELOW = 0.94, 0.07
_ROLLS = (0, 45, -45, 90, -90, 135, -135, 180)  # degrees


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected face.

    Attributes:
        box: From forehead to chin, pixels; may extend beyond the picture.
        score: The detector's confidence, 0 to 1.
        points: The eyes' centres, the tip of the nose and the corners of the mouth, the
            person's right first; shape (5, 2), pixels. None if the detector gives none.
    """

    box: Box
    score: float
    points: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class DetectionIntervals:
    """How often a picture is searched, seconds of the media clock.

    Attributes:
        alone: Interval of searches for all faces while none is tracked.
        coarse: Interval of searches for large faces while some are tracked.
        fine: Interval of searches for all faces while some are tracked.
        still: Interval of searches for all faces while nothing moves.
        confirm: After which a tracked face is searched again in its own region.
        carry: How long landmarks alone may track a face that the detector misses.
    """

    alone: float
    coarse: float
    fine: float
    still: float
    confirm: float
    carry: float


@dataclass(frozen=True, slots=True)
class InitiationThresholds:
    """What a detection needs to start a track (track initiation).

    Attributes:
        considered: Score from which it may be a new face.
        likely: Score from which it is likely a face, and counts as left out where there is no
            room for more.
        certain: Score from which it starts a track without a closer look.
        verified: Score after a closer look from which it does.
    """

    considered: float
    likely: float
    certain: float
    verified: float


class Detector(Protocol):
    """Finds faces in a picture."""

    @property
    def intervals(self) -> DetectionIntervals: ...

    @property
    def initiation(self) -> InitiationThresholds: ...

    def detect(
        self, luma: UInt8Array, *, size: int = FINE, threshold: float = THRESHOLD
    ) -> list[Detection]:
        """Faces, best first.

        Args:
            luma: Brightness, shape (height, width).
            size: Longer side to which a larger picture is shrunk first, pixels.
            threshold: Lowest score.
        """
        ...

    def detect_near(
        self, luma: UInt8Array, box: Box, *, threshold: float = THRESHOLD
    ) -> list[Detection]:
        """Faces about the size of ``box``, at most half its width away from it, best first."""
        ...

    def look_closer(
        self, luma: UInt8Array, found: Detection, *, any_roll: bool = False
    ) -> Detection:
        """A doubtful detection with its score and box after closer looks at its region.

        Args:
            luma: Brightness, shape (height, width).
            found: The detection.
            any_roll: Whether it may be a face at another roll than its points say.
        """
        ...

    def alignments(self, detection: Detection) -> list[Alignment]:
        """The squares in which to place landmarks on a detected face, the most likely first."""
        ...


class NetworkDetector:
    """The detector network.

    Args:
        network: Takes ``picture``, gives (N, places, 16); see ``networks.detector.Decoded``.
            Without the last value, the verification, it can't look closer.
    """

    intervals: DetectionIntervals = DetectionIntervals(
        alone=0.24, coarse=0.24, fine=0.96, still=3.84, confirm=0.5, carry=1.5
    )
    # chosen on everyday clips of people it was trained on
    initiation: InitiationThresholds = InitiationThresholds(
        considered=0.25, likely=0.72, certain=0.9, verified=THRESHOLD
    )

    def __init__(self, network: Runnable) -> None:
        self._network = network

    def detect(
        self, luma: UInt8Array, *, size: int = FINE, threshold: float = THRESHOLD
    ) -> list[Detection]:
        """Faces in a picture, best first; see ``Detector``."""
        rows, columns = luma.shape
        whole = Box(0, 0, columns, rows)
        sizes = {shown_size(columns, rows, longest) for longest in (size, COARSE)}
        shown, found = luma, []
        for width, height in sorted(sizes, reverse=True):
            shown = resize(shown, width, height)
            found.append(self._run(shown, whole, threshold))
        return _detections(np.concatenate(found))

    def detect_near(
        self, luma: UInt8Array, box: Box, *, threshold: float = THRESHOLD
    ) -> list[Detection]:
        """Faces about a known box, best first; see ``Detector``."""
        region = around_face(box, _NEAR_SIZE / _NEAR_FACE)
        shown = resample(luma, region, _NEAR_SIZE, _NEAR_SIZE)
        found = _detections(self._run(shown, region, threshold))
        return [one for one in found if is_near(box, one.box)]

    def look_closer(
        self, luma: UInt8Array, found: Detection, *, any_roll: bool = False
    ) -> Detection:
        """With the mean of all boxes; see ``Detector``.

        Looks at each of the sizes, and mirrored, as long as it may still be a face; one that its
        points say is turned is made upright first. The logit of its score is the mean of the
        verification's, which counts twice, and of the detector's scores, less ``STRICTNESS`` or
        ``LIKELY_STRICTNESS``. With ``any_roll``, what is no face this way is looked at again at
        the likeliest of eight rolls, which costs ``ROLL_STRICTNESS``.
        """
        likely = found.score >= self.initiation.likely
        strictness = LIKELY_STRICTNESS if likely else STRICTNESS
        roll = 0.0 if found.points is None else square_of_points(found.points).roll
        looked = self._look(luma, found, roll, strictness)
        if not any_roll or looked.score >= self.initiation.verified:
            return looked
        roll = self._likeliest_roll(luma, found)
        turned = self._look(luma, found, roll, strictness + ROLL_STRICTNESS)
        if turned.score < looked.score:
            return looked
        return replace(turned, points=square_of_box(found.box, roll).from_shares(FIVE_POINTS))

    def _look(
        self, luma: UInt8Array, found: Detection, roll: float, strictness: float
    ) -> Detection:
        """Closer looks at a face with a roll, radians."""
        seen, verified, evidence = [(found.score, found.box)], list[float](), 0.0
        for view in _looks(luma, found.box, roll):
            answers = self._network.run(picture=view.shown[np.newaxis, ..., np.newaxis])[0]
            verified.append(view.verification(answers))
            seen.append(view.best(answers))
            scored = float(np.mean([logit(score) for score, _ in seen]))
            evidence = _evidence(float(np.mean(verified)), scored) - strictness
            if evidence < DISMISSED:
                break
        weights = [score for score, _ in seen]
        edges = np.average([_edges(box) for _, box in seen], axis=0, weights=weights)
        return replace(found, box=Box(*edges.tolist()), score=1 / (1 + math.exp(-evidence)))

    def _likeliest_roll(self, luma: UInt8Array, found: Detection) -> float:
        """The one of ``_ROLLS`` at which a detection looks most like a face, radians."""
        rolls = [math.radians(degrees) for degrees in _ROLLS]
        views = [next(_looks(luma, found.box, roll)) for roll in rolls]
        every = self._network.run(picture=np.stack([view.shown for view in views])[..., np.newaxis])
        seen = [
            _evidence(view.verification(answers), logit(view.best(answers)[0]))
            for view, answers in zip(views, every, strict=True)
        ]
        return rolls[int(np.argmax(seen))]

    def alignments(self, detection: Detection) -> list[Alignment]:
        """From the five points; then from the box, rotated in eighths of a turn.

        The points of faces rotated by more than about 30 degrees cannot be trusted.
        """
        if detection.points is None:
            raise ValueError("A detection of the network has five points.")
        turned = [square_of_box(detection.box, math.radians(degrees)) for degrees in _ROLLS]
        return [square_of_points(detection.points), *turned]

    def _run(self, shown: UInt8Array, region: Box, threshold: float) -> FloatArray:
        """The network's output for a region, in the region's pixels."""
        height, width = shown.shape
        answers = self._network.run(picture=shown[np.newaxis, ..., np.newaxis])[0]
        return _located(answers[answers[:, 0] >= threshold], region, width, height)


def square_of_box(box: Box, roll: float) -> Alignment:
    """Where landmarks are placed on a face with a box and a roll, radians."""
    side = math.sqrt(box.area) * _SQUARE
    down = _BELOW * side
    x, y = box.center
    return Alignment(x - down * math.sin(roll), y + down * math.cos(roll), side, roll)


def _located(answers: FloatArray, region: Box, width: int, height: int) -> FloatArray:
    """The network's output for a region shown at a size, in the region's pixels; in place."""
    answers[:, 1:15:2] = answers[:, 1:15:2] * (region.width / width) + region.left
    answers[:, 2:15:2] = answers[:, 2:15:2] * (region.height / height) + region.top
    return answers


def _best_at(answers: FloatArray, known: Box) -> tuple[float, Box]:
    """Score and box of the best detection at a known place; 0 and that place without any."""
    shared = _shared_areas(np.array(_edges(known), np.float32), answers[:, 1:5])
    areas = np.prod(np.clip(answers[:, 3:5] - answers[:, 1:3], 0, None), axis=1)
    scores = np.where(shared / (areas + known.area - shared) > OVERLAP, answers[:, 0], 0.0)
    best = answers[scores.argmax()]
    return (float(best[0]), Box(*best[1:5].tolist())) if scores.any() else (0.0, known)


def central_places(size: int) -> list[list[int]]:
    """The locations around the centre of a square view, less than a stride away.

    Args:
        size: Width and height of the view, pixels; a multiple of the strides.

    Returns:
        A list for each of ``VERIFIED_STRIDES``.
    """
    places, first = [], 0
    for stride in STRIDES:
        side = size // stride
        middle = range((side - 1) // 2, side // 2 + 1)
        if stride in VERIFIED_STRIDES:
            places.append([first + row * side + column for row in middle for column in middle])
        first += side**2
    return places


def _detections(answers: FloatArray) -> list[Detection]:
    """Each face once, best first."""
    answers = answers[(answers[:, 3] > answers[:, 1]) & (answers[:, 4] > answers[:, 2])]
    return [_detection(row) for row in answers[suppressed(answers, OVERLAP)]]


def _detection(row: FloatArray) -> Detection:
    """From one row of the network's output."""
    return Detection(Box(*row[1:5].tolist()), float(row[0]), row[5:15].reshape(5, 2))


def logit(score: float) -> float:
    """Logarithm of the odds, between those of 0.01 and 0.99."""
    score = min(max(score, 0.01), 0.99)
    return math.log(score / (1 - score))


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def around_face(box: Box, cover: float) -> Box:
    """The square about a face's box that is ``cover`` times as large as its longer side, pixels."""
    x, y = box.center
    half = max(box.width, box.height) * cover / 2
    return Box(x - half, y - half, x + half, y + half)


@dataclass(frozen=True, slots=True)
class _View:
    """A closer look at a face.

    Attributes:
        face: The box of the face that is looked at, pixels of the picture.
        where: What the view shows.
        shown: Its pixels.
        is_mirrored: Whether they are mirrored.
    """

    face: Box
    where: Alignment
    shown: UInt8Array
    is_mirrored: bool

    def verification(self, answers: FloatArray) -> float:
        """The mean logit of the verification in the view's middle."""
        places = central_places(len(self.shown))
        return float(np.mean([answers[level, _VERIFICATION].mean() for level in places]))

    def best(self, answers: FloatArray) -> tuple[float, Box]:
        """Score and box of the face, the latter in the picture, by what the network says."""
        size, region = len(self.shown), self.where.box
        located = _located(answers, region, size, size)
        known = _mirrored(self.face, region) if self.is_mirrored else self.face
        score, box = _best_at(located, known)
        box = _mirrored(box, region) if self.is_mirrored else box
        return score, box_in_picture(box, self.where)


def _looks(luma: UInt8Array, box: Box, roll: float) -> Iterator[_View]:
    """Closer looks at a face with a roll, radians."""
    for face, size in LOOKS:
        region = around_face(box, size / face)
        where = Alignment(*region.center, region.width, roll)
        shown = roughly_upright_view(luma, where, size)
        yield _View(box, where, shown, is_mirrored=False)
        yield _View(box, where, np.ascontiguousarray(shown[:, ::-1]), is_mirrored=True)


def box_in_picture(box: Box, where: Alignment) -> Box:
    """A face's box in an upright view, in the picture: about the turned ellipse that fills it."""
    if not where.turn:
        return box
    cosine, sine = math.cos(where.turn), math.sin(where.turn)
    x, y = box.center[0] - where.x, box.center[1] - where.y
    x, y = where.x + x * cosine - y * sine, where.y + x * sine + y * cosine
    return turned_face_box(x, y, box.width, box.height, where.turn)


def _evidence(verified: float, scored: float) -> float:
    """Evidence of a face, from the means of its verification's logits and of its scores'."""
    return (2 * verified + scored) / 3


def _mirrored(box: Box, region: Box) -> Box:
    """The box in a region's mirror image."""
    both = region.left + region.right
    return Box(both - box.right, box.top, both - box.left, box.bottom)


def make_detector(profile: Profile) -> Detector:
    """The profile's face detector.

    Raises:
        ModelError: The detector network is missing or altered, or made for another version.
        MissingExtraError: dlib, with which the profile ``paper`` finds faces, is not installed.
    """
    if profile.detector_model:
        return NetworkDetector(load_network(profile.detector_model))
    from sentistream.vision.hog_detector import HogDetector

    return HogDetector()


def looked_at_closer(
    detector: Detector, luma: UInt8Array, found: Sequence[Detection]
) -> list[Detection]:
    """Detections after closer looks, best first; of those that turn out to be one face, the best.

    Those that start a track without a closer look only get a better box; those that are not
    considered as new faces do not become likelier.

    Args:
        detector: The detector.
        luma: The picture's brightness, shape (height, width).
        found: What it found there.
    """
    looked = []
    for one in found:
        considered = one.score >= detector.initiation.considered
        nearer = detector.look_closer(luma, one, any_roll=considered)
        if one.score >= detector.initiation.certain:
            nearer = replace(nearer, score=one.score)
        elif not considered:
            nearer = replace(nearer, score=min(nearer.score, one.score))
        looked.append(nearer)
    rows = np.array([(one.score, *_edges(one.box)) for one in looked], np.float32)
    return [looked[place] for place in suppressed(rows.reshape(-1, 5), OVERLAP)]


def is_near(known: Box, found: Box) -> bool:
    """Whether a face at ``found`` may be the one last seen at ``known``."""
    (x, y), (other_x, other_y) = known.center, found.center
    size, other = (known.width + known.height) / 2, (found.width + found.height) / 2
    return math.hypot(x - other_x, y - other_y) < 0.75 * size and 0.6 < other / size < 1.67


def shown_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Width and height of the network's input for a picture, pixels.

    Pictures are shrunk to the given longer side, and enlarged only as far as rounding requires.
    """
    scale = min(1.0, longest / max(width, height))
    across, down = (round(side * scale / MULTIPLE) * MULTIPLE for side in (width, height))
    return max(MULTIPLE, across), max(MULTIPLE, down)


def _shared_areas(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Areas that one box, (4,), shares with others, (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return np.asarray(np.prod(np.clip(high - low, 0, None), axis=1), dtype=np.float32)


def suppressed(found: FloatArray, overlap: float) -> NDArray[np.intp]:
    """Indices of the best detection of each face, best first (non-maximum suppression).

    Args:
        found: Score, left, top, right and bottom in the first five columns, shape (N, 5 or more).
        overlap: Intersection over union above which the lower score is dropped.
    """
    order = np.argsort(-found[:, 0], kind="stable")
    boxes = found[:, 1:5]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        shared = _shared_areas(boxes[best], boxes[rest])
        apart = shared <= overlap * (areas[best] + areas[rest] - shared)
        # a part of a face, such as a mouth, is not a separate face
        order = rest[apart & (shared <= WITHIN * np.minimum(areas[best], areas[rest]))]
    return np.array(kept, np.intp)

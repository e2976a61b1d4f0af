"""Follows faces from picture to picture: landmarks carry them, the detector vouches for them.

Detection is dear and landmarks are cheap, so a known face is carried by placing its points
anew inside the frame of its last ones. The detector looks at it again every ``CONFIRM``
seconds, and at once when its picture changes abruptly, and the whole picture is scanned
for new faces now and then. A face that the detector does not vouch for is dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sentistream.media.picture import resample
from sentistream.types import Box, Face, FloatArray, Picture, UInt8Array
from sentistream.vision.detector import Detection, FaceDetector
from sentistream.vision.landmarks import LandmarkPredictor
from sentistream.vision.shape import extent, frame, is_face_like

CONFIRM = 0.2
"""Seconds after which the detector looks at a known face again."""

CARRY = 0.3
"""Seconds for which landmarks alone may carry a face that the detector keeps missing."""

MEMORY = 1.0
"""Seconds for which a face that was lost keeps its track."""

SEARCH = 0.2
"""Seconds between scans of the whole picture while no face is known."""

WATCH = 1.0
"""Seconds between scans of the whole picture while a face is known."""

HASTE = 0.1
"""Seconds between scans when the scene has changed since the last, as at a cut."""

LOOK_BACK = 0.1
"""Seconds between looks at the place where a face was lost."""

_REGION = 1.7  # a region looked at, in widths of the face
_LOST_REGION = 2.4
_SECOND_LOOK = 0.1  # score that a new face needs at a second scale; false ones fall below
_STILL_THERE = 0.0  # score that a known face needs; less gains nothing on the sample clips
_SAME_PLACE = 0.35  # intersection over union of a face's frame and its detection
_AGREES = 0.5  # below, the points have slipped and are placed anew
_DOUBLE = 0.5  # above, two tracks follow one face
# correlation of a face's brightness in successive pictures, at its place or at its points: on
# the sample clips 0.92 and more at 30 a second, 0.57 and more at 10; at most 0.82 across a cut
# to another person in the same room, mostly below 0.4
_ALIKE = 0.85
_ALIKE_LATER = 0.5
_LATER = 0.08  # seconds
_SAME_SCENE = 0.6
_THUMB = 16
_GLANCE = 64  # pixels across that are enough to know a face or a scene by


@dataclass(slots=True)
class _Track:
    number: int
    landmarks: FloatArray
    score: float
    confirmed_at: float
    seen_at: float
    looked_at: float
    look: FloatArray
    found: bool = True
    confirmed: bool = True
    missed: bool = False
    place: Box = field(init=False)

    def __post_init__(self) -> None:
        self.place = frame(self.landmarks)

    def move(self, landmarks: FloatArray) -> None:
        self.landmarks = landmarks
        self.place = frame(landmarks)


class FaceTracker:
    """Faces of successive pictures, each with the number of the person it follows.

    Args:
        max_faces: At most so many at once; the largest are kept.

    Raises:
        ModelError: The landmark model is missing or altered.
    """

    def __init__(self, *, max_faces: int = 16) -> None:
        if max_faces < 1:
            raise ValueError(f"At least one face has to be allowed, not {max_faces}.")
        self._max_faces = max_faces
        self._detector = FaceDetector()
        self._predictor = LandmarkPredictor()
        self._next_number = 1
        self.reset()

    def reset(self, *, renumber: bool = False) -> None:
        """Forgets all faces; numbers go on, or start from 1 again for another source."""
        if renumber:
            self._next_number = 1
        self._tracks: list[_Track] = []
        self._picture: Picture | None = None
        self._faces: list[Face] = []
        self._time = -math.inf
        self._scanned_at = -math.inf
        self._scene: FloatArray = np.zeros(_THUMB**2, np.float32)

    def update(self, picture: Picture, time: float) -> list[Face]:
        """The faces in ``picture``, in the order of their track numbers.

        Args:
            picture: The same object as before costs nothing and gives the same faces.
            time: Its time in seconds. A step back starts anew.

        Returns:
            Faces whose ``box`` is the box about their landmarks, brow to chin.
        """
        if picture is self._picture:
            return list(self._faces)
        if time < self._time:
            self.reset()
        luma = picture.luma
        self._tracks = [track for track in self._tracks if time - track.seen_at <= MEMORY]
        self._carry(luma, time)
        self._look_back(luma, time)
        if self._scan_is_due(luma, time):
            self._scan(luma, time)
        self._picture, self._time = picture, time
        self._faces = [
            Face(
                track=track.number,
                box=extent(track.landmarks),
                landmarks=track.landmarks,
                score=track.score,
                confirmed=track.confirmed,
                missed=track.missed,
            )
            for track in sorted(self._tracks, key=lambda track: track.number)
            if track.found
        ]
        return list(self._faces)

    def _carry(self, luma: UInt8Array, time: float) -> None:
        """Moves the known faces to this picture and has the doubtful ones confirmed."""
        doubtful: list[_Track] = []
        abrupt: set[int] = set()
        alike = _ALIKE if time - self._time < _LATER else _ALIKE_LATER
        tracks = [track for track in self._tracks if track.found]
        for track in tracks:
            track.confirmed = False
            unmoved = _likeness(track.look, _look(luma, track.place))
            points = self._predictor.predict(luma, track.place)
            plausible = is_face_like(points) and frame(points).iou(track.place) > _SAME_PLACE
            if plausible:
                track.move(points)
            moved = _likeness(track.look, _look(luma, track.place))
            if not plausible or max(unmoved, moved) < alike:
                abrupt.add(track.number)
            if track.number in abrupt or time - track.confirmed_at >= CONFIRM:
                doubtful.append(track)
        for track in tracks:
            crowded = any(
                other is not track and other.place.iou(track.place) > _DOUBLE for other in tracks
            )
            if crowded and track not in doubtful:
                doubtful.append(track)
        self._confirm(luma, time, doubtful, abrupt, alike)
        for track in tracks:
            if track.found:
                track.seen_at = time
                track.look = _look(luma, track.place)

    def _confirm(
        self,
        luma: UInt8Array,
        time: float,
        doubtful: list[_Track],
        abrupt: set[int],
        alike: float,
    ) -> None:
        """Has the detector vouch for faces; those ``abrupt`` may be other people now."""
        detections: list[Detection] = []
        for track in doubtful:
            for detection in self._detector.detect(
                luma,
                track.place.scaled(_REGION),
                face_width=track.place.width,
                threshold=_STILL_THERE,
            ):
                if all(detection[0].iou(other) < _DOUBLE for other, _ in detections):
                    detections.append(detection)
        matches = _match(
            [track.place for track in doubtful], [box for box, _ in detections], _SAME_PLACE
        )
        for index, track in enumerate(doubtful):
            if index not in matches:
                overdue = time - track.confirmed_at >= CARRY
                doubled = any(
                    other.found and other is not track and other.place.iou(track.place) > _DOUBLE
                    for other in self._tracks
                )
                track.found = not (overdue or doubled or track.number in abrupt)
                track.looked_at, track.missed = time, True
                continue
            box, score = detections[matches[index]]
            if track.number in abrupt or track.place.iou(box) < _AGREES:
                points = self._predictor.predict(luma, box)
                if not is_face_like(points):
                    track.found = False
                    continue
                track.move(points)
            if track.number in abrupt and _likeness(track.look, _look(luma, track.place)) < alike:
                # another person at the same place: a track of its own
                self._tracks.remove(track)
                self._begin(luma, time, box, score)
                continue
            track.score, track.confirmed, track.confirmed_at = score, True, time
            track.missed = False

    def _look_back(self, luma: UInt8Array, time: float) -> None:
        """Looks for lost faces where they were."""
        for track in self._tracks:
            if track.found or time - track.looked_at < LOOK_BACK or self._is_full():
                continue
            track.looked_at = time
            for box, score in self._detector.detect(
                luma, track.place.scaled(_LOST_REGION), face_width=track.place.width
            ):
                if _near(track.place, box) and self._is_new(box) and self._is_sure(luma, box):
                    self._resume(luma, time, track, box, score)
                    break

    def _scan_is_due(self, luma: UInt8Array, time: float) -> bool:
        scene = _look(luma, Box(0, 0, luma.shape[1], luma.shape[0]))
        if not scene.any():
            return False  # an even picture holds no face
        known = any(track.found for track in self._tracks)
        since = time - self._scanned_at
        due = since >= (WATCH if known else SEARCH)
        if not due and since >= HASTE:
            due = _likeness(scene, self._scene) < _SAME_SCENE
        if due:
            self._scene = scene
        return due

    def _scan(self, luma: UInt8Array, time: float) -> None:
        """Looks for new faces everywhere."""
        self._scanned_at = time
        detections = [
            detection for detection in self._detector.detect(luma) if self._is_new(detection[0])
        ]
        # the largest first: they are the ones kept where there are too many
        for box, score in sorted(detections, key=lambda detection: -detection[0].area):
            if self._is_full():
                return
            if not (self._is_new(box) and self._is_sure(luma, box)):
                continue
            lost = [track for track in self._tracks if not track.found and _near(track.place, box)]
            if lost:
                nearest = max(lost, key=lambda track: track.place.iou(box))
                self._resume(luma, time, nearest, box, score)
            else:
                self._begin(luma, time, box, score)

    def _is_full(self) -> bool:
        return sum(track.found for track in self._tracks) >= self._max_faces

    def _is_new(self, box: Box) -> bool:
        return all(
            not track.found or (track.place.iou(box) < _SAME_PLACE and not _holds(track.place, box))
            for track in self._tracks
        )

    def _is_sure(self, luma: UInt8Array, box: Box) -> bool:
        """Whether the detector sees the face at another scale too."""
        again = self._detector.detect(
            luma, box.scaled(_REGION), face_width=box.width, threshold=_SECOND_LOOK
        )
        return any(other.iou(box) > _SAME_PLACE for other, _ in again)

    def _begin(self, luma: UInt8Array, time: float, box: Box, score: float) -> None:
        points = self._predictor.predict(luma, box)
        if is_face_like(points):
            look = _look(luma, frame(points))
            self._tracks.append(_Track(self._next_number, points, score, time, time, time, look))
            self._next_number += 1

    def _resume(self, luma: UInt8Array, time: float, track: _Track, box: Box, score: float) -> None:
        points = self._predictor.predict(luma, box)
        if is_face_like(points):
            track.move(points)
            track.score, track.found, track.confirmed, track.missed = score, True, True, False
            track.confirmed_at = track.seen_at = time
            track.look = _look(luma, track.place)


def _look(luma: UInt8Array, box: Box) -> FloatArray:
    """The brightness within a box in little, of zero mean and unit length, shape (256,)."""
    step = max(1, int(min(box.width, box.height) // _GLANCE))
    box = Box(box.left / step, box.top / step, box.right / step, box.bottom / step)
    values = resample(luma[::step, ::step], box, _THUMB, _THUMB).astype(np.float32).ravel()
    values -= values.mean()
    length = float(np.sqrt((values**2).sum()))
    return values / length if length > 1 else np.zeros_like(values)


def _likeness(one: FloatArray, other: FloatArray) -> float:
    return float(one @ other)


def _near(place: Box, box: Box) -> bool:
    """Whether a face at ``box`` may be the one lost at ``place``."""
    (x, y), (other_x, other_y) = place.center, box.center
    distance = math.hypot(x - other_x, y - other_y)
    return distance < place.width and 0.5 < box.width / place.width < 2


def _holds(place: Box, box: Box) -> bool:
    x, y = box.center
    inside = place.scaled(0.6)
    return inside.left < x < inside.right and inside.top < y < inside.bottom


def _match(places: list[Box], boxes: list[Box], least: float) -> dict[int, int]:
    """Pairs places with boxes, the best overlap first; each is paired once at most."""
    overlaps = sorted(
        ((place.iou(box), i, j) for i, place in enumerate(places) for j, box in enumerate(boxes)),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for overlap, i, j in overlaps:
        if overlap >= least and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs

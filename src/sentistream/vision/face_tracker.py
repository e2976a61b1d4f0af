"""Face tracking by detection, with landmarks between detections.

The detector runs on the whole picture at intervals. Its detections are associated with tracks by
overlap with their predicted boxes, high scores first, then low ones (ByteTrack, Zhang et al.
2022). In between, a face is propagated by predicting its landmarks again; if that fails, the
detector runs on that face's region only. No appearance features are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sentistream.types import Box, Face, FloatArray, Picture, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_detector import (
    COARSE,
    FINE,
    Detection,
    Detector,
    is_near,
)
from sentistream.vision.face_geometry import detector_square, extent, mean_landmarks
from sentistream.vision.head_pose import head_pose
from sentistream.vision.landmarker import Landmarker, predict_best
from sentistream.vision.scene_change import SceneChangeDetector

MEMORY = 1.0
"""How long a lost face keeps its track, seconds."""

RETRY_AFTER, RETRY_AT_LATEST = 0.45, 3.6
"""After how long a place where a closer look saw no face is looked at again, seconds: at first, and
at most. It doubles with each look."""

MAX_FACES = 16
"""Default for the most faces that are tracked at once."""

HIGH, LOW = 0.45, 0.25
"""Scores from which a detection continues a track that is lost, or lacks landmarks, and any other
track."""

AGREES = 0.3
"""Lowest intersection over union of a track with its detection, and from picture to picture."""

_SAME_PLACE = 0.5  # overlap of a detection with one that was rejected
_TURNED = 0.7  # score from which a new face is tried at other rotations
_SLIPPED = 0.5  # below this overlap with the detection, landmarks are predicted again
_DOUBLE = 0.5  # above this overlap, two tracks are on one face
_LOOK_AGAIN = 0.09  # seconds between searches for a lost face
_DAMPING = 0.5  # decay of a track's speed, from one picture to the next
_FASTEST = 2.0  # face widths a second


@dataclass(slots=True)
class _Track:
    """A tracked face.

    Attributes:
        number: Its track number.
        square: Where its landmarks are placed.
        landmarks: Its newest points, shape (68, 2), pixels.
        box: Its box as the detector would draw it, pixels.
        detected: The detector's last box.
        score: The detector's latest score.
        time: Time of the newest picture in which it was found, seconds.
        detected_at: When the detector last found it.
        looked_at: When the detector last searched for it.
        readable: Whether its points come from the landmarker.
        speed: Velocity of its centre, pixels a second.
        confirmed: Whether the detector found it in the newest picture.
    """

    number: int
    square: Alignment
    landmarks: FloatArray
    box: Box
    detected: Box
    score: float
    time: float
    detected_at: float
    looked_at: float
    readable: bool
    speed: tuple[float, float] = (0.0, 0.0)
    confirmed: bool = True

    def expected(self, time: float) -> Box:
        """Predicts the box by uniform motion."""
        later = min(time - self.time, MEMORY / 2)
        across, down = self.speed[0] * later, self.speed[1] * later
        box = self.box
        return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)

    def move(self, square: Alignment, landmarks: FloatArray, time: float, box: Box | None) -> None:
        """Updates its position in a new picture; without a box, the old one moves along."""
        later = time - self.time
        across, down = square.x - self.square.x, square.y - self.square.y
        if box is None:
            scale = square.side / self.square.side
            x, y = self.box.center
            # the box keeps its position relative to the square
            x = square.x + (x - self.square.x) * scale
            y = square.y + (y - self.square.y) * scale
            half_width, half_height = self.box.width * scale / 2, self.box.height * scale / 2
            box = Box(x - half_width, y - half_height, x + half_width, y + half_height)
        if later > 0:
            most = _FASTEST * self.square.side
            new = (max(-most, min(most, step / later)) for step in (across, down))
            new_x, new_y = new
            self.speed = (
                self.speed[0] + _DAMPING * (new_x - self.speed[0]),
                self.speed[1] + _DAMPING * (new_y - self.speed[1]),
            )
        self.square, self.landmarks, self.box, self.time = square, landmarks, box, time


@dataclass(frozen=True, slots=True)
class _Rejected:
    """A place where a closer look saw no face.

    Attributes:
        box: The detection's, pixels.
        time: When it was looked at, seconds.
        wait: For how long it is not looked at again, seconds.
        any_roll: Whether a face was looked for at any roll, too.
    """

    box: Box
    time: float
    wait: float
    any_roll: bool


class FaceTracker:
    """Tracks faces through successive pictures.

    Args:
        detector: Finds faces.
        landmarker: Places their points.
        max_faces: The most faces at once; the largest are kept.

    Attributes:
        left_out: Faces that the last search found but that are not tracked, because there are
            more than ``max_faces``.

    Raises:
        ValueError: ``max_faces`` allows no face.
    """

    def __init__(
        self, detector: Detector, landmarker: Landmarker, *, max_faces: int = MAX_FACES
    ) -> None:
        if max_faces < 1:
            raise ValueError(f"At least one face has to be allowed, not {max_faces}.")
        self._max_faces = max_faces
        self._landmarker = landmarker
        self._detector = detector
        self._next_number = 1
        self.reset()

    def reset(self, *, renumber: bool = False) -> None:
        """Drops all tracks; numbers continue, or restart from 1 for another source."""
        if renumber:
            self._next_number = 1
        self._tracks: list[_Track] = []
        self._rejected: list[_Rejected] = []
        self._picture: Picture | None = None
        self._faces: list[Face] = []
        self._time = -math.inf
        self._coarse_at = self._fine_at = -math.inf
        self._scene = SceneChangeDetector()
        self.left_out: int = 0

    def update(self, picture: Picture, time: float) -> list[Face]:
        """The faces in ``picture``, in the order of their track numbers.

        Args:
            picture: The same object as before costs nothing and returns the same faces.
            time: Its time in seconds. A step back resets the tracker.
        """
        if picture is self._picture:
            return list(self._faces)
        if time < self._time:
            self.reset()
        luma = picture.luma
        if self._scene.is_cut(luma):
            self._tracks, self._rejected, self._fine_at = [], [], -math.inf
        self._tracks = [track for track in self._tracks if time - track.time <= MEMORY]
        self._propagate(luma, time)
        self._search(luma, time)
        self._redetect(luma, time)
        self._end_duplicates(time)
        self._picture, self._time = picture, time
        self._faces = [
            _face(track)
            for track in sorted(self._tracks, key=lambda track: track.number)
            if track.time == time
        ]
        return list(self._faces)

    def _propagate(self, luma: UInt8Array, time: float) -> None:
        """Propagates the faces of the last picture to this one by their landmarks."""
        for track in self._tracks:
            track.confirmed = False
        carried = [
            track
            for track in self._tracks
            if track.readable
            and track.time == self._time
            and time - track.detected_at < self._detector.intervals.carry
            # points that can be placed on anything drift off unless the detector sees a face
            and (self._landmarker.detects_faces or track.looked_at == track.detected_at)
        ]
        placed = self._landmarker.predict(luma, [track.square for track in carried])
        for track, (points, is_face, _) in zip(carried, placed, strict=True):
            if not is_face:
                continue
            square = detector_square(points)
            if square.box.iou(track.square.box) > AGREES:
                track.move(square, points, time, None)

    def _search(self, luma: UInt8Array, time: float) -> None:
        """Runs the detector on the whole picture if that is due."""
        intervals = self._detector.intervals
        # while no face is tracked, or one is lost, the fine search for small faces runs more often
        followed = bool(self._tracks) and all(track.time == time for track in self._tracks)
        since = time - self._fine_at
        coarse = time - self._coarse_at >= intervals.coarse - 1e-6
        fine = since >= (intervals.fine if followed else intervals.alone) - 1e-6 and (
            since >= intervals.still - 1e-6 or (coarse and self._needs_fine_search(time))
        )
        if not (coarse or fine):
            return
        self._coarse_at = time
        if fine:
            self._fine_at = time
            self._scene.set_reference()
        size = FINE if fine else COARSE
        found = self._detector.detect(luma, size=size, threshold=LOW)
        left = [track for track in self._tracks if track.time == time]
        lost = [track for track in self._tracks if track.time < time]
        # faces in view are matched with detections first, lost ones last
        for tracks, low, high in ((left, HIGH, 2.0), (left, LOW, HIGH), (lost, HIGH, 2.0)):
            some = [one for one in found if low <= one.score < high]
            matched = _associate([track.expected(time) for track in tracks], some)
            for track, detection in [(tracks[at], one) for at, one in matched.items()]:
                self._update_track(luma, time, track, detection)
                found.remove(detection)
                tracks.remove(track)
        self._start_tracks(luma, time, found, fine)

    def _needs_fine_search(self, time: float) -> bool:
        """Whether anything moves besides the people who are tracked, or the last search missed a
        tracked face: it may be too small for the coarse search, or its landmarks drift."""
        missed = any(
            track.time < time or track.detected_at != self._coarse_at for track in self._tracks
        )
        return missed or self._scene.has_moved([_body(track.box) for track in self._tracks])

    def _redetect(self, luma: UInt8Array, time: float) -> None:
        """Runs the detector on the regions of faces that are lost or long unconfirmed."""
        for track in self._tracks:
            lost = track.time < time
            if not (lost or time - track.detected_at >= self._detector.intervals.confirm):
                continue
            before = track.time == self._time and lost  # lost in this very picture
            if time - track.looked_at < _LOOK_AGAIN and not before:
                continue
            track.looked_at = time
            place = track.expected(time)
            others = [other for other in self._tracks if other is not track and other.time == time]
            # a face without landmarks is tracked only while the detector is confident
            least = LOW if track.readable else HIGH
            for one in self._detector.detect_near(luma, place, threshold=least):
                free = not any(_matches(other, one.box) for other in others)
                if free and is_near(place, one.box):
                    self._update_track(luma, time, track, one)
                    break

    def _update_track(
        self, luma: UInt8Array, time: float, track: _Track, detection: Detection
    ) -> None:
        """Updates a track with its detection."""
        squares = self._detector.alignments(detection)
        square = squares[0]
        carried = track.time == time
        agree = self._landmarker.detects_faces or square.box.iou(track.square.box) > _SLIPPED
        if carried and track.readable and agree:
            track.box = detection.box
        else:
            placed = self._landmarks(luma, detection, squares)
            if placed is None:
                return
            square, points, track.readable = placed
            track.move(square, points, time, detection.box)
        track.score, track.confirmed, track.detected = detection.score, True, detection.box
        track.detected_at = track.looked_at = time

    def _landmarks(
        self, luma: UInt8Array, detection: Detection, squares: Sequence[Alignment]
    ) -> tuple[Alignment, FloatArray, bool] | None:
        """Landmarks of a detected face, or those of an average face if its own cannot be placed.

        Returns:
            Their square, the points, and whether they are its own. None if neither is usable:
            without its own points, a detection is only as good as its landmarks.
        """
        points, is_face, _ = predict_best(self._landmarker, luma, squares)
        if is_face:
            return detector_square(points), points, True
        if detection.points is None:
            return None
        return squares[0], mean_landmarks(squares[0]), False

    def _start_tracks(
        self, luma: UInt8Array, time: float, found: Sequence[Detection], fine: bool
    ) -> None:
        """Starts tracks for new faces, the largest first."""
        left_out, new = 0, self._detector.initiation
        may_turn = True  # one detection a search, as any roll takes as long as eight looks
        self._rejected = [one for one in self._rejected if time - one.time < 2 * one.wait]
        for one in sorted(found, key=lambda one: -one.box.area):
            known = (track for track in self._tracks if track.time == time)
            if one.score < new.considered or any(_matches(track, one.box) for track in known):
                continue
            likely = one.score >= new.likely
            if sum(track.time == time for track in self._tracks) >= self._max_faces:
                left_out += likely
                continue
            rejected = next(
                (it for it in self._rejected if it.box.iou(one.box) > _SAME_PLACE), None
            )
            if rejected and not likely and time - rejected.time < rejected.wait:
                continue
            looked, any_roll = one, rejected is not None and rejected.any_roll
            if one.score < new.certain:
                turned = may_turn and rejected is not None and not any_roll
                may_turn, any_roll = may_turn and not turned, any_roll or turned
                looked = self._detector.look_closer(luma, one, any_roll=turned)
            face = replace(one, points=looked.points)
            lost = [
                track
                for track in self._tracks
                if track.time < time
                and (is_near(track.expected(time), one.box) or is_near(track.detected, one.box))
            ]
            if lost and looked.score >= LOW:
                nearest = max(lost, key=lambda track: track.expected(time).iou(one.box))
                self._update_track(luma, time, nearest, face)
                continue
            track = self._new_track(luma, time, face) if looked.score >= new.verified else None
            if rejected:
                self._rejected.remove(rejected)
            if track is None:
                wait = min(2 * rejected.wait, RETRY_AT_LATEST) if rejected else RETRY_AFTER
                self._rejected.append(_Rejected(one.box, time, wait, any_roll))
            else:
                self._tracks.append(track)
        if fine:
            self.left_out = left_out

    def _new_track(self, luma: UInt8Array, time: float, found: Detection) -> _Track | None:
        """A track for a new face; None if its landmarks cannot be placed."""
        squares = self._detector.alignments(found)
        placed = self._landmarks(luma, found, squares if found.score >= _TURNED else squares[:1])
        if placed is None:
            return None
        square, points, readable = placed
        number, self._next_number = self._next_number, self._next_number + 1
        return _Track(
            number, square, points, found.box, found.box, found.score, time, time, time, readable
        )

    def _end_duplicates(self, time: float) -> None:
        """If two tracks are on one face, ends the one that was detected less recently."""
        followed = [track for track in self._tracks if track.time == time]
        for track in sorted(followed, key=lambda track: (track.detected_at, -track.number)):
            rivals = (other for other in followed if other is not track and other.time == time)
            if any(_overlap(other, track) > _DOUBLE for other in rivals):
                track.time = math.nextafter(time, -math.inf)


def _face(track: _Track) -> Face:
    return Face(
        track=track.number,
        box=extent(track.landmarks),
        landmarks=track.landmarks,
        score=track.score,
        confirmed=track.confirmed,
        missed=track.looked_at > track.detected_at,
        pose=head_pose(track.landmarks),
        readable=track.readable,
    )


def _body(face: Box) -> Box:
    """Where the head and body of a person may be: from above the face to the picture's bottom."""
    wide, high = 1.5 * face.width, 0.5 * face.height
    return Box(face.left - wide, face.top - high, face.right + wide, face.bottom + 20 * face.height)


def _overlap(one: _Track, other: _Track) -> float:
    """Intersection over union of two tracks' boxes, or of their landmarks' squares."""
    return max(one.box.iou(other.box), one.square.box.iou(other.square.box))


def _matches(track: _Track, found: Box) -> bool:
    """Whether a detection is of a tracked face: they overlap, or one contains the other."""
    x, y = found.center
    for known in (track.box, track.square.box):
        inside = known.scaled(0.6)
        held = inside.left < x < inside.right and inside.top < y < inside.bottom
        if held or known.iou(found) >= AGREES:
            return True
    return False


def _associate(places: Sequence[Box], found: Sequence[Detection]) -> dict[int, Detection]:
    """Matches detections with tracks, the best overlap first."""
    overlaps = sorted(
        (
            (place.iou(one.box), -i, -j)
            for i, place in enumerate(places)
            for j, one in enumerate(found)
        ),
        reverse=True,
    )
    pairs: dict[int, Detection] = {}
    taken: set[int] = set()
    for overlap, i, j in overlaps:
        if overlap >= AGREES and -i not in pairs and -j not in taken:
            pairs[-i] = found[-j]
            taken.add(-j)
    return pairs

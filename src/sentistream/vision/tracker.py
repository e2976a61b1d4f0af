"""Follows faces from picture to picture: points carry them, the detector vouches for them.

Detection is dear and points are cheap, so a known face is carried by placing its points
anew inside the frame of its last ones. The detector looks at it again from time to time, and
at once when its picture changes abruptly, and searches for new faces where something has
changed. A face that the detector does not vouch for is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sentistream.runtime.asking import Asking
from sentistream.types import Box, Face, Picture, UInt8Array
from sentistream.vision.changes import SceneChanges
from sentistream.vision.detector import ENLARGING, Detection, FaceDetector, smallest_face
from sentistream.vision.lookout import Lookout
from sentistream.vision.placing import Placer
from sentistream.vision.shape import extent, frame, is_face_like
from sentistream.vision.tracks import Track, holds, likeness, look_of, match, near

MEMORY = 1.0
"""Seconds for which a face that was lost keeps its track."""

SEARCH = 0.2
"""Seconds between searches of what has changed while no face is known."""

WATCH = 1.0
"""Seconds between searches of what has changed while a face is known."""

AFRESH = 2.0
"""Seconds between searches of the whole picture while no face is known, changed or not."""

AFRESH_BESIDE = 8.0
"""Seconds between searches of the whole picture while a face is known."""

HASTE = 0.1
"""Seconds between searches when the scene has changed since the last, as at a cut."""

LOOK_BACK = 0.1
"""Seconds between looks at the place where a face was lost."""

_REGION = 1.7  # a region looked at, in widths of the face
_LOST_REGION = 2.4
_ROUND_A_FACE = 1.5  # what moves about a known face belongs to it
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


class FaceTracker:
    """Faces of successive pictures, each with the number of the person it follows.

    Args:
        placer: Places the points.
        max_faces: At most so many at once; the largest are kept.
    """

    def __init__(self, placer: Placer, *, max_faces: int = 16) -> None:
        if max_faces < 1:
            raise ValueError(f"At least one face has to be allowed, not {max_faces}.")
        self._max_faces = max_faces
        self._placer = placer
        self._detector = FaceDetector()
        self._lookout = Lookout(FaceDetector())
        self._next_number = 1
        self.reset()

    def reset(self, *, renumber: bool = False) -> None:
        """Forgets all faces; numbers go on, or start from 1 again for another source."""
        if renumber:
            self._next_number = 1
        self._tracks: list[Track] = []
        self._picture: Picture | None = None
        self._faces: list[Face] = []
        self._time = -math.inf
        self._searched_at = self._searched_all_at = -math.inf
        self._scene = SceneChanges()
        self._lookout.forget()
        self._left_out = 0

    @property
    def left_out(self) -> int:
        """Faces that the last search found but that are not followed, because of ``max_faces``."""
        return self._left_out if self._is_full() else 0

    def update(self, picture: Picture, time: float) -> Asking[list[Face]]:
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
        yield from self._carry(luma, time)
        yield from self._look_back(luma, time)
        yield from self._search(luma, time)
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

    def _carry(self, luma: UInt8Array, time: float) -> Asking[None]:
        """Moves the known faces to this picture and has the doubtful ones confirmed."""
        tracks = [track for track in self._tracks if track.found]
        alike = _ALIKE if time - self._time < _LATER else _ALIKE_LATER
        places = [track.place for track in tracks]
        placements = yield from self._placer.place(luma, places)
        abrupt: set[int] = set()
        looks = {}
        for track, (points, is_face) in zip(tracks, placements, strict=True):
            track.confirmed = False
            before = track.place
            plausible = is_face and is_face_like(points) and frame(points).iou(before) > _SAME_PLACE
            if plausible:
                track.move(points)
            looks[track.number] = look_of(luma, track.place)
            if not plausible or (
                likeness(track.look, looks[track.number]) < alike
                and likeness(track.look, look_of(luma, before)) < alike
            ):
                abrupt.add(track.number)
        yield from self._hear_back(luma, time)
        doubtful = [
            track
            for track in tracks
            if track.number in abrupt
            or any(o is not track and o.place.iou(track.place) > _DOUBLE for o in tracks)
        ]
        yield from self._confirm(luma, time, doubtful, abrupt, alike)
        for track in tracks:
            if not track.found:
                continue
            if track not in doubtful:
                self._order_confirmation(luma, time, track)
            track.seen_at = time
            moved = track.number not in looks or track in doubtful
            track.look = look_of(luma, track.place) if moved else looks[track.number]

    def _order_confirmation(self, luma: UInt8Array, time: float, track: Track) -> None:
        """Has the detector look at a face whose last confirmation is long past."""
        waited = time - (track.looked_at if track.missed else track.confirmed_at)
        pause = self._placer.look_again if track.missed else self._placer.confirm
        if waited >= pause and not self._lookout.has_order(track.number):
            self._lookout.order(
                luma,
                time,
                track.place.scaled(_REGION),
                track=track.number,
                face_width=track.place.width,
                threshold=_STILL_THERE,
            )

    def _hear_back(self, luma: UInt8Array, time: float) -> Asking[None]:
        """Takes in what ordered looks have found."""
        for order, detections in self._lookout.answers(time):
            if order.track is None:
                yield from self._take_in(luma, time, detections)
                continue
            for track in self._tracks:
                if track.number == order.track and track.found:
                    matches = match([track.place], [box for box, _ in detections], _SAME_PLACE)
                    yield from self._judge(
                        luma, time, track, detections[matches[0]] if matches else None
                    )

    def _judge(
        self, luma: UInt8Array, time: float, track: Track, detection: Detection | None
    ) -> Asking[None]:
        """What the detector's look at a face means for it."""
        if detection is None:
            track.looked_at, track.missed = time, True
            overdue = time - track.confirmed_at >= self._placer.carry
            doubled = any(
                other.found and other is not track and other.place.iou(track.place) > _DOUBLE
                for other in self._tracks
            )
            track.found = not (overdue or doubled)
            return
        box, score = detection
        if track.place.iou(box) < _AGREES:
            ((points, is_face),) = yield from self._placer.place(luma, [box])
            if not (is_face and is_face_like(points)):
                track.found = False
                return
            track.move(points)
        track.confirm(score, time)

    def _confirm(
        self,
        luma: UInt8Array,
        time: float,
        doubtful: Sequence[Track],
        abrupt: set[int],
        alike: float,
    ) -> Asking[None]:
        """Has the detector vouch for faces now; those ``abrupt`` may be other people."""
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
        matches = match(
            [track.place for track in doubtful], [box for box, _ in detections], _SAME_PLACE
        )
        for index, track in enumerate(doubtful):
            answered = detections[matches[index]] if index in matches else None
            if track.number not in abrupt or answered is None:
                yield from self._judge(luma, time, track, answered)
                track.found = track.found and track.number not in abrupt
                continue
            place, score = answered
            ((points, is_face),) = yield from self._placer.place(luma, [place])
            if not (is_face and is_face_like(points)):
                track.found = False
                continue
            track.move(points)
            if likeness(track.look, look_of(luma, track.place)) < alike:
                # another person at the same place: a track of its own
                self._tracks.remove(track)
                yield from self._begin(luma, time, place, score)
                continue
            track.confirm(score, time)

    def _look_back(self, luma: UInt8Array, time: float) -> Asking[None]:
        """Looks for lost faces where they were."""
        for track in list(self._tracks):
            if track.found or time - track.looked_at < LOOK_BACK or self._is_full():
                continue
            track.looked_at = time
            for box, score in self._detector.detect(
                luma, track.place.scaled(_LOST_REGION), face_width=track.place.width
            ):
                if near(track.place, box) and self._is_new(box) and self._is_sure(luma, box):
                    yield from self._resume(luma, time, track, box, score)
                    break

    def _search(self, luma: UInt8Array, time: float) -> Asking[None]:
        """Looks for new faces where something has changed, and now and then everywhere."""
        scene = self._scene
        scene.see(luma)
        if scene.is_even:
            return
        known = [track.place for track in self._tracks if track.found]
        cut = time - self._searched_at >= HASTE and scene.is_other_scene
        due = time - self._searched_at >= (WATCH if known else SEARCH)
        afresh = time - self._searched_all_at >= (AFRESH_BESIDE if known else AFRESH)
        if not (cut or due) or self._lookout.has_order(None):
            return
        rows, columns = luma.shape
        smallest = smallest_face(columns, rows)
        region = None
        if not (cut or afresh):
            around = [place.scaled(_ROUND_A_FACE) for place in known]
            region = scene.changed(around, margin=smallest / 2)
            if region is None:
                return
        else:
            self._searched_all_at = time
        self._searched_at = time
        scene.searched(everywhere=region is None)
        width = smallest if region is None else smallest * ENLARGING
        if known:
            self._lookout.order(luma, time, region, face_width=width)
        else:
            found = self._detector.detect(luma, region, face_width=width)
            yield from self._take_in(luma, time, found)

    def _take_in(
        self, luma: UInt8Array, time: float, detections: Sequence[Detection]
    ) -> Asking[None]:
        """Follows those faces that are new."""
        # the largest first: they are the ones kept where there are too many
        left_out = 0
        for box, score in sorted(detections, key=lambda detection: -detection[0].area):
            if not (self._is_new(box) and self._is_sure(luma, box)):
                continue
            if self._is_full():
                left_out += 1
                continue
            lost = [track for track in self._tracks if not track.found and near(track.place, box)]
            if lost:
                nearest = max(lost, key=lambda track: track.place.iou(box))
                yield from self._resume(luma, time, nearest, box, score)
            else:
                yield from self._begin(luma, time, box, score)
        everywhere = self._searched_all_at == self._searched_at
        self._left_out = left_out if everywhere else max(left_out, self._left_out)

    def _is_full(self) -> bool:
        return sum(track.found for track in self._tracks) >= self._max_faces

    def _is_new(self, box: Box) -> bool:
        return all(
            not track.found or (track.place.iou(box) < _SAME_PLACE and not holds(track.place, box))
            for track in self._tracks
        )

    def _is_sure(self, luma: UInt8Array, box: Box) -> bool:
        """Whether the detector sees the face at another scale too."""
        again = self._detector.detect(
            luma, box.scaled(_REGION), face_width=box.width, threshold=_SECOND_LOOK
        )
        return any(other.iou(box) > _SAME_PLACE for other, _ in again)

    def _begin(self, luma: UInt8Array, time: float, box: Box, score: float) -> Asking[None]:
        ((points, is_face),) = yield from self._placer.place(luma, [box])
        if is_face and is_face_like(points):
            look = look_of(luma, frame(points))
            self._tracks.append(Track(self._next_number, points, score, time, time, time, look))
            self._next_number += 1

    def _resume(
        self, luma: UInt8Array, time: float, track: Track, box: Box, score: float
    ) -> Asking[None]:
        ((points, is_face),) = yield from self._placer.place(luma, [box])
        if is_face and is_face_like(points):
            track.move(points)
            track.found = True
            track.confirm(score, time)
            track.seen_at = time
            track.look = look_of(luma, track.place)

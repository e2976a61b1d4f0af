"""Thumbnails of each appearance, spread over its time, with their explanations."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image

from sentistream.explanation import (
    ClassifyFace,
    FaceView,
    face_classifier,
    occlude_regions,
    view_face,
)
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS, Box, Distribution, Label, Moment, Picture, Reading
from sentistream.values import ByValue

SIDE = 112
"""Pixels of a thumbnail's side."""
SPREAD = 8
"""Most pictures kept over time for a track."""
THUMBNAIL_TRACKS = 64
"""Most tracks whose pictures are kept."""
STEP = 0.05
"""By how much a new extreme must beat the old one, in probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail(ByValue):
    """A small picture of a face.

    Attributes:
        time: Seconds.
        jpeg: The file's bytes.
        label: The face's label then.
        smoothed: The smoothed answer at that time, if any.
        face_view: The face network's input; None if it gave no answer.
    """

    time: float
    jpeg: bytes
    label: Label
    smoothed: Distribution | None
    face_view: FaceView | None = None

    @property
    def uri(self) -> str:
        """The picture as a ``data:`` address."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


@dataclass(slots=True)
class _TrackThumbnails:
    interval: float = 0.5
    seen: int = 0
    spread: list[Thumbnail] = field(default_factory=list)
    extremes: dict[Label, Thumbnail] = field(default_factory=dict)


class Thumbnails:
    """Keeps, for each track, pictures spread over time and the two extremes.

    Args:
        profile: The profile of the readings.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._tracks: dict[int, _TrackThumbnails] = {}

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Consider one moment; most are dropped."""
        for reading in readings:
            if reading.face is None:
                continue
            track = self._tracks.get(reading.face.track)
            if track is None:
                track = self._tracks[reading.face.track] = _TrackThumbnails()
                self._forget_shortest(reading.face.track)
            track.seen += 1
            self._consider(track, moment.picture, reading)

    def of(self, track: int, count: int = 6) -> list[Thumbnail]:
        """At most ``count`` pictures of a track in order of time, including its extremes."""
        kept = self._tracks.get(track)
        if kept is None:
            return []
        chosen = {item.time: item for item in kept.extremes.values()}
        room = max(count - len(chosen), 0)
        others = [
            item
            for item in kept.spread
            if all(abs(item.time - time) > kept.interval / 2 for time in chosen)
        ]
        for index in range(min(room, len(others))):
            item = others[index * len(others) // min(room, len(others))]
            chosen[item.time] = item
        return [chosen[time] for time in sorted(chosen)]

    def _consider(self, track: _TrackThumbnails, picture: Picture, reading: Reading) -> None:
        due = not track.spread or reading.time - track.spread[-1].time >= track.interval
        beaten = [
            label
            for label in (Label.POSITIVE, Label.NEGATIVE)
            if reading.smoothed is not None
            and reading.label is label
            and getattr(reading.smoothed, label) >= _extreme(track, label) + STEP
        ]
        if not due and not beaten:
            return
        thumbnail = _cut(picture, reading, self._profile)
        for label in beaten:
            track.extremes[label] = thumbnail
        if due:
            track.spread.append(thumbnail)
            if len(track.spread) > SPREAD:
                del track.spread[1::2]
                track.interval *= 2

    def _forget_shortest(self, newest: int) -> None:
        if len(self._tracks) > THUMBNAIL_TRACKS:
            others = (track for track in self._tracks if track != newest)
            del self._tracks[min(others, key=lambda track: self._tracks[track].seen)]


def _extreme(track: _TrackThumbnails, label: Label) -> float:
    held = track.extremes.get(label)
    if held is None or held.smoothed is None:
        return -STEP
    return float(getattr(held.smoothed, label))


def _cut(picture: Picture, reading: Reading, profile: Profile) -> Thumbnail:
    assert reading.face is not None  # noqa: S101 - the caller has looked
    box = reading.face.box
    half = 0.7 * max(box.width, box.height)
    x, y = box.center
    square = Box(x - half, y - half, x + half, y + half)
    pixels = picture.crop(square, SIDE, SIDE)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=72)
    seen = None
    if reading.smoothed is not None:
        seen = view_face(picture, reading.face, profile, shown=False)
    return Thumbnail(reading.time, data.getvalue(), reading.label, reading.smoothed, seen)


MIN = 0.02
"""By how much a part of the face must change the answer to be named, in probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Reason(ByValue):
    """What the face network relied on in one picture.

    Attributes:
        time: Of the picture, seconds.
        label: The explained class: the most probable one then.
        regions: By how much each part of the face speaks for it, -1 to 1.
    """

    time: float
    label: Label
    regions: Mapping[str, float]

    @property
    def strongest(self) -> str | None:
        """The part that speaks for the answer the most; None if none does noticeably."""
        name, change = max(self.regions.items(), key=lambda part: part[1])
        return name if change >= MIN else None


class Reasons:
    """Explains which part of the face the thumbnails' answers rest on."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._classify: ClassifyFace | None = None

    def of(self, thumbnail: Thumbnail) -> Reason | None:
        """None if no answer was given of the face.

        Raises:
            ModelError: The face network's file is missing or altered.
        """
        if thumbnail.face_view is None or thumbnail.smoothed is None:
            return None
        if self._classify is None:
            self._classify = face_classifier(self._profile)
        label = thumbnail.smoothed.label
        place = SENTIMENTS.index(label.value)
        return Reason(
            thumbnail.time, label, occlude_regions(thumbnail.face_view, self._classify, place)
        )

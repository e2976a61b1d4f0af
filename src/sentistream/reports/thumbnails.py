"""A few small pictures of each appearance, chosen while the video runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from sentistream.types import Box, Distribution, Label, Moment, Picture, Reading

SIDE = 112
"""Pixels of a thumbnail's side."""
SPREAD = 8
"""Most pictures kept over time for a track."""
APPEARANCES = 64
"""Most tracks whose pictures are kept."""
STEP = 0.05
"""By how much a new extreme must beat the old one, in probability."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a face.

    Attributes:
        time: Seconds.
        jpeg: The file's bytes.
        smoothed: What was said at that time, if anything.
    """

    time: float
    jpeg: bytes
    label: Label
    smoothed: Distribution | None

    @property
    def uri(self) -> str:
        """The picture as a ``data:`` address."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


@dataclass(slots=True)
class _Track:
    interval: float = 0.5
    seen: int = 0
    spread: list[Thumbnail] = field(default_factory=list)
    extremes: dict[Label, Thumbnail] = field(default_factory=dict)


class Thumbnails:
    """Keeps, for each track, pictures spread over time and the two extremes."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Look at one moment; most are let go."""
        for reading in readings:
            if reading.face is None:
                continue
            track = self._tracks.get(reading.face.track)
            if track is None:
                track = self._tracks[reading.face.track] = _Track()
                self._forget_shortest(reading.face.track)
            track.seen += 1
            self._consider(track, moment.picture, reading)

    def of(self, track: int, count: int = 6) -> list[Thumbnail]:
        """At most ``count`` pictures of a track in order of time, its extremes among them."""
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

    def _consider(self, track: _Track, picture: Picture, reading: Reading) -> None:
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
        thumbnail = _cut(picture, reading)
        for label in beaten:
            track.extremes[label] = thumbnail
        if due:
            track.spread.append(thumbnail)
            if len(track.spread) > SPREAD:
                del track.spread[1::2]
                track.interval *= 2

    def _forget_shortest(self, newest: int) -> None:
        if len(self._tracks) > APPEARANCES:
            others = (track for track in self._tracks if track != newest)
            del self._tracks[min(others, key=lambda track: self._tracks[track].seen)]


def _extreme(track: _Track, label: Label) -> float:
    held = track.extremes.get(label)
    if held is None or held.smoothed is None:
        return -STEP
    return float(getattr(held.smoothed, label))


def _cut(picture: Picture, reading: Reading) -> Thumbnail:
    assert reading.face is not None  # noqa: S101 - the caller has looked
    box = reading.face.box
    half = 0.7 * max(box.width, box.height)
    x, y = box.center
    square = Box(x - half, y - half, x + half, y + half)
    pixels = picture.crop(square, SIDE, SIDE)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=72)
    return Thumbnail(reading.time, data.getvalue(), reading.label, reading.smoothed)

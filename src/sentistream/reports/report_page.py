"""``report.html``: one self-contained page that a shop owner understands."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from sentistream import parquet
from sentistream.reports.output_files import Output, write_atomically
from sentistream.reports.report_wording import (
    COLORS,
    FLAG_WORDS,
    WORDS,
    clock,
    count,
    faults_in_words,
    headline,
    length,
    percent,
)
from sentistream.reports.summary_file import SummaryFile, Tally
from sentistream.reports.timeline_chart import Chart, Timeline, chart, ticks
from sentistream.types import SENTIMENTS, Box, Branch, Distribution, Label, Moment, Picture, Reading
from sentistream.values import ByValue

APPEARANCES = 12
"""Most appearances shown with a chart of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance(ByValue):
    """One appearance, as the page shows it."""

    track: int
    tally: Tally
    chart: Chart
    thumbnails: list[Thumbnail]


class ReportPage(Output):
    """``report.html``: no script, no network, light and dark, readable aloud.

    Args:
        path: The file; replaced where it exists.
        summary: Where the numbers come from; it must be given each moment before this one.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        images: Whether to show small pictures of the people.
    """

    def __init__(
        self, path: Path, summary: SummaryFile, *, mouth_threshold: float, images: bool = True
    ) -> None:
        self._path = path
        self._summary = summary
        self._timeline = Timeline(mouth_threshold)
        self._thumbnails = Thumbnails() if images else None

    def open(self) -> None:
        """Nothing is written before the end."""

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self._timeline.add(moment.time, readings)
        if self._thumbnails is not None:
            self._thumbnails.add(moment, readings)

    def close(self, *, complete: bool) -> None:
        write_atomically(self._path, self._render(self._summary.facts(complete=complete)))

    def _render(self, facts: dict[str, Any]) -> str:
        statistics = self._summary.statistics
        seconds = max(facts["seconds_analyzed"], self._timeline.width)
        start = self._timeline.start
        tracks = sorted(statistics.tracks.items(), key=lambda item: -item[1].readings)
        appearances = [
            self._appearance(track, tally, seconds) for track, tally in tracks[:APPEARANCES]
        ]
        environment = Environment(
            loader=PackageLoader("sentistream.reports"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(percent=_percent, clock=clock, lasting=length)
        return environment.get_template("report.html.j2").render(
            facts=facts,
            overall=statistics.overall,
            headline=headline(statistics.overall.label, statistics.overall.answer),
            sentence=_sentence(facts, statistics.overall),
            appearances=sorted(appearances, key=lambda each: each.track),
            others=statistics.appearances - len(appearances),
            ticks=ticks(start, seconds),
            left_out=_left_out(facts),
            sources=_sources(statistics.overall),
            notes=_notes(facts, statistics.overall),
            images=self._thumbnails is not None,
            has_parquet=parquet.is_available(),
            sentiments=SENTIMENTS,
            colors={label.value: color for label, color in COLORS.items()},
            words={label.value: word for label, word in WORDS.items()},
            count=count,
        )

    def _appearance(self, track: int, tally: Tally, seconds: float) -> Appearance:
        timeline = self._timeline
        bins = timeline.tracks.get(track, {})
        return Appearance(
            track=track,
            tally=tally,
            chart=chart(bins, timeline.width, timeline.start, seconds),
            thumbnails=self._thumbnails.of(track) if self._thumbnails else [],
        )


def _percent(share: float) -> str:
    """Percent whose sign never moves to the next line."""
    return percent(share).replace(" %", "\N{NO-BREAK SPACE}%")


def _sentence(facts: dict[str, Any], overall: Tally) -> str:
    watched = length(facts["seconds_analyzed"])
    if not facts["moments_with_face"]:
        return (
            f"In {watched} of video sentistream found no face, "
            "so it says nothing about how anyone felt."
        )
    seen = _percent(facts["moments_with_face"] / facts["moments"])
    appearances = count(facts["appearances"], "appearance")
    if overall.answer is None:
        return (
            f"In {watched} of video sentistream counted {appearances} of faces ({seen} of the "
            "time), but could not give an answer."
        )
    said = (*SENTIMENTS, Label.UNKNOWN.value) if overall.labels[Label.UNKNOWN.value] else SENTIMENTS
    shares = ", ".join(f"{_percent(overall.share(name))} {name}" for name in said)
    return (
        f"In {watched} of video sentistream counted {appearances}; a face was in view "
        f"{seen} of the time. Moment by moment its readings of faces were {shares}."
    )


def _sources(overall: Tally) -> str:
    """How much of the answers came from the face and from the voice; empty without any."""
    alone, fused = (overall.branches[branch.value] for branch in (Branch.FACE, Branch.FUSED))
    if not alone + fused:
        return ""
    if not fused:
        return "The voice had no part in it: all readings rested on the face alone."
    told = f"{_percent(alone / (alone + fused))} of the readings rested on the face alone"
    share = overall.voice_share(Branch.FUSED)
    if share is None:
        return f"{told}, the others on face and voice together."
    return (
        f"{told}. Where a voice was heard too, on average {_percent(share)} of the answer came "
        "from it: the face alone would have given that part to other sentiments."
    )


def _left_out(facts: dict[str, Any]) -> str:
    """What the limit of faces followed at once has cut off; empty where it did not."""
    more = facts["more_faces"]
    if not more["moments"]:
        return ""
    followed = "face was" if more["limit"] == 1 else "faces were"
    share = _percent(more["moments"] / facts["moments"])
    return (
        f"At most {count(more['limit'], followed, followed)} followed at once. {share} of the time "
        f"there were more, up to {count(more['most_left_out'], 'more face')} at once; the largest "
        "were kept, and the others are counted nowhere. A higher --max-faces follows them too."
    )


def _notes(facts: dict[str, Any], overall: Tally) -> list[str]:
    """What lowers the quality of these very results, in words."""
    notes = []
    if not facts["complete"]:
        notes.append(
            "The analysis was stopped before the end of the video; "
            "this page shows what was seen until then."
        )
    if facts["input"].get("audio_codec", "") is None:
        notes.append("The video has no sound, so every answer comes from faces alone.")
    for flag, words in FLAG_WORDS.items():
        share = overall.flags[flag.value] / overall.readings if overall.readings else 0
        if share >= 0.005:
            notes.append(f"In {_percent(share)} of the readings {words}.")
    notes += facts["input"].get("remarks", ())
    notes += faults_in_words(facts["faults"], facts["input"].get("sizes", ()))
    if overall.label is Label.UNKNOWN:
        notes.append("Faces were seen, but none clearly enough for an answer.")
    return notes


SIDE = 112
"""Pixels of a thumbnail's side."""
SPREAD = 8
"""Most pictures kept over time for a track."""
THUMBNAIL_TRACKS = 64
"""Most tracks whose pictures are kept."""
STEP = 0.05
"""By how much a new extreme must beat the old one, in probability."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a face.

    Attributes:
        time: Seconds.
        jpeg: The file's bytes.
        smoothed: The smoothed answer at that time, if any.
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
class _TrackThumbnails:
    interval: float = 0.5
    seen: int = 0
    spread: list[Thumbnail] = field(default_factory=list)
    extremes: dict[Label, Thumbnail] = field(default_factory=dict)


class Thumbnails:
    """Keeps, for each track, pictures spread over time and the two extremes."""

    def __init__(self) -> None:
        self._tracks: dict[int, _TrackThumbnails] = {}

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Look at one moment; most are let go."""
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
        thumbnail = _cut(picture, reading)
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

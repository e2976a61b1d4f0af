"""Sentiment over time: bounded bins, and the lanes of the report's common timeline.

A lane's shapes are in a coordinate system one unit wide per bin and 100 high, which the page
stretches and zooms by its ``viewBox``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from sentistream.reports.report_wording import clock, percent
from sentistream.reports.summary_file import MAX_LISTED_TRACKS
from sentistream.tables import mouth_state
from sentistream.types import Reading
from sentistream.values import ByValue

HEIGHT = 100
"""Of a lane's field; shares of 0 to 1 fill it."""
STRIP = 16
"""Height of the fields of the open mouth and of the voice's share."""
TABLE_ROWS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_UNKNOWN, _ABSENT = 255, 254

BINS = 1440
FINEST = 0.1
"""Seconds of the first bins."""


@dataclass(slots=True)
class Bin:
    """Sums over the readings of one stretch of time.

    Attributes:
        readings: How many.
        weighed: How many had smoothed probabilities.
        sums: Of the smoothed probabilities, in the order of ``SENTIMENTS``.
        mouths: How many had a known mouth.
        opened: How many had an open one.
        heard: For how many the voice share is known.
        voice: Sum of these shares.
    """

    readings: int = 0
    weighed: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    mouths: int = 0
    opened: int = 0
    heard: int = 0
    voice: float = 0.0

    def add(self, reading: Reading, mouth_threshold: float) -> None:
        """Count one reading."""
        self.readings += 1
        if reading.smoothed is not None:
            self.weighed += 1
            for position, value in enumerate(reading.smoothed.as_tuple()):
                self.sums[position] += value
        state = mouth_state(reading.mouth_open, mouth_threshold)
        self.mouths += state is not None
        self.opened += state == "open"
        if reading.voice_share is not None:
            self.heard += 1
            self.voice += reading.voice_share

    def merge(self, other: Bin) -> None:
        """Count the readings of another bin, too."""
        self.readings += other.readings
        self.weighed += other.weighed
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.mouths += other.mouths
        self.opened += other.opened
        self.heard += other.heard
        self.voice += other.voice

    @property
    def mean(self) -> tuple[float, float, float] | None:
        """Mean smoothed probabilities; None if there were none."""
        if not self.weighed:
            return None
        positive, neutral, negative = (value / self.weighed for value in self.sums)
        return positive, neutral, negative

    @property
    def open_share(self) -> float | None:
        """Part of the readings with a known mouth in which it is open, 0 to 1."""
        return self.opened / self.mouths if self.mouths else None

    @property
    def voice_share(self) -> float | None:
        """Mean part of the answers that came from the voice, 0 to 1; None if not known."""
        return self.voice / self.heard if self.heard else None


class Timeline:
    """Bins of one width for all tracks; the width doubles when the time no longer fits.

    So an hour takes no more memory than a minute, without knowing the length in advance.

    Args:
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        bins: Most bins over the whole time.
        finest: Seconds of the first bins.

    Attributes:
        width: Seconds per bin.
        tracks: The bins of each of the first ``MAX_LISTED_TRACKS`` tracks, by index from ``start``.
        together: The bins of all readings, including later tracks.
    """

    def __init__(self, mouth_threshold: float, bins: int = BINS, finest: float = FINEST) -> None:
        self._threshold = mouth_threshold
        self._bins = bins
        self._start: float | None = None
        self._last = 0.0
        self._looked: set[int] = set()
        self.width: float = finest
        self.tracks: dict[int, dict[int, Bin]] = {}
        self.together: dict[int, Bin] = {}

    @property
    def start(self) -> float:
        """Time of the first moment, seconds; 0 without one."""
        return self._start or 0.0

    @property
    def looked(self) -> list[int]:
        """The bins in which there was a moment, in order."""
        return sorted(self._looked)

    def add(self, time: float, readings: Sequence[Reading]) -> None:
        """Count one moment."""
        if self._start is None:
            self._start = time
        while self._index(time) >= self._bins:
            self._halve()
        index = self._index(time)
        self._looked.add(index)
        for reading in readings:
            if reading.track is None:
                continue
            self.together.setdefault(index, Bin()).add(reading, self._threshold)
            if reading.track not in self.tracks and len(self.tracks) >= MAX_LISTED_TRACKS:
                continue
            bins = self.tracks.setdefault(reading.track, {})
            bins.setdefault(index, Bin()).add(reading, self._threshold)

    def _index(self, time: float) -> int:
        return max(0, int((time - self.start) / self.width))

    def _halve(self) -> None:
        self.width *= 2
        self._looked = {index // 2 for index in self._looked}
        self.together = _halved(self.together)
        self.tracks = {track: _halved(bins) for track, bins in self.tracks.items()}


def _halved(bins: Mapping[int, Bin]) -> dict[int, Bin]:
    merged: dict[int, Bin] = {}
    for index, bin_ in bins.items():
        if index // 2 in merged:
            merged[index // 2].merge(bin_)
        else:
            merged[index // 2] = bin_
    return merged


@dataclass(frozen=True, slots=True, eq=False)
class Lane(ByValue):
    """One line of the timeline: an appearance, several that do not overlap, or all together.

    Attributes:
        name: Its name.
        short: A short name for narrow space.
        tracks: The tracks on it; empty if it is the mean of all.
        present: Outline of where a face was tracked with an answer, as an SVG path;
            it has the colour of positive.
        neutral: Outline of neutral and negative together.
        negative: Outline of negative.
        unclear: Where a face was tracked without an answer.
        mouth: Where the mouth was open more often than not; ``STRIP`` high.
        voice: The voice share of the answer; ``STRIP`` high.
        parts: For each track (0 for all together) its first bin, and four bytes for each bin
            from there on, in base64: positive, negative, open mouth and the voice's share in half
            percent; 255 is "not known", 254 "not there".
    """

    name: str
    short: str
    tracks: tuple[int, ...]
    present: str
    neutral: str
    negative: str
    unclear: str
    mouth: str
    voice: str
    parts: list[tuple[int, int, str]]


def lanes(timeline: Timeline, own: Sequence[int]) -> list[Lane]:
    """The lanes of a timeline.

    Args:
        timeline: With all readings.
        own: The tracks with their own lane, in order; the others share lanes.

    Returns:
        All together, if there are several tracks; those of ``own``; and the others, as many per
        lane as do not overlap.
    """
    looked = timeline.looked
    found = []
    if len(timeline.tracks) > 1:
        found.append(_lane("All together", "all", looked, {0: timeline.together}))
    for track in own:
        bins = {track: timeline.tracks[track]}
        found.append(_lane(f"Appearance {track}", str(track), looked, bins))
    others = {track: bins for track, bins in timeline.tracks.items() if track not in set(own)}
    for row in _packed(others):
        name, short = (f"Appearance {row[0]}", str(row[0])) if len(row) == 1 else ("Others", "…")
        found.append(_lane(name, short, looked, {track: others[track] for track in row}))
    return found


def _packed(tracks: Mapping[int, Mapping[int, Bin]]) -> list[list[int]]:
    """Tracks in rows in which no two share a bin."""
    rows: list[list[int]] = []
    ends: list[int] = []
    for track, bins in sorted(tracks.items(), key=lambda item: (min(item[1]), item[0])):
        first, last = min(bins), max(bins)
        row = next((row for row, end in enumerate(ends) if end < first), None)
        if row is None:
            rows.append([track])
            ends.append(last)
        else:
            rows[row].append(track)
            ends[row] = last
    return rows


def _lane(
    name: str, short: str, looked: Sequence[int], tracks: Mapping[int, Mapping[int, Bin]]
) -> Lane:
    runs = [run for bins in tracks.values() for run in _runs(bins, looked)]
    answered = [(run, _means(run)) for run in runs if run[0][1].weighed]
    return Lane(
        name=name,
        short=short,
        tracks=tuple(track for track in tracks if track),
        present="".join(_area(run, [0] * len(run), HEIGHT) for run, _ in answered),
        neutral="".join(_area(run, [p for p, _ in means], HEIGHT) for run, means in answered),
        negative="".join(
            _area(run, [HEIGHT - n for _, n in means], HEIGHT) for run, means in answered
        ),
        unclear="".join(
            _area(run, [0] * len(run), HEIGHT) for run in runs if not run[0][1].weighed
        ),
        mouth=_strip(runs, lambda bin_: float((bin_.open_share or 0) >= 0.5)),
        voice=_strip(runs, lambda bin_: bin_.voice_share or 0),
        parts=[_part(track, bins, looked) for track, bins in tracks.items() if bins],
    )


_Run: TypeAlias = list[tuple[int, Bin]]


def _runs(bins: Mapping[int, Bin], looked: Sequence[int]) -> Iterator[_Run]:
    """Consecutive bins, all with an answer or all without.

    A bin without any moment does not split a run; where nobody was tracked, the lane stays empty.
    """
    run: _Run = []
    for index in looked:
        bin_ = bins.get(index)
        if run and (bin_ is None or (bin_.weighed > 0) != (run[-1][1].weighed > 0)):
            yield run
            run = []
        if bin_ is not None:
            run.append((index, bin_))
    if run:
        yield run


def _means(run: _Run) -> list[tuple[int, int]]:
    """Positive and negative of each bin, in whole percent."""
    means = [bin_.mean for _, bin_ in run]
    return [(round(100 * mean[0]), round(100 * mean[2])) for mean in means if mean is not None]


def _area(run: _Run, tops: Sequence[int], height: int) -> str:
    """The outline of the area between ``tops``, counted from above, and the bottom."""
    if all(top == height for top in tops):
        return ""
    first, last = run[0][0], run[-1][0] + 1
    # to the edges of the first and last bin; in between from centre to centre
    corners = [(index + 0.5, top) for (index, _), top in zip(run, tops, strict=True)]
    corners = [*corners, (float(last), tops[-1])]
    path, x, y = f"M{first},{tops[0]}", float(first), tops[0]
    for (across, top), (_, follows) in pairwise([*corners, (0.0, -1)]):
        if top == y and follows == y:
            continue  # in the middle of a level line
        path += f"h{across - x:g}" if top == y else f"l{across - x:g},{top - y}"
        x, y = across, top
    return f"{path}V{height}H{first}z"


def _strip(runs: Sequence[_Run], share: Callable[[Bin], float]) -> str:
    """The outlines of a share over time, as columns."""
    path = []
    for run in runs:
        columns: list[tuple[int, int, int]] = []
        for index, bin_ in run:
            tall = round(STRIP * share(bin_))
            if columns and columns[-1][2] == tall:
                columns[-1] = (columns[-1][0], index + 1, tall)
            else:
                columns.append((index, index + 1, tall))
        path += [
            f"M{first},{STRIP}v-{tall}h{end - first}v{tall}z"
            for first, end, tall in columns
            if tall
        ]
    return "".join(path)


def _part(track: int, bins: Mapping[int, Bin], looked: Sequence[int]) -> tuple[int, int, str]:
    first, last = min(bins), max(bins)
    data = bytearray([_ABSENT] * 4 * (last - first + 1))
    for run in _runs(bins, looked):
        ends = [index for index, _ in run[1:]] + [run[-1][0] + 1]
        for (index, bin_), end in zip(run, ends, strict=True):
            mean = bin_.mean
            values = (
                _UNKNOWN if mean is None else round(200 * mean[0]),
                _UNKNOWN if mean is None else round(200 * mean[2]),
                _UNKNOWN if bin_.open_share is None else round(200 * bin_.open_share),
                _UNKNOWN if bin_.voice_share is None else round(200 * bin_.voice_share),
            )
            data[4 * (index - first) : 4 * (end - first)] = bytes(values) * (end - index)
    return track, first, base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis: ``place`` in percent of its length."""

    place: float
    text: str


def ticks(start: float, seconds: float, most: int = 8) -> list[Tick]:
    """Round times along an axis that starts at ``start`` and lasts ``seconds``."""
    step = next((step for step in _STEPS if seconds / step <= most), seconds / most)
    marks = []
    time = -(-start // step) * step
    while time <= start + seconds + 1e-9:
        marks.append(
            Tick(round(100 * (time - start) / max(seconds, 1e-9), 2), clock(time, tenths=step < 1))
        )
        time += step
    return marks


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the text table that stands for an appearance's lane."""

    time: str
    positive: str
    neutral: str
    negative: str
    mouth: str
    voice: str


def table_rows(bins: Mapping[int, Bin], width: float, start: float, seconds: float) -> list[Row]:
    """A track as a table of at most ``TABLE_ROWS`` + 1 lines.

    Args:
        bins: By index from ``start``.
        width: Seconds a bin.
        start: Media time of the first moment, seconds.
        seconds: Length of the time axis, seconds.
    """
    groups: dict[int, Bin] = {}
    each = max(seconds, width) / TABLE_ROWS
    for index, bin_ in sorted(bins.items()):
        groups.setdefault(int((index + 0.5) * width / each), Bin()).merge(bin_)
    rows = []
    for group, bin_ in groups.items():
        begin = clock(start + group * each, tenths=each < 2)
        end = clock(start + (group + 1) * each, tenths=each < 2)
        shares = bin_.mean or (None, None, None)
        told = (_known(share) for share in (*shares, bin_.open_share, bin_.voice_share))
        rows.append(Row(f"{begin} to {end}", *told))
    return rows


def _known(share: float | None) -> str:
    return "not known" if share is None else percent(share)

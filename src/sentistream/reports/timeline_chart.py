"""An appearance's sentiment over time: bounded bins, and the shapes of its chart.

Shapes lie in a 1000 x 100 field that the page stretches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sentistream.reports.readings_table import mouth_state
from sentistream.reports.report_wording import clock, percent
from sentistream.reports.summary_file import TRACKS_TOLD
from sentistream.types import SENTIMENTS, Reading
from sentistream.values import ByValue

WIDTH = 1000.0
HEIGHT = 100.0
TABLE_ROWS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis: ``place`` in percent of its length."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the chart from ``left``, ``width`` wide, and what it says."""

    left: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the text table that stands for the chart."""

    time: str
    positive: str
    neutral: str
    negative: str
    mouth: str


@dataclass(frozen=True, slots=True, eq=False)
class Chart(ByValue):
    """One appearance over time.

    Attributes:
        areas: Class and the outlines of its band, as SVG polygon points.
        mouth_open: Where the mouth was open more often than not.
        mouth_known: Where a mouth was seen.
        spans: What each stretch says when pointed at.
        rows: The same as text.
    """

    areas: list[tuple[str, list[str]]]
    mouth_open: list[Span]
    mouth_known: list[Span]
    spans: list[Span]
    rows: list[Row]


def chart(bins: Mapping[int, Bin], width: float, start: float, seconds: float) -> Chart:
    """The chart of one track.

    Args:
        bins: By index from ``start``.
        width: Seconds a bin.
        start: Media time of the first moment, seconds.
        seconds: Length of the time axis, seconds.
    """
    scale = WIDTH * width / max(seconds, width)
    areas: dict[str, list[str]] = {name: [] for name in SENTIMENTS}
    for run in _runs(bins):
        for name, outline in _bands(run, bins, scale):
            areas[name].append(outline)
    return Chart(
        areas=list(areas.items()),
        mouth_open=_stretches(bins, scale, lambda b: b.mouths > 0 and b.opened * 2 >= b.mouths),
        mouth_known=_stretches(bins, scale, lambda b: b.mouths > 0),
        spans=[_span(index, bins[index], scale, width, start) for index in sorted(bins)],
        rows=_rows(bins, width, start, seconds),
    )


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


def _runs(bins: Mapping[int, Bin]) -> Iterator[list[int]]:
    """Neighbouring bins with probabilities; where nobody was followed the chart stays empty."""
    run: list[int] = []
    for index in sorted(index for index, bin_ in bins.items() if bin_.weighed):
        if run and index != run[-1] + 1:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _bands(run: list[int], bins: Mapping[int, Bin], scale: float) -> Iterator[tuple[str, str]]:
    means = [bins[index].mean for index in run]
    shares = [mean for mean in means if mean is not None]
    places = [(index + 0.5) * scale for index in run]
    # out to the edges of the first and the last bin
    places = [run[0] * scale, *places, min((run[-1] + 1) * scale, WIDTH)]
    shares = [shares[0], *shares, shares[-1]]
    top = [0.0] * len(shares)
    for position, name in enumerate(SENTIMENTS):
        bottom = [y + share[position] * HEIGHT for y, share in zip(top, shares, strict=True)]
        there = [f"{x:.1f},{y:.1f}" for x, y in zip(places, top, strict=True)]
        back = [f"{x:.1f},{y:.1f}" for x, y in zip(places, bottom, strict=True)]
        yield name, " ".join([*there, *reversed(back)])
        top = bottom


def _stretches(bins: Mapping[int, Bin], scale: float, wanted: Callable[[Bin], bool]) -> list[Span]:
    spans: list[Span] = []
    previous = -2
    for index in sorted(bins):
        if not wanted(bins[index]):
            continue
        if spans and index == previous + 1:
            spans[-1] = Span(spans[-1].left, round(spans[-1].width + scale, 1), "")
        else:
            spans.append(Span(round(index * scale, 1), round(scale, 1), ""))
        previous = index
    return spans


def _span(index: int, bin_: Bin, scale: float, width: float, start: float) -> Span:
    text = f"{clock(start + index * width, tenths=width < 1)}: {_said(bin_)}"
    return Span(round(index * scale, 1), round(scale, 1), text)


def _said(bin_: Bin) -> str:
    mean = bin_.mean
    if mean is None:
        said = "a face, but no answer"
    else:
        said = ", ".join(
            f"{name} {percent(value)}" for name, value in zip(SENTIMENTS, mean, strict=True)
        )
    if bin_.mouths:
        said += f"; mouth open {percent(bin_.opened / bin_.mouths)} of the time"
    return said


def _rows(bins: Mapping[int, Bin], width: float, start: float, seconds: float) -> list[Row]:
    groups: dict[int, Bin] = {}
    each = max(seconds, width) / TABLE_ROWS
    for index, bin_ in sorted(bins.items()):
        groups.setdefault(int((index + 0.5) * width / each), Bin()).merge(bin_)
    rows = []
    for group, bin_ in groups.items():
        mean = bin_.mean
        if mean is None:
            positive = neutral = negative = "not known"
        else:
            positive, neutral, negative = (percent(value) for value in mean)
        mouth = percent(bin_.opened / bin_.mouths) if bin_.mouths else "not known"
        begin = clock(start + group * each, tenths=each < 2)
        end = clock(start + (group + 1) * each, tenths=each < 2)
        rows.append(Row(f"{begin} to {end}", positive, neutral, negative, mouth))
    return rows


BINS = 240
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
    """

    readings: int = 0
    weighed: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    mouths: int = 0
    opened: int = 0

    def merge(self, other: Bin) -> None:
        self.readings += other.readings
        self.weighed += other.weighed
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.mouths += other.mouths
        self.opened += other.opened

    @property
    def mean(self) -> tuple[float, float, float] | None:
        """Mean smoothed probabilities; None where there were none."""
        if not self.weighed:
            return None
        positive, neutral, negative = (value / self.weighed for value in self.sums)
        return positive, neutral, negative


class Timeline:
    """Bins of one width for all tracks; the width doubles when the time no longer fits.

    So an hour takes no more room than a minute, without knowing the length beforehand.
    """

    def __init__(self, mouth_threshold: float, bins: int = BINS, finest: float = FINEST) -> None:
        self._threshold = mouth_threshold
        self._bins = bins
        self._start: float | None = None
        self.width = finest
        self.tracks: dict[int, dict[int, Bin]] = {}

    @property
    def start(self) -> float:
        """Time of the first moment, seconds; 0 without one."""
        return self._start or 0.0

    def add(self, time: float, readings: Sequence[Reading]) -> None:
        """Count one moment."""
        if self._start is None:
            self._start = time
        while self._index(time) >= self._bins:
            self._halve()
        index = self._index(time)
        for reading in readings:
            if reading.track is None:
                continue
            if reading.track not in self.tracks and len(self.tracks) >= TRACKS_TOLD:
                continue
            bins = self.tracks.setdefault(reading.track, {})
            bin_ = bins.setdefault(index, Bin())
            bin_.readings += 1
            if reading.smoothed is not None:
                bin_.weighed += 1
                for position, value in enumerate(reading.smoothed.as_tuple()):
                    bin_.sums[position] += value
            state = mouth_state(reading.mouth_open, self._threshold)
            bin_.mouths += state is not None
            bin_.opened += state == "open"

    def _index(self, time: float) -> int:
        return max(0, int((time - self.start) / self.width))

    def _halve(self) -> None:
        self.width *= 2
        for track, bins in self.tracks.items():
            merged: dict[int, Bin] = {}
            for index, bin_ in bins.items():
                if index // 2 in merged:
                    merged[index // 2].merge(bin_)
                else:
                    merged[index // 2] = bin_
            self.tracks[track] = merged

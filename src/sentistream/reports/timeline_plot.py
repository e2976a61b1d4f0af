"""Sentiment over time drawn with matplotlib, for notebooks and papers."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sentistream.errors import MissingExtraError
from sentistream.reports.report_wording import COLORS, clock
from sentistream.types import SENTIMENTS, Label, Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 2000  # more than a plot has pixels
_GAP = 0.5  # seconds without a reading that show as a gap, or five times the usual
_LANE = 0.86  # of the room between two appearances

Point = tuple[float, int, tuple[float, float, float]]
"""Seconds, number of the appearance, and the three probabilities."""


def plot_timeline(
    readings: Iterable[Reading] | Any,
    *,
    tracks: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the smoothed probabilities of each appearance as a band over time.

    Positive is at the top of a band, negative at its bottom; where nobody was in view, or there was
    no answer, it is empty.

    Args:
        readings: Readings in order of time, such as an ``Analysis``; or a table of pandas, polars
            or Arrow with the columns of ``readings.csv``.
        tracks: The appearances to show, from top to bottom; by default all.
        ax: Where to draw; by default on a new figure.

    Returns:
        The axes, with seconds along x and one appearance per unit along y.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ValueError: A table lacks a column.

    Example:
        >>> ax = plot_timeline(analyze("clip.mp4"))  # doctest: +SKIP
        >>> ax.figure.savefig("clip.pdf")  # doctest: +SKIP
    """
    try:
        from matplotlib import pyplot, ticker
    except ImportError as error:
        raise MissingExtraError("plot_timeline", "plot") from error
    by_track: dict[int, list[Point]] = {}
    for point in _points(readings):
        if tracks is None or point[1] in tracks:
            by_track.setdefault(point[1], []).append(point)
    shown = sorted(by_track) if tracks is None else list(tracks)
    if ax is None:
        _, ax = pyplot.subplots(figsize=(10, 1 + 0.7 * max(1, len(shown))), layout="constrained")
    for row, track in enumerate(shown):
        for run in _runs(by_track.get(track, [])):
            _draw(ax, run, row, labelled=not ax.get_legend_handles_labels()[0])
    ax.set_yticks(range(len(shown)), [f"Appearance {track}" for track in shown])
    ax.set_ylim(len(shown) - 0.5 if shown else 0.5, -0.5)
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: clock(value, tenths=True)))
    ax.set_xlabel("Time (minutes:seconds)")
    if shown and ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return ax


def _draw(ax: Axes, run: Sequence[Point], row: int, *, labelled: bool) -> None:
    times = [time for time, _, _ in run]
    top = [row - _LANE / 2] * len(run)
    for place, name in enumerate(SENTIMENTS):
        bottom = [y + _LANE * shares[place] for y, (_, _, shares) in zip(top, run, strict=True)]
        ax.fill_between(
            times,
            top,
            bottom,
            color=COLORS[Label(name)],
            linewidth=0,
            label=name if labelled else None,
        )
        top = bottom


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points reduced to those that can be distinguished, split at gaps."""
    steps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(points)]
    width = 0.0
    if len(points) > _POINTS:
        width = (points[-1][0] - points[0][0]) / _POINTS
    gap = max(_GAP, 5 * statistics.median(steps), 3 * width) if steps else _GAP
    run: list[Point] = []
    for point in _thinned(points, width):
        if run and point[0] - run[-1][0] > gap:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _thinned(points: Sequence[Point], width: float) -> Iterator[Point]:
    """The mean of all points within each ``width`` seconds."""
    if width <= 0:
        yield from points
        return
    for _, group in itertools.groupby(points, lambda point: int(point[0] / width)):
        some = list(group)
        mean = [statistics.fmean(shares) for shares in zip(*(one[2] for one in some), strict=True)]
        yield statistics.fmean(one[0] for one in some), some[0][1], (mean[0], mean[1], mean[2])


def _points(readings: Iterable[Reading] | Any) -> Iterator[Point]:
    """From readings or a table, without those that have no answer."""
    if any(hasattr(readings, name) for name in ("column_names", "columns")):
        yield from _rows(readings)
        return
    for reading in readings:
        if reading.track is not None and reading.smoothed is not None:
            yield reading.time, reading.track, reading.smoothed.as_tuple()


def _rows(table: Any) -> Iterator[Point]:
    names = ("time", "track", *(f"smoothed_{name}" for name in SENTIMENTS))
    there = getattr(table, "column_names", None) or list(table.columns)
    if missing := [name for name in names if name not in there]:
        raise ValueError(f"The table has no column {', '.join(missing)}.")
    columns = [_values(table[name]) for name in names]
    for time, track, *shares in zip(*columns, strict=True):
        # None and NA are no numbers, NaN is not itself
        if all(isinstance(share, float) and share == share for share in shares):
            yield float(time), int(track), (shares[0], shares[1], shares[2])


def _values(column: Any) -> list[Any]:
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)

"""``readings.jsonl``, and the readings as subtitles: ``readings.vtt`` and ``readings.srt``."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentistream.reports.output_files import GuardedFile, Output, Reserve, partial_name, writing
from sentistream.reports.report_wording import WORDS, percent
from sentistream.tables import COLUMNS, Value
from sentistream.types import Label, Moment, Reading


class TextFile(Output):
    """Text that is written incrementally, under a partial name until it is complete.

    Args:
        path: The file; replaced where it exists.
        reserve: Space to finish from when the disk is full.
    """

    def __init__(self, path: Path, *, reserve: Reserve | None = None) -> None:
        self._path = path
        self._partial = partial_name(path)
        self._reserve = reserve

    def open(self) -> None:
        self._file = GuardedFile(self._partial, self._reserve)
        self._whole = 0
        self._write(self._head())

    def close(self, *, complete: bool) -> None:
        if self._file.closed:
            return
        with writing(self._path):
            try:
                if self._file.tell() > self._whole:
                    self._file.cut(self._whole)
                self._file.write(self._tail().encode())
            finally:
                self._file.close()
            self._partial.replace(self._path)

    def _head(self) -> str:
        return ""

    def _tail(self) -> str:
        return ""

    def _write(self, text: str) -> None:
        with writing(self._path):
            self._file.write(text.encode())
        self._whole = self._file.tell()
        self._file.check()


class JsonLines(TextFile):
    """``readings.jsonl``: an object per reading, with the columns of ``readings.csv`` as keys.

    Values that do not exist are null; ``flags`` is a list.

    Args:
        path: The file; replaced where it exists.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        reserve: Space to finish from when the disk is full.
    """

    def __init__(
        self, path: Path, *, mouth_threshold: float, reserve: Reserve | None = None
    ) -> None:
        super().__init__(path, reserve=reserve)
        self._threshold = mouth_threshold

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self._write("".join(self._line(reading) for reading in readings))

    def _line(self, reading: Reading) -> str:
        row: dict[str, Value | list[str]] = {}
        for column in COLUMNS:
            value = column.value(reading, self._threshold)
            if column.digits is not None and value is not None:
                value = round(float(value), column.digits)
            row[column.name] = value
        row["flags"] = [flag.value for flag in reading.flags]
        return json.dumps(row, allow_nan=False) + "\n"


LEGIBLE = 0.4
"""Shortest duration of a subtitle, seconds."""
_LOST_AFTER = 1.0  # seconds without a moment after which a subtitle ends


@dataclass(slots=True)
class _Cue:
    """A subtitle about the faces in view, from a time on."""

    start: float
    labels: tuple[tuple[int, Label], ...]
    sums: dict[int, tuple[int, float]] = field(default_factory=dict)

    def add(self, readings: Sequence[Reading]) -> None:
        labels = dict(self.labels)
        for reading in readings:
            if reading.track is None or reading.smoothed is None:
                continue
            if labels.get(reading.track) is reading.label:
                share = getattr(reading.smoothed, reading.label.value, None)
                if share is not None:
                    count, total = self.sums.get(reading.track, (0, 0.0))
                    self.sums[reading.track] = count + 1, total + share

    def lines(self) -> str:
        return "\n".join(self._line(track, label) for track, label in self.labels)

    def _line(self, track: int, label: Label) -> str:
        count, total = self.sums.get(track, (0, 0.0))
        return f"{track}: {WORDS[label]}" + (f" {percent(total / count)}" if count else "")


class Subtitles(TextFile):
    """The faces in view with their sentiment; a new subtitle where one of these changes.

    Each line has an appearance's number, its sentiment and the mean of its smoothed probability.
    A subtitle lasts at least ``LEGIBLE`` seconds, so shorter changes are not shown.

    Args:
        path: The file; replaced where it exists.
        tick: Seconds between two moments.
        reserve: Space to finish from when the disk is full.
    """

    def __init__(self, path: Path, *, tick: float, reserve: Reserve | None = None) -> None:
        super().__init__(path, reserve=reserve)
        self._tick = tick
        self._cue: _Cue | None = None
        self._last = 0.0
        self._number = 0

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        labels = tuple(
            (reading.track, reading.label) for reading in readings if reading.track is not None
        )
        if self._cue is not None:
            lost = moment.time - self._last > max(_LOST_AFTER, 2 * self._tick)
            changed = labels != self._cue.labels and moment.time - self._cue.start >= LEGIBLE
            if lost or changed:
                self._write(self._finished(self._last + self._tick if lost else moment.time))
        if self._cue is None and labels:
            self._cue = _Cue(moment.time, labels)
        if self._cue is not None:
            self._cue.add(readings)
        self._last = moment.time

    def _tail(self) -> str:
        return self._finished(self._last + self._tick) if self._cue is not None else ""

    def _finished(self, end: float) -> str:
        assert self._cue is not None  # noqa: S101 - the callers have looked
        cue, self._cue = self._cue, None
        self._number += 1
        return self._text(self._number, cue.start, end, cue.lines())

    @abstractmethod
    def _text(self, number: int, start: float, end: float, lines: str) -> str:
        """A subtitle in the file's format."""


class WebVtt(Subtitles):
    """``readings.vtt``, for browsers and most players."""

    def _head(self) -> str:
        return "WEBVTT\n\n"

    def _text(self, number: int, start: float, end: float, lines: str) -> str:
        return f"{_stamp(start, '.')} --> {_stamp(end, '.')}\n{lines}\n\n"


class SubRip(Subtitles):
    """``readings.srt``, for almost every player."""

    def _text(self, number: int, start: float, end: float, lines: str) -> str:
        return f"{number}\n{_stamp(start, ',')} --> {_stamp(end, ',')}\n{lines}\n\n"


def _stamp(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{rest:03d}"

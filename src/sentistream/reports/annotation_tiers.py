"""Readings as tiers of annotations, for ELAN (``readings.eaf``) and Praat (``readings.TextGrid``).

Both formats need the whole content at their beginning, so they are written at the end; until then
the annotations are in memory: about 150 bytes for each change of a sentiment or of a mouth.
"""

from __future__ import annotations

import mimetypes
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentistream.atomic_write import atomic_path
from sentistream.reports.output_files import Output, writing
from sentistream.reports.report_clip import LinkedClip
from sentistream.reports.summary_file import MAX_LISTED_TRACKS
from sentistream.tables import mouth_state
from sentistream.types import Moment, Reading

FACES = "faces in view"
"""The tier with the number of faces; always present."""
Annotation = tuple[float, float, str]
"""Begin and end (seconds), and text."""


class Tiers:
    """Merges consecutive equal values into annotations.

    Args:
        tick: Seconds between two moments.

    Attributes:
        tiers: The annotations of each tier that are finished, in order of time.
        end: When the last moment ends, seconds.
    """

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._open: dict[str, tuple[float, str]] = {}
        self._last: float | None = None
        self.tiers: dict[str, list[Annotation]] = {}
        self.end: float = tick

    def add(self, time: float, values: Mapping[str, str]) -> None:
        """Add each tier's value at a moment; a tier without a value ends its annotation."""
        for tier in [tier for tier, (_, value) in self._open.items() if values.get(tier) != value]:
            # whoever is gone was last seen at the previous moment
            self._close(tier, time if tier in values else min(time, self.end))
        for tier, value in values.items():
            self.tiers.setdefault(tier, [])
            self._open.setdefault(tier, (time, value))
        self.end = round(time + self._tick, 6)

    def finish(self) -> None:
        """End all annotations."""
        for tier in list(self._open):
            self._close(tier, self.end)

    def _close(self, tier: str, end: float) -> None:
        start, value = self._open.pop(tier)
        start, end = round(start, 6), round(end, 6)
        if end > start:
            self.tiers[tier].append((start, end, value))


class TierFile(Output):
    """A tier with the number of faces in view, and two for each appearance: sentiment and mouth.

    Args:
        path: The file; replaced where it exists.
        tick: Seconds between two moments.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
    """

    def __init__(self, path: Path, *, tick: float, mouth_threshold: float) -> None:
        import pympi

        self._pympi: Any = pympi
        self._path = path
        self._tiers = Tiers(tick)
        self._threshold = mouth_threshold
        self._tracks: set[int] = set()

    def open(self) -> None:
        """Nothing is written before the end."""

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        values = {FACES: str(sum(reading.track is not None for reading in readings))}
        for reading in readings:
            if reading.track is None:
                continue
            if reading.track not in self._tracks and len(self._tracks) >= MAX_LISTED_TRACKS:
                continue
            self._tracks.add(reading.track)
            values[f"appearance {reading.track}"] = reading.label.value
            state = mouth_state(reading.mouth_open, self._threshold)
            if state is not None:
                values[f"appearance {reading.track} mouth"] = state
        self._tiers.add(moment.time, values)

    def close(self, *, complete: bool) -> None:
        self._tiers.finish()
        self._tiers.tiers.setdefault(FACES, [])
        with writing(self._path), atomic_path(self._path) as temporary:
            self._save(temporary, self._tiers.tiers, self._tiers.end)

    @abstractmethod
    def _save(self, path: Path, tiers: Mapping[str, Sequence[Annotation]], end: float) -> None:
        """Write all tiers."""


class ElanFile(TierFile):
    """``readings.eaf``.

    Args:
        path: The file; replaced where it exists.
        tick: Seconds between two moments.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        clip: The video that ELAN opens with it.
    """

    def __init__(
        self, path: Path, *, tick: float, mouth_threshold: float, clip: LinkedClip | None = None
    ) -> None:
        super().__init__(path, tick=tick, mouth_threshold=mouth_threshold)
        self._clip = clip

    def _save(self, path: Path, tiers: Mapping[str, Sequence[Annotation]], end: float) -> None:
        document = self._pympi.Eaf(author="sentistream")
        document.remove_tier("default")
        if self._clip is not None:
            kind = mimetypes.guess_type(self._clip.name)[0] or "video/mp4"
            # relative if possible: folders can be moved, and no local path is revealed
            address = self._clip.address
            address = address if address.startswith("file:") else f"./{address}"
            document.add_linked_file(address, relpath=address, mimetype=kind)
        for name, spans in tiers.items():
            document.add_tier(name)
            for start, stop, value in spans:
                document.add_annotation(name, round(1000 * start), round(1000 * stop), value)
        path.unlink()  # pympi would keep the empty one beside it
        document.to_file(path)


class TextGridFile(TierFile):
    """``readings.TextGrid``."""

    def _save(self, path: Path, tiers: Mapping[str, Sequence[Annotation]], end: float) -> None:
        grid = self._pympi.TextGrid(xmin=0, xmax=end)
        for name, spans in tiers.items():
            tier = grid.add_tier(name)
            for start, stop, value in spans:
                # they are sorted and disjoint, and checking for overlaps would take long
                tier.add_interval(start, stop, value, check=False)
        grid.to_file(path)

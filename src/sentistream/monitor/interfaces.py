"""The store's interface for the rest of the monitor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    Annotation,
    Delivery,
    HeldAlert,
    SecondReading,
    Seconds,
)
from sentistream.reports.table_formats import PLAIN, CsvStyle


class Step(StrEnum):
    """The length of a history's sums."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    """In the machine's time zone, like hours; 23 or 25 hours when clocks change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What one camera or zone saw over a stretch of wall-clock time.

    Attributes:
        camera: The camera's key.
        zone: The zone; ``EVERYWHERE`` for the whole picture, zones included.
        begin, end: Wall-clock seconds (UTC), half open.
        appearances: Different tracks: stretches of time in which one face was tracked; a person
            who comes back is a new one.
        seen: Seconds of faces, summed over everybody; None if ``appearances`` are
            fewer than the smallest group that may be shown, or another group could be derived by
            subtraction.
        speaking: Seconds of speech, summed over everybody; None likewise.
        positive, neutral, negative: Shares of ``seen``, 0 to 1; None likewise, and if nobody
            was seen.
        watched: Seconds for which the camera watched, whether or not it saw anybody.
    """

    camera: str
    zone: str
    begin: float
    end: float
    appearances: int
    seen: float | None
    speaking: float | None
    positive: float | None
    neutral: float | None
    negative: float | None
    watched: float = 0.0

    @property
    def is_withheld(self) -> bool:
        """Whether there were too few appearances to say more."""
        return self.seen is None


class HeldAlertStore(Protocol):
    """Keeps alerts that quiet hours hold back; the methods are as in ``Store``."""

    def alerts(
        self, *, since: float = 0.0, limit: int = 100, incident: str | None = None
    ) -> Sequence[Alert]:
        """The newest first; the start and the end of one incident where it is given."""
        ...

    def hold_alert(self, held: HeldAlert) -> int:
        """Stores what quiet hours hold back; returns its number."""
        ...

    def held_alerts(self) -> Sequence[HeldAlert]:
        """What quiet hours hold back, the oldest first."""
        ...

    def release_alerts(self, numbers: Sequence[int]) -> None:
        """Deletes what was held back and has been told."""
        ...


class Store(Protocol):
    """The database of readings. Safe from several threads.

    Everything raises ``StorageError`` when the database cannot be reached, is full or locked;
    nothing is half written.
    """

    def add(self, seconds: Sequence[Seconds]) -> None:
        """Stores readings and adds them to the sums by minute, hour and day, in one transaction.

        Existing readings (same camera, zone, second, track) are left unchanged, so that a
        batch whose outcome is unknown can be repeated.
        """
        ...

    def add_alert(self, alert: Alert) -> None:
        """Stores an alert."""
        ...

    def alerts(
        self, *, since: float = 0.0, limit: int = 100, incident: str | None = None
    ) -> Sequence[Alert]:
        """The newest first; the start and the end of one incident where it is given."""
        ...

    def end_open_alerts(self, time: float, reason: str) -> Sequence[Alert]:
        """Ends the alerts that an earlier run, which was killed, left open; returns the ends."""
        ...

    def acknowledge(self, given: Acknowledgement) -> Acknowledgement:
        """Stores who acknowledged an alert, unless somebody has; returns who did."""
        ...

    def acknowledgements(self, incidents: Sequence[str]) -> Mapping[str, Acknowledgement]:
        """The acknowledgements of some incidents, by incident."""
        ...

    def add_delivery(self, delivery: Delivery) -> None:
        """Stores what became of a message; the same again changes nothing."""
        ...

    def deliveries(self, *, incident: str | None = None, limit: int = 200) -> Sequence[Delivery]:
        """What became of messages, the newest first; of one incident where it is given."""
        ...

    def hold_alert(self, held: HeldAlert) -> int:
        """Stores what quiet hours hold back; returns its number."""
        ...

    def held_alerts(self) -> Sequence[HeldAlert]:
        """What quiet hours hold back, the oldest first."""
        ...

    def release_alerts(self, numbers: Sequence[int]) -> None:
        """Deletes what was held back and has been told."""
        ...

    def annotations(self, *, begin: float, end: float) -> Sequence[Annotation]:
        """Annotations of [begin, end), the oldest first."""
        ...

    def add_annotation(self, annotation: Annotation) -> Annotation:
        """Stores an annotation; returns it with its number."""
        ...

    def remove_annotation(self, number: int) -> bool:
        """Removes an annotation; whether there was one of that number."""
        ...

    def readings(
        self, *, begin: float, end: float, camera: str | None = None, limit: int = 10_000
    ) -> Sequence[SecondReading]:
        """Single readings of [begin, end), oldest first."""
        ...

    def history(
        self,
        step: Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Aggregate]:
        """Sums that begin in [begin, end), oldest first; small groups withheld.

        A minute, hour or day in which a camera was off has none; one in which nobody came has
        one with no appearances, for the whole picture but not for its zones.

        Args:
            step: Length of each.
            begin, end: Wall-clock seconds (UTC).
            camera: Only this one; None for each.
            zone: Only this one; None for each.
        """
        ...

    def aggregate(
        self, *, begin: float, end: float, camera: str | None = None, zone: str | None = ""
    ) -> Sequence[Aggregate]:
        """One sum per camera over the whole of [begin, end); small groups withheld.

        Extended to whole minutes; reduced to whole hours where minutes are no longer kept.
        ``zone`` None is for each.
        """
        ...

    def totals(
        self,
        groups: Sequence[Sequence[tuple[float, float]]],
        *,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Sequence[Aggregate]]:
        """For each group of spans, one sum per camera and zone as in ``aggregate``, in one query.

        A group is for instance the open hours of a week, or ten o'clock on every Monday. It is
        withheld as a whole if it is small as a whole.

        Args:
            groups: Spans [begin, end), in order; no two of any group overlap.
            camera: Only this one; None for each.
            zone: Only this one; None for each.

        Returns:
            As many as groups; each by camera and zone.
        """
        ...

    def export(
        self,
        kind: Literal["csv", "parquet"],
        what: Literal["readings"] | Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        style: CsvStyle = PLAIN,
    ) -> Iterator[bytes]:
        """A file's bytes piece by piece, in bounded memory; sums of small groups withheld.

        ``style`` is that of CSV.

        Raises:
            MissingExtraError: A Parquet file is asked for and pyarrow is not installed.
        """
        ...

    def erase(self, *, begin: float, end: float, camera: str | None = None) -> int:
        """Deletes single readings of [begin, end) on somebody's request; returns how many."""
        ...

    def apply_retention(self, now: float) -> None:
        """Deletes what is older than the settings allow."""
        ...

    def backup(self, target: Path) -> None:
        """A complete copy while it runs (SQLite); for PostgreSQL, an error names its own tools."""
        ...

    def is_writable(self) -> bool:
        """Whether it can be written now; never raises."""
        ...

    def close(self) -> None:
        """Lets go of it."""
        ...

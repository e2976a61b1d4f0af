"""A fake database of readings that returns the same data each time."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sentistream.errors import StorageError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    Annotation,
    Delivery,
    HeldAlert,
    SecondReading,
    Seconds,
)


class FakeStore:
    """Generates the same data for every query."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.broken = False
        self.hour: int | None = None
        """Overrides the hour of the day."""
        self.queries = 0
        self.stored_alerts: list[Alert] = []
        self.acknowledged: dict[str, Acknowledgement] = {}
        self.sent: list[Delivery] = []
        self.notes: list[Annotation] = []

    def history(
        self,
        step: Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Aggregate]:
        self._count()
        sums = []
        for start, stop in _slots(step, begin, end):
            for key in self._keys(camera):
                found = self._sum(key, zone or "", start, stop)
                if found is not None:
                    sums.append(found)
        return sums

    def aggregate(
        self, *, begin: float, end: float, camera: str | None = None, zone: str | None = ""
    ) -> Sequence[Aggregate]:
        return self.totals([[(begin, end)]], camera=camera, zone=zone)[0]

    def totals(
        self,
        groups: Sequence[Sequence[tuple[float, float]]],
        *,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Sequence[Aggregate]]:
        self._count()
        return [self._total(spans, camera, zone) for spans in groups]

    def _total(
        self, spans: Sequence[tuple[float, float]], camera: str | None, zone: str | None
    ) -> list[Aggregate]:
        sums = []
        for key in self._keys(camera):
            known = self._configuration.settings.cameras.get(key)
            drawn = ["", *(one.name for one in known.zones)] if known else [""]
            for where in drawn if zone is None else [zone]:
                parts = [
                    self._raw(key, where, *slot)
                    for begin, end in spans
                    for slot in _slots(Step.MINUTE if end - begin < 3600 else Step.HOUR, begin, end)
                ]
                found = [part for part in parts if part is not None]
                if found:
                    people = sum(part[0] for part in found)
                    mean = [
                        sum(part[0] * part[1][n] for part in found) / max(people, 1)
                        for n in range(3)
                    ]
                    sums.append(
                        self._aggregate_of(key, where, spans[0][0], spans[-1][1], people, mean)
                    )
        return sums

    def annotations(self, *, begin: float, end: float) -> Sequence[Annotation]:
        self._count()
        return [one for one in self.notes if begin <= one.time < end]

    def add_annotation(self, annotation: Annotation) -> Annotation:
        stored = replace(annotation, id=len(self.notes) + 1)
        self.notes.append(stored)
        return stored

    def remove_annotation(self, number: int) -> bool:
        left = [one for one in self.notes if one.id != number]
        found = len(left) < len(self.notes)
        self.notes = left
        return found

    def alerts(
        self, *, since: float = 0.0, limit: int = 100, incident: str | None = None
    ) -> Sequence[Alert]:
        self._count()
        found = [each for each in self.stored_alerts if incident in (None, each.incident)]
        return found[:limit]

    def end_open_alerts(self, time: float, reason: str) -> Sequence[Alert]:
        return ()

    def acknowledge(self, acknowledgement: Acknowledgement) -> Acknowledgement:
        self._count()
        return self.acknowledged.setdefault(acknowledgement.incident, acknowledgement)

    def acknowledgements(self, incidents: Sequence[str]) -> Mapping[str, Acknowledgement]:
        return {key: self.acknowledged[key] for key in incidents if key in self.acknowledged}

    def add_delivery(self, delivery: Delivery) -> None:
        self.sent.insert(0, delivery)

    def deliveries(self, *, incident: str | None = None, limit: int = 200) -> Sequence[Delivery]:
        self._count()
        return [each for each in self.sent if incident in (None, each.incident)][:limit]

    def hold_alert(self, held: HeldAlert) -> int:
        raise StorageError("This database holds nothing back.")

    def held_alerts(self) -> Sequence[HeldAlert]:
        return ()

    def release_alerts(self, numbers: Sequence[int]) -> None: ...

    def is_writable(self) -> bool:
        return not self.broken

    def readings(self, **_: object) -> Sequence[SecondReading]:
        return []

    def export(self, kind: Literal["csv", "parquet"], *_: object, **__: object) -> Iterator[bytes]:
        yield b"made up"

    def add(self, seconds: Sequence[Seconds]) -> None: ...
    def add_alert(self, alert: Alert) -> None: ...
    def erase(self, *, begin: float, end: float, camera: str | None = None) -> int:
        return 0

    def apply_retention(self, now: float) -> None: ...
    def backup(self, target: Path) -> None: ...
    def close(self) -> None: ...

    def _count(self) -> None:
        self.queries += 1
        if self.broken:
            raise StorageError("The database is locked.", "Wait.")

    def _keys(self, camera: str | None) -> list[str]:
        known = self._configuration.settings.cameras
        return [camera] if camera is not None else list(known)

    def _sum(self, camera: str, zone: str, begin: float, end: float) -> Aggregate | None:
        raw = self._raw(camera, zone, begin, end)
        return None if raw is None else self._aggregate_of(camera, zone, begin, end, raw[0], raw[1])

    def _raw(
        self, camera: str, zone: str, begin: float, end: float
    ) -> tuple[int, list[float]] | None:
        hour = datetime.fromtimestamp(begin).hour if self.hour is None else self.hour
        if begin > time.time() or camera in ("yard", "night"):
            return None
        chance = random.Random(f"{camera}{zone}{begin:.0f}")  # noqa: S311
        length = end - begin
        if length <= 3600 and (hour < 6 or (hour == 13 and camera == "window")):
            return None
        busy = max(0.0, math.sin((hour - 5) / 17 * math.pi)) if length <= 3600 else 0.7
        most = 26 if camera == "entrance" else 11
        people = round(busy * length / 3600 * most * chance.random())
        if length <= 60:
            people = chance.choice((2, 5, 6, 8, 11) if camera == "entrance" else (0, 1))
        if zone:
            people //= 2
        negative = 0.12 + 0.2 * chance.random() + (0.16 if hour in (12, 17) else 0)
        positive = min(0.25 + 0.3 * chance.random(), 1 - negative)
        return people, [positive, 1 - positive - negative, negative]

    def _aggregate_of(
        self,
        camera: str,
        zone: str,
        begin: float,
        end: float,
        appearances: int,
        mean: Sequence[float],
    ) -> Aggregate:
        few = appearances < self._configuration.settings.privacy.smallest_group
        positive, neutral, negative = (None, None, None) if few else mean
        return Aggregate(
            camera=camera,
            zone=zone,
            begin=begin,
            end=end,
            appearances=appearances,
            seen=None if few else appearances * 41.0,
            speaking=None if few else appearances * 9.0,
            positive=positive,
            neutral=neutral,
            negative=negative,
        )


def _slots(step: Step, begin: float, end: float) -> list[tuple[float, float]]:
    if step is Step.DAY:
        slots = []
        day = datetime.fromtimestamp(begin).replace(hour=0, minute=0, second=0, microsecond=0)
        while day.timestamp() < end:
            slots.append((day.timestamp(), (day + timedelta(days=1)).timestamp()))
            day += timedelta(days=1)
        return slots
    length = 60 if step is Step.MINUTE else 3600
    first = math.floor(begin / length)
    return [(n * length, (n + 1) * length) for n in range(first, math.ceil(end / length))]

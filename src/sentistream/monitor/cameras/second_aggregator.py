"""Adds up what a camera sees into one event for each second of the wall clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sentistream.monitor.observations import FaceState, SecondReading, Seconds
from sentistream.types import Distribution, Label

_MAX_RUNS = 1000


class EmittedSeconds:
    """The seconds that have been sent already, as runs of consecutive seconds.

    Args:
        runs: First and last second of each run.
    """

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._runs = list(runs)

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """First and last second of each run, in the order in which they were sent."""
        return tuple(self._runs)

    def add(self, second: int) -> None:
        """Records that a second was sent."""
        if self._runs and second == self._runs[-1][1] + 1:
            self._runs[-1] = (self._runs[-1][0], second)
        elif second not in self:
            self._runs = [*self._runs[-_MAX_RUNS + 1 :], (second, second)]

    def __contains__(self, second: int) -> bool:
        return any(first <= second <= last for first, last in reversed(self._runs))


@dataclass(slots=True)
class _FaceTotals:
    label: Label
    seen: float = 0.0
    speaking: float = 0.0
    weights: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, face: FaceState, distribution: Distribution, seconds: float) -> None:
        self.label = face.label
        self.seen += seconds
        self.speaking += seconds * face.speaking
        for index, share in enumerate(distribution.as_tuple()):
            self.weights[index] += seconds * share


class SecondAggregator:
    """Adds up faces over time and emits each second once, when it is over.

    Time that is not added was not watched: a second of which nothing was watched is not emitted.
    When the wall clock is set back, seconds that were emitted before are not emitted again.

    Args:
        camera: The camera's key.
        emitted: Seconds sent earlier, for instance by the worker before this one.
    """

    def __init__(self, camera: str, emitted: EmittedSeconds) -> None:
        self._camera = camera
        self._emitted = emitted
        self._second: int | None = None
        self._until = -math.inf
        self._totals: dict[tuple[str, str], _FaceTotals] = {}

    def add(self, begin: float, end: float, faces: Sequence[FaceState]) -> Iterator[Seconds]:
        """Adds faces seen from ``begin`` to ``end``, wall-clock seconds (UTC).

        Time that was added before is not added again. Faces whose expression is not read do not
        count.

        Returns:
            The seconds that have ended.
        """
        if end < self._until:
            yield from self.flush()  # the clock was set back
            self._until = begin
        begin = max(begin, self._until)
        self._until = max(end, begin)
        while begin < end:
            second = math.floor(begin)
            if second != self._second:
                yield from self.flush()
                self._second = second
            part_end = min(end, second + 1.0)
            self._add_part(part_end - begin, faces)
            begin = part_end
        yield from self.flush_before(end)

    def flush_before(self, now: float) -> Iterator[Seconds]:
        """The second in progress, if it is over at ``now``."""
        if self._second is not None and now >= self._second + 1:
            yield from self.flush()

    def flush(self) -> Iterator[Seconds]:
        """The second in progress, so far."""
        second, totals = self._second, self._totals
        self._second, self._totals = None, {}
        if second is None or second in self._emitted:
            return
        self._emitted.add(second)
        readings = tuple(self._reading(second, *key, face) for key, face in totals.items())
        yield Seconds(camera=self._camera, second=second, readings=readings)

    def _add_part(self, seconds: float, faces: Sequence[FaceState]) -> None:
        for face in faces:
            if face.smoothed is None:
                continue
            key = (face.zone, face.track)
            self._totals.setdefault(key, _FaceTotals(face.label)).add(face, face.smoothed, seconds)

    def _reading(self, second: int, zone: str, track: str, totals: _FaceTotals) -> SecondReading:
        seen = min(1.0, totals.seen)
        positive, neutral, negative = (weight / totals.seen for weight in totals.weights)
        return SecondReading(
            camera=self._camera,
            zone=zone,
            second=second,
            track=track,
            positive=positive,
            neutral=neutral,
            negative=negative,
            label=totals.label,
            seen=seen,
            speaking=min(seen, totals.speaking),
        )

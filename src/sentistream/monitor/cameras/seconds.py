"""What each second of the wall clock was: what is seen adds up until the second is over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sentistream.monitor.observations import FaceState, SecondReading, Seconds
from sentistream.types import Distribution, Label

_MOST_RUNS = 1000


class Told:
    """Which seconds have been told already, as runs of them.

    Args:
        runs: First and last second of each run.
    """

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._runs = list(runs)

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """First and last second of each run, in the order in which they were told."""
        return tuple(self._runs)

    def add(self, second: int) -> None:
        """This one was told."""
        if self._runs and second == self._runs[-1][1] + 1:
            self._runs[-1] = (self._runs[-1][0], second)
        elif second not in self:
            self._runs = [*self._runs[-_MOST_RUNS + 1 :], (second, second)]

    def __contains__(self, second: int) -> bool:
        return any(first <= second <= last for first, last in reversed(self._runs))


@dataclass(slots=True)
class _Sum:
    label: Label
    seen: float = 0.0
    speaking: float = 0.0
    weights: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, face: FaceState, read: Distribution, seconds: float) -> None:
        self.label = face.label
        self.seen += seconds
        self.speaking += seconds * face.speaking
        for index, share in enumerate(read.as_tuple()):
            self.weights[index] += seconds * share


class SecondKeeper:
    """Adds up who was seen; each second comes out once, when it is over.

    Time that is not added was not watched; a second of which nothing was watched does not come
    out. Where the wall clock is put back, seconds that were told before are not told again.

    Args:
        camera: The camera's key.
        told: Seconds told earlier, for instance before the worker was started anew.
    """

    def __init__(self, camera: str, told: Told) -> None:
        self._camera = camera
        self._told = told
        self._second: int | None = None
        self._until = -math.inf
        self._sums: dict[tuple[str, str], _Sum] = {}

    def add(self, begin: float, end: float, faces: Sequence[FaceState]) -> Iterator[Seconds]:
        """These faces were seen from ``begin`` to ``end``, wall-clock seconds (UTC).

        What was added before is not added again, and faces whose expression is not read do not
        count. Gives the seconds that are over by that.
        """
        if end < self._until:
            yield from self._close()  # the clock was put back
            self._until = begin
        begin = max(begin, self._until)
        self._until = max(end, begin)
        while begin < end:
            second = math.floor(begin)
            if second != self._second:
                yield from self._close()
                self._second = second
            part = min(end, second + 1.0)
            self._put(part - begin, faces)
            begin = part
        yield from self.close_before(end)

    def close_before(self, now: float) -> Iterator[Seconds]:
        """The second under way, if it is over at ``now``."""
        if self._second is not None and now >= self._second + 1:
            yield from self._close()

    def finish(self) -> Iterator[Seconds]:
        """The second under way, as far as it has come."""
        yield from self._close()

    def _put(self, seconds: float, faces: Sequence[FaceState]) -> None:
        for face in faces:
            if face.smoothed is None:
                continue
            key = (face.zone, face.track)
            self._sums.setdefault(key, _Sum(face.label)).add(face, face.smoothed, seconds)

    def _close(self) -> Iterator[Seconds]:
        second, sums = self._second, self._sums
        self._second, self._sums = None, {}
        if second is None or second in self._told:
            return
        self._told.add(second)
        readings = tuple(self._reading(second, *key, one) for key, one in sums.items())
        yield Seconds(camera=self._camera, second=second, readings=readings)

    def _reading(self, second: int, zone: str, track: str, one: _Sum) -> SecondReading:
        seen = min(1.0, one.seen)
        positive, neutral, negative = (weight / one.seen for weight in one.weights)
        return SecondReading(
            camera=self._camera,
            zone=zone,
            second=second,
            track=track,
            positive=positive,
            neutral=neutral,
            negative=negative,
            label=one.label,
            seen=seen,
            speaking=min(seen, one.speaking),
        )

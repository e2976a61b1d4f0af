"""A camera pipeline without a process, for still pictures."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TypeVar

from sentistream.analyzer import Analyzer
from sentistream.media import Source
from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.clocks import WallClock
from sentistream.monitor.cameras.pipeline import Pipeline
from sentistream.monitor.cameras.worker_protocol import CameraJob, Message
from sentistream.monitor.observations import Observation, Seconds
from sentistream.monitor.settings import Zone
from sentistream.streams.multi_source import DecodedMoment
from sentistream.types import Moment, UInt8Array

TICK = 0.03
T = TypeVar("T")


@dataclass(frozen=True)
class NoOpener:
    preparing: str = ""

    def prepare(self) -> None: ...

    def open(self, *, tick: float, sound_window: float) -> Source:
        raise NotImplementedError


def square(
    name: str, left: float, top: float, right: float, bottom: float, **others: object
) -> Zone:
    """A rectangular zone."""
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return Zone.model_validate({"name": name, "points": points, **others})


def job(*zones: Zone, preview: bool = True, blur: bool = True) -> CameraJob:
    return CameraJob(
        camera="door", opener=NoOpener(), profile="lite", zones=zones, preview=preview, blur=blur
    )


@functools.cache
def _analyzer() -> Analyzer:
    return Analyzer("lite")


class PipelineHarness:
    """Feeds pictures to a pipeline at the pace of a fake clock."""

    def __init__(
        self, work: CameraJob, analyzer: Analyzer | None = None, wall: float = 1e9
    ) -> None:
        self.now = 100.0
        self.messages: list[Message] = []
        self.wall = wall - self.now
        self.analyzer = analyzer or _analyzer()
        self.analyzer.reset(renumber=True)
        self.pipeline = Pipeline(
            work,
            self.analyzer,
            self.messages.append,
            wall=WallClock(wall=lambda: self.now + self.wall, monotonic=lambda: self.now),
            monotonic=lambda: self.now,
        )

    def feed(self, pixels: UInt8Array, seconds: float, *, tick: float = TICK) -> None:
        for _ in range(round(seconds / tick)):
            self.now += tick
            moment = Moment(self.now, RgbPicture(pixels), self.now)
            self.pipeline.process(DecodedMoment(moment, self.now))

    def published(self, kind: type[T]) -> list[T]:
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def faces(self) -> list[tuple[str, str]]:
        """Track and zone of all observations."""
        return [(f.track, f.zone) for one in self.published(Observation) for f in one.faces]

    @property
    def seconds(self) -> list[Seconds]:
        return self.published(Seconds)

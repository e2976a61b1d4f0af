"""Helpers for tests of event bus subscribers: sample seconds, and waiting for conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.observations import (
    CameraHealth,
    CameraState,
    SecondReading,
    Seconds,
)
from sentistream.monitor.settings import Settings
from sentistream.types import Label

BEGIN = 1_760_000_000


def reading(
    track: str, negative: float = 0.0, *, zone: str = "", seen: float = 1.0, camera: str = "door"
) -> SecondReading:
    """One face that is partly negative and otherwise neutral."""
    return SecondReading(
        camera=camera,
        zone=zone,
        second=BEGIN,
        track=track,
        positive=0.0,
        neutral=1 - negative,
        negative=negative,
        label=Label.NEGATIVE if negative > 0.5 else Label.NEUTRAL,
        seen=seen,
        speaking=0.0,
    )


def crowd(people: int, negative: float, *, zone: str = "") -> tuple[SecondReading, ...]:
    """That many different faces, all with the same share of negative."""
    return tuple(reading(f"p{number}", negative, zone=zone) for number in range(people))


def seconds(second: int, *readings: SecondReading, camera: str = "door") -> Seconds:
    """A camera's event for one second."""
    return Seconds(camera=camera, second=second, readings=readings)


def health(camera: str, state: CameraState, reason: str = "") -> CameraHealth:
    """A camera's health event."""
    return CameraHealth(camera=camera, state=state, since=float(BEGIN), reason=reason)


def configured(folder: Path, **settings: object) -> Configuration:
    """Settings loaded from a file."""
    return Configuration(Settings.model_validate(settings), folder / "settings.yaml")


@contextmanager
def collecting(bus: EventBus, kind: type[Event]) -> Iterator[list[Event]]:
    """A list that fills with published events; take ``list(...)`` of it after ``wait_until``."""
    with bus.subscribe(kind, depth=10_000) as subscription:
        yield _Filling(subscription.take)


class _Filling(list[Event]):
    def __init__(self, take: Callable[[float], list[Event]]) -> None:
        super().__init__()
        self._take = take

    def __len__(self) -> int:
        self.extend(self._take(0.0))
        return super().__len__()

"""Clips, supervisors and recorded events for tests of the cameras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sentistream.media.resample import resample
from sentistream.monitor.cameras.camera_process import Timeouts
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus, Subscription
from sentistream.monitor.observations import CameraHealth, CameraState, Observation, Seconds
from sentistream.types import Box, UInt8Array
from synthetic_clips import clicks, flat, moving_face, write_clip

TIMEOUTS = Timeouts(backoff=(0.3, 0.6, 30.0), heartbeat=4.0)


class RecordedEvents:
    """Every event published by cameras, by kind."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self._subscription: Subscription = bus.subscribe(
            Observation, CameraHealth, Seconds, depth=100_000
        )
        self.observations: list[Observation] = []
        self.health: list[CameraHealth] = []
        self.seconds: list[Seconds] = []

    def take(self) -> None:
        for event in self._subscription.take(0):
            if isinstance(event, Observation):
                self.observations.append(event)
            elif isinstance(event, CameraHealth):
                self.health.append(event)
            elif isinstance(event, Seconds):
                self.seconds.append(event)

    def newest(self, camera: str) -> CameraHealth | None:
        self.take()
        return next((h for h in reversed(self.health) if h.camera == camera), None)

    def state(self, camera: str) -> CameraState | None:
        newest = self.newest(camera)
        return None if newest is None else newest.state

    def is_running(self, *cameras: str) -> bool:
        return all(self.state(camera) is CameraState.RUNNING for camera in cameras)

    def seconds_of(self, camera: str) -> list[Seconds]:
        self.take()
        return [one for one in self.seconds if one.camera == camera]

    def faces_of(self, camera: str) -> set[str]:
        """The tracks that were seen."""
        return {r.track for one in self.seconds_of(camera) for r in one.readings}


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def events(bus: EventBus) -> RecordedEvents:
    return RecordedEvents(bus)


@pytest.fixture
def supervisor(bus: EventBus, tmp_path: Path) -> Iterator[Supervisor]:
    created = Supervisor(bus, tmp_path, timeouts=TIMEOUTS)
    yield created
    created.close()


@pytest.fixture(scope="session")
def scene(portrait: UInt8Array) -> UInt8Array:
    """A face in a small picture, shape (240, 320, 3)."""
    return resample(portrait, Box(60, 0, 380, 240), 320, 240)


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    """Two seconds of a slightly moving face, with sound."""
    path = tmp_path_factory.mktemp("clips") / "face.mp4"
    return write_clip(path, moving_face(portrait, 50), clicks(2.0, 48_000, (0.3,)))


@pytest.fixture(scope="session")
def empty_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds without people."""
    pictures = [(i / 25, flat(80 + i)) for i in range(50)]
    return write_clip(tmp_path_factory.mktemp("clips") / "empty.mp4", pictures)

"""Alerts about cameras that are down and full disks, with a simulated clock and disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus_helpers import configured, health
from sentistream.monitor.alerts.health_watch import (
    GIGABYTE,
    DelayedCondition,
    DiskSpace,
    HealthWatch,
    disk_space,
)
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import Alert, AlertKind, CameraState

RUNNING, WAITING, STARTING = CameraState.RUNNING, CameraState.WAITING, CameraState.STARTING


@dataclass
class HealthWatchHarness:
    """A health watch without a thread."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = 0.0
        self.free = 50.0
        self.total = 100.0
        self.bus = EventBus()
        self.published = self.bus.subscribe(Alert, depth=1000)
        self.configuration = configured(
            self.folder, cameras={"door": {"name": "Front door", "source": "0"}}, **self.settings
        )
        self.watch = HealthWatch(
            self.bus,
            self.configuration,
            state=self.folder,
            clock=lambda: self.now,
            space=lambda folder: DiskSpace(
                1, int(self.total * GIGABYTE), int(self.free * GIGABYTE)
            ),
        )

    def camera(self, state: CameraState, seconds: float = 0, reason: str = "") -> list[Alert]:
        """A camera stays in a state for a while."""
        self.watch.handle(health("door", state, reason))
        return self.wait(seconds)

    def wait(self, seconds: float) -> list[Alert]:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1)
            self.watch.tick()
        return [each for each in self.published.take(0) if isinstance(each, Alert)]


def test_camera_down_alerts_once_and_ends_when_it_runs(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    assert harness.camera(RUNNING, 100) == []
    assert harness.camera(WAITING, 100, "at rtsp://a:secret@h/1") == []
    (down,) = harness.wait(300)
    assert (down.kind, down.camera, down.name, down.active) == (
        AlertKind.CAMERA,
        "door",
        "Front door",
        True,
    )
    assert down.reason == "at rtsp://***@h/1"
    assert harness.camera(RUNNING, 55) == []
    (up,) = harness.wait(10)
    assert (up.active, up.incident, up.reason) == (False, down.incident, "")


def test_repeatedly_failing_camera_is_down(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    alerts = []
    for _ in range(10):
        alerts += harness.camera(WAITING, 10, "no answer")
        alerts += harness.camera(STARTING, 5)
        alerts += harness.camera(RUNNING, 20)
    assert [each.active for each in alerts] == [True]


def test_short_interruption_raises_no_alert(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    for _ in range(5):
        assert harness.camera(WAITING, 20) == []
        assert harness.camera(RUNNING, 120) == []


def test_opening_camera_gets_time(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path, {"health_alerts": {"camera_minutes": 0}})
    assert harness.camera(STARTING, 50) == []
    (down,) = harness.camera(WAITING, 1, "no answer")
    assert down.active


def test_paused_camera_is_not_down(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    assert len(harness.camera(WAITING, 130)) == 1
    (ended,) = harness.camera(CameraState.PAUSED, 300)
    assert not ended.active
    assert harness.camera(CameraState.STOPPED, 300) == []


def test_visitors_and_disabled_alerts_are_ignored(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path, {"health_alerts": {"camera": False, "disk": False}})
    harness.free = 0.1
    harness.watch.handle(health("visitor-1", WAITING))
    assert harness.camera(WAITING, 600) == []


def test_full_disk_alerts_with_delay_and_hysteresis(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    assert harness.wait(200) == []
    harness.free = 1.9
    assert harness.wait(60) == []
    (full,) = harness.wait(90)
    assert (full.kind, full.camera) == (AlertKind.DISK, "")
    assert full.reason == f"1.9 GB of 100.0 GB are free on the disk of {tmp_path}."
    harness.free = 2.4  # less than a quarter above the limit
    assert harness.wait(600) == []
    harness.free = 2.6
    (ended,) = harness.wait(200)
    assert (ended.active, ended.incident) == (False, full.incident)


def test_small_disk_needs_a_tenth_free(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    harness.total, harness.free = 8.0, 1.0
    assert harness.wait(300) == []
    harness.free = 0.7
    assert len(harness.wait(300)) == 1


def test_stopping_ends_active_alerts(tmp_path: Path) -> None:
    harness = HealthWatchHarness(tmp_path)
    harness.free = 0.5
    harness.camera(WAITING, 300)
    harness.watch.finish()
    assert [(each.active, each.reason) for each in harness.wait(0)] == [
        (False, "The monitor was stopped.")
    ] * 2


def test_real_disk_is_queried(tmp_path: Path) -> None:
    space = disk_space(tmp_path)
    assert space is not None
    assert 0 < space.free <= space.total
    assert disk_space(tmp_path / "nowhere") is None


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 100)), max_size=60),
    st.integers(0, 120),
    st.integers(0, 120),
)
def test_conditions_change_only_after_their_delay(
    steps: list[tuple[bool, int]], begin: int, end: int
) -> None:
    condition = DelayedCondition()
    now = 0
    false_for = true_since = 0
    held = False
    for value, length in steps:
        for _ in range(length):
            changed = condition.update(value, now, begin=begin, end=end)
            assert changed == (condition.holds != held)
            held = condition.holds
            false_for = 0 if value else false_for + 1
            if false_for > end:
                assert not held  # it has been false for long enough
                true_since = now + 1
            if held and changed:
                assert value
                assert now - true_since >= 0
            now += 1


@pytest.mark.parametrize("state", [WAITING, RUNNING])
def test_removed_camera_is_forgotten(tmp_path: Path, state: CameraState) -> None:
    harness = HealthWatchHarness(tmp_path)
    harness.camera(WAITING, 200)
    values = harness.configuration.settings.model_copy(
        update={"cameras": configured(tmp_path, cameras={"hall": {"source": "1"}}).settings.cameras}
    )
    harness.configuration.change(values)
    (ended,) = harness.camera(state, 200)
    assert not ended.active

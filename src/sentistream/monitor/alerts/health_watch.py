"""Alerts about the monitor itself: cameras that are down, disks that are nearly full."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sentistream.monitor.alerts.evaluator import STOPPED, WITHDRAWN, new_incident
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.logs import log_redactor
from sentistream.monitor.observations import (
    CAMERA_DOWN,
    DISK_NEARLY_FULL,
    EVERYWHERE,
    Alert,
    AlertKind,
    CameraHealth,
    CameraState,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.subscriber import Subscriber
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

START_DELAY = 300.0
"""Seconds that a camera may take to be opened, whatever the settings say: the first time the
demonstration clip has to be drawn."""

RECOVERY = 60.0
"""Seconds for which a camera must run before the alert about it ends."""

DISK_INTERVAL = 30.0
"""Seconds between two checks of the disks."""

DISK_DELAY = 60.0
"""Seconds for which a disk must be too full, or no longer, before that counts."""

SMALL_DISK = 0.1
"""On small disks this share of the whole is enough free space."""

DISK_HYSTERESIS = 1.25
"""How many times the limit must be free before the alert ends."""

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A file system.

    Attributes:
        device: Its device number.
        total: Its size, bytes.
        free: Bytes that the monitor may still write.
    """

    device: int
    total: int
    free: int


def disk_space(folder: Path) -> DiskSpace | None:
    """The file system of a folder; None if it cannot be queried."""
    try:
        usage = shutil.disk_usage(folder)
        return DiskSpace(folder.stat().st_dev, usage.total, usage.free)
    except OSError:
        return None


class DelayedCondition:
    """A condition that counts only after it has lasted for a while, in both directions.

    A condition that is true repeatedly, with pauses shorter than its end takes, counts as lasting.

    Attributes:
        holds: Whether it counts as true now.
    """

    def __init__(self) -> None:
        self.holds: bool = False
        self._true_since: float | None = None
        self._false_since: float | None = None

    def update(self, given: bool, now: float, *, begin: float, end: float) -> bool:
        """Whether ``holds`` has changed.

        Args:
            given: Whether it is true at this moment.
            now: Seconds of a clock that is never set.
            begin: Seconds for which it must be true before it holds.
            end: Seconds for which it must be false before it holds no longer.
        """
        held = self.holds
        if given:
            self._false_since = None
            if self._true_since is None:
                self._true_since = now
            self.holds = held or now - self._true_since >= begin
        else:
            if self._false_since is None:
                self._false_since = now
            if now - self._false_since >= end:
                self.holds, self._true_since = False, None
        return self.holds != held


class HealthWatch(Subscriber):
    """Publishes an ``Alert`` when a camera is down or a disk is nearly full, and when it ends.

    A camera is down while it neither runs nor rests by its schedule: it is being opened, or waits
    to be restarted. One that fails again and again within ``RECOVERY`` stays down.

    Args:
        bus: Where health comes from and alerts go to.
        configuration: The settings, which may change while it runs.
        state: The state folder, with the database.
        clock: Seconds of a clock that is never set.
        space: Queries a folder's disk.
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        *,
        state: Path,
        clock: Callable[[], float] = time.monotonic,
        space: Callable[[Path], DiskSpace | None] = disk_space,
    ) -> None:
        super().__init__(bus, [CameraHealth], name="health-watch")
        self._configuration = configuration
        self._state = state
        self._clock = clock
        self._space = space
        self._health: dict[str, CameraHealth] = {}
        self._reasons: dict[str, str] = {}
        self._cameras: dict[str, DelayedCondition] = {}
        self._disks: dict[int, DelayedCondition] = {}
        self._active: dict[tuple[str, str], Alert] = {}
        self._last_look = float("-inf")

    def start(self) -> None:
        """Subscribes; the cameras that are known already count from now on."""
        for health in self.bus.health():
            self.handle(health)
        super().start()

    def handle(self, event: Event) -> None:
        """Records a camera's health."""
        if isinstance(event, CameraHealth):
            self._health[event.camera] = event
            if event.reason:
                self._reasons[event.camera] = event.reason
            self._check_camera(event.camera)

    def tick(self) -> None:
        """Checks what has lasted long enough, and the disks at intervals."""
        for camera in list(self._health):
            self._check_camera(camera)
        now = self._clock()
        if now - self._last_look >= DISK_INTERVAL:
            self._last_look = now
            self._check_disks(self._configuration.settings)

    def finish(self) -> None:
        """Ends all alerts, because nothing is checked any more."""
        for key in list(self._active):
            self._end(key, STOPPED)

    def _check_camera(self, camera: str) -> None:
        settings = self._configuration.settings
        health, key = self._health[camera], (CAMERA_DOWN, camera)
        resting = health.state in (CameraState.PAUSED, CameraState.STOPPED)
        if not settings.health_alerts.camera or not is_own_camera(camera, settings) or resting:
            self._cameras.pop(camera, None)
            self._reasons.pop(camera, None)
            self._end(key, Translatable("The camera was turned off.") if resting else WITHDRAWN)
            return
        condition = self._cameras.setdefault(camera, DelayedCondition())
        changed = condition.update(
            health.state is not CameraState.RUNNING,
            self._clock(),
            begin=max(
                settings.health_alerts.camera_minutes * 60,
                START_DELAY if health.state is CameraState.STARTING else 0.0,
            ),
            end=RECOVERY,
        )
        if changed and condition.holds:
            known = settings.cameras.get(camera)
            reason = self._reasons.get(camera) or Translatable("The camera gives no picture.")
            self._begin(
                key,
                AlertKind.CAMERA,
                name=camera if known is None else known.name,
                minutes=settings.health_alerts.camera_minutes,
                reason=redacted(reason),
            )
        elif changed:
            self._reasons.pop(camera, None)
            self._end(key, "")

    def _check_disks(self, settings: Settings) -> None:
        seen = set()
        for folder in _folders(self._state, settings):
            space = self._space(folder) if settings.health_alerts.disk else None
            if space is None or space.device in seen:
                continue
            seen.add(space.device)
            self._check_disk(folder, space, settings.health_alerts.disk_gigabytes * GIGABYTE)
        for device in self._disks.keys() - seen:
            del self._disks[device]
            self._end((DISK_NEARLY_FULL, str(device)), WITHDRAWN)

    def _check_disk(self, folder: Path, space: DiskSpace, wanted: float) -> None:
        limit = min(wanted, space.total * SMALL_DISK)
        condition = self._disks.setdefault(space.device, DelayedCondition())
        enough = limit * DISK_HYSTERESIS if condition.holds else limit
        if not condition.update(
            space.free < enough, self._clock(), begin=DISK_DELAY, end=DISK_DELAY
        ):
            return
        key = (DISK_NEARLY_FULL, str(space.device))
        reason = Translatable(
            "{free} GB of {total} GB are free on the disk of {folder}.",
            free=round(space.free / GIGABYTE, 1),
            total=round(space.total / GIGABYTE, 1),
            folder=folder,
        )
        if condition.holds:
            self._begin(key, AlertKind.DISK, name=folder.name, minutes=0, reason=reason)
        else:
            self._end(key, reason)

    def _begin(
        self, key: tuple[str, str], kind: AlertKind, *, name: str, minutes: float, reason: str
    ) -> None:
        rule, about = key
        alert = Alert(
            rule=rule,
            name=name,
            camera=about if kind is AlertKind.CAMERA else "",
            zone=EVERYWHERE,
            time=time.time(),
            active=True,
            sentiment="",
            share=0.0,
            limit=0.0,
            minutes=minutes,
            kind=kind,
            incident=new_incident(),
            reason=reason,
        )
        self._active[key] = alert
        _log.warning("alert started", extra={"rule": rule, "camera": alert.camera})
        self.bus.publish(alert)

    def _end(self, key: tuple[str, str], reason: str) -> None:
        alert = self._active.pop(key, None)
        if alert is not None:
            _log.info("alert ended", extra={"rule": alert.rule, "camera": alert.camera})
            self.bus.publish(replace(alert, active=False, time=time.time(), reason=reason))


def redacted(sentence: str) -> str:
    """A sentence without secrets; still translatable where it was."""
    if isinstance(sentence, Translatable):
        return sentence.mapped(log_redactor)
    return log_redactor(sentence)


def _folders(state: Path, settings: Settings) -> Iterable[Path]:
    yield state
    if settings.storage.backup_folder is not None:
        yield settings.storage.backup_folder
    if settings.logging.file is not None:
        yield settings.logging.file.parent

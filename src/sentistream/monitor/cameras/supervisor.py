"""Supervises all cameras from within the server process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from sentistream.errors import InputError
from sentistream.media import list_cameras
from sentistream.monitor.cameras.browser_camera import BrowserCamera, BrowserOpener
from sentistream.monitor.cameras.camera_process import CameraProcess, Timeouts
from sentistream.monitor.cameras.capture import DEMO, DEMO_CLIP
from sentistream.monitor.cameras.worker_protocol import SourceOpener, make_camera_job
from sentistream.monitor.cameras.zones import is_watching
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import CameraSettings, Settings

_log = logging.getLogger(__name__)

_INTERVAL = 0.25  # seconds between two rounds over all cameras


class Supervisor:
    """Starts cameras, checks on them and restarts them. Safe to use from several threads.

    Nothing runs before ``apply``. It ends with ``close`` or when the program exits; its
    workers end with the program in any case, even if it is killed.

    Args:
        bus: Takes the cameras' events.
        state: Folder in which the demo clip is kept.
        timeouts: How long to wait for what.
        browser_opener: Creates the opener of a browser's camera from its WebRTC offer.
        clock: Wall-clock seconds (UTC), for the watching hours.

    Attributes:
        state_folder: As given.
    """

    def __init__(
        self,
        bus: EventBus,
        state: Path,
        *,
        timeouts: Timeouts | None = None,
        browser_opener: Callable[[str], SourceOpener] = BrowserOpener,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self.state_folder = state
        self._demo_clip = state / DEMO_CLIP
        self._timeouts = timeouts or Timeouts()
        self._browser_opener = browser_opener
        self._clock = clock
        self._lock = threading.Lock()
        self._settings: Settings | None = None
        self._configured: Mapping[str, CameraSettings] = {}
        self._cameras: dict[str, CameraProcess] = {}
        self._removed: dict[str, CameraProcess] = {}
        self._browser_cameras: dict[str, BrowserCamera] = {}
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def cameras(self) -> Mapping[str, CameraSettings]:
        """The cameras in force, by key: the configured ones, else the one chosen."""
        return self._configured

    @property
    def browser_cameras(self) -> frozenset[str]:
        """Keys of the browsers' cameras."""
        with self._lock:
            return frozenset(self._browser_cameras)

    def pid(self, camera: str) -> int | None:
        """The process id of a camera's worker; None without one.

        Raises:
            KeyError: There is no such camera.
        """
        with self._lock:
            browser_camera = self._browser_cameras.get(camera)
            process = self._cameras[camera] if browser_camera is None else browser_camera.process
        return process.pid

    def apply(self, settings: Settings) -> None:
        """Starts, stops and restarts the cameras whose settings have changed, and only those."""
        chosen = dict(choose_cameras(settings))
        with self._lock:
            if self._closing.is_set():
                return
            self._settings, self._configured = settings, chosen
            for key in [key for key in self._cameras if key not in chosen]:
                self._removed[key] = self._cameras.pop(key)
                self._removed[key].stop()
            for key, camera in chosen.items():
                job = make_camera_job(key, camera, settings, self._demo_clip)
                if key not in self._cameras:
                    self._cameras[key] = (
                        self._removed.pop(key)
                        if key in self._removed
                        else CameraProcess(job, self._bus, self._timeouts, wake=self._woken.set)
                    )
                self._cameras[key].configure(job, self._idle_state(camera))
        self._woken.set()

    def restart(self, camera: str) -> None:
        """Restarts a camera at once.

        Raises:
            KeyError: There is no such camera.
        """
        with self._lock:
            process = self._cameras[camera]
        process.restart()
        self._woken.set()

    def request_preview(self, camera: str) -> None:
        """Asks for a camera's live pictures for the next seconds; ask again while looking."""
        with self._lock:
            process = self._cameras.get(camera)
        if process is not None:
            process.request_preview()

    async def connect_browser(self, sdp: str) -> tuple[str, str]:
        """Adds the camera of a visitor's browser by WebRTC.

        Args:
            sdp: The browser's offer.

        Returns:
            The temporary camera's key, and the answer for the browser.

        Raises:
            InputError: The offer is invalid, or too many visitors are already trying it.
        """
        camera = self._add_browser_camera(sdp)
        try:
            return camera.key, await asyncio.to_thread(camera.answer)
        except BaseException:
            self.disconnect_browser(camera.key)
            raise

    def disconnect_browser(self, camera: str) -> None:
        """Removes a browser's camera; does nothing if there is no such camera."""
        with self._lock:
            browser_camera = self._browser_cameras.get(camera)
        if browser_camera is not None:
            browser_camera.process.stop()
            self._woken.set()

    def close(self) -> None:
        """Stops all cameras; the last second's readings are published first. Safe to call twice."""
        atexit.unregister(self.close)
        self._closing.set()
        self._woken.set()
        self._thread.join()

    def _add_browser_camera(self, sdp: str) -> BrowserCamera:
        with self._lock:
            settings = self._settings
            if settings is None or self._closing.is_set():
                raise InputError("The monitor is not running.", "Try again in a moment.")
            if len(self._browser_cameras) >= settings.server.browser_cameras:
                raise InputError(
                    "Too many visitors try it with their cameras already.", "Try again later."
                )
            camera = BrowserCamera(
                sdp,
                profile=settings.profile,
                opener=self._browser_opener,
                bus=self._bus,
                timeouts=self._timeouts,
                wake=self._woken.set,
            )
            self._browser_cameras[camera.key] = camera
        self._woken.set()
        return camera

    def _idle_state(self, camera: CameraSettings) -> CameraState | None:
        """The state of a camera that should not run now; None for one that should."""
        if not camera.enabled:
            return CameraState.STOPPED
        return None if is_watching(camera, self._clock()) else CameraState.PAUSED

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.wait(_INTERVAL)
            self._woken.clear()
            with self._lock:
                for key, camera in self._configured.items():
                    self._cameras[key].set_idle_state(self._idle_state(camera))
            self._step()
        with self._lock:
            processes = [
                *self._cameras.values(),
                *self._removed.values(),
                *(camera.process for camera in self._browser_cameras.values()),
            ]
        for process in processes:
            process.stop()
        deadline = time.monotonic() + self._timeouts.shutdown + 2
        while any(process.pid for process in processes):
            self._woken.wait(0.05)
            self._woken.clear()
            if time.monotonic() > deadline:
                for process in processes:
                    process.kill()
            self._step()

    def _step(self) -> None:
        with self._lock:
            processes = [*self._cameras.values(), *self._removed.values()]
            browser_cameras = list(self._browser_cameras.values())
        for process in processes:
            _guarded(process.step)
        gone = [camera.key for camera in browser_cameras if _guarded(camera.step) is False]
        with self._lock:
            removed = [key for key, process in self._removed.items() if process.pid is None]
            for key in removed:
                del self._removed[key]
            for key in gone:
                del self._browser_cameras[key]
        for key in (*removed, *gone):
            self._bus.forget_camera(key)


def choose_cameras(settings: Settings) -> Mapping[str, CameraSettings]:
    """The configured cameras; without any, the first webcam, or else the demo clip.

    A headquarters without cameras has none.
    """
    if settings.cameras or settings.headquarters.host:
        return settings.cameras
    for camera in list_cameras():
        name = camera.name[:80].strip() or "Webcam"
        return {"webcam": CameraSettings(name=name, source=SecretStr(str(camera.index)))}
    return {"demo": CameraSettings(name="Demonstration", source=SecretStr(DEMO))}


def _guarded(step: Callable[[], bool | None]) -> bool | None:
    """An error in one camera's supervision must not end that of the others."""
    try:
        return step()
    except Exception:
        _log.exception("A camera could not be supervised")
        return None

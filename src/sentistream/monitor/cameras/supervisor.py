"""All cameras under supervision, from within the one server process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sentistream.errors import InputError
from sentistream.monitor.cameras.backoff import Patience
from sentistream.monitor.cameras.choosing import choose_cameras
from sentistream.monitor.cameras.demonstration import CLIP
from sentistream.monitor.cameras.job import Opener, make_job
from sentistream.monitor.cameras.schedule import is_watching
from sentistream.monitor.cameras.supervised import Supervised
from sentistream.monitor.cameras.visitors import BrowserOpener, Visitor
from sentistream.monitor.hub import Hub
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import CameraSettings, Settings

LOGGER = logging.getLogger(__name__)

_EVERY = 0.25  # seconds between two looks at everything


class Supervisor:
    """Starts cameras, watches over them and starts them again; see ``interfaces.Cameras``.

    Nothing runs before ``apply``. It ends with ``close``, at the latest with the program; its
    workers end with the program however that ends.

    Args:
        hub: Takes what the cameras tell.
        state: Folder in which the demonstration clip is kept.
        patience: How long is waited for what.
        visitor: Makes of a visitor's offer what opens the camera, in its worker.
        clock: Wall-clock seconds (UTC), by which hours are kept.
    """

    def __init__(
        self,
        hub: Hub,
        state: Path,
        *,
        patience: Patience | None = None,
        visitor: Callable[[str], Opener] = BrowserOpener,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._clip = state / CLIP
        self._patience = patience or Patience()
        self._visitor = visitor
        self._clock = clock
        self._lock = threading.Lock()
        self._settings: Settings | None = None
        self._configured: Mapping[str, CameraSettings] = {}
        self._cameras: dict[str, Supervised] = {}
        self._leaving: dict[str, Supervised] = {}
        self._visitors: dict[str, Visitor] = {}
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="cameras", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def cameras(self) -> Mapping[str, CameraSettings]:
        """Those in force, by key: where none is configured, the one that was chosen."""
        return self._configured

    def process(self, camera: str) -> int | None:
        """The number of a camera's worker process; None without one.

        Raises:
            KeyError: There is no such camera.
        """
        with self._lock:
            visitor = self._visitors.get(camera)
            supervised = visitor.camera if visitor is not None else self._cameras[camera]
        return supervised.process

    def apply(self, settings: Settings) -> None:
        """Starts, stops and starts anew exactly those cameras whose settings changed."""
        chosen = dict(choose_cameras(settings))
        with self._lock:
            if self._closing.is_set():
                return
            self._settings, self._configured = settings, chosen
            for key in [key for key in self._cameras if key not in chosen]:
                self._leaving[key] = self._cameras.pop(key)
                self._leaving[key].finish()
            for key, camera in chosen.items():
                job = make_job(key, camera, settings, self._clip)
                if key not in self._cameras:
                    self._cameras[key] = (
                        self._leaving.pop(key)
                        if key in self._leaving
                        else Supervised(job, self._hub, self._patience, wake=self._woken.set)
                    )
                self._cameras[key].want(job, self._rest(camera))
        self._woken.set()

    def restart(self, camera: str) -> None:
        """Starts one anew at once.

        Raises:
            KeyError: There is no such camera.
        """
        with self._lock:
            supervised = self._cameras[camera]
        supervised.restart()
        self._woken.set()

    def watch(self, camera: str) -> None:
        """Asks for live pictures of a camera for the next seconds; ask again while looking."""
        with self._lock:
            supervised = self._cameras.get(camera)
        if supervised is not None:
            supervised.look()

    async def offer(self, sdp: str) -> tuple[str, str]:
        """Takes a visitor's own camera in; its key, and the answer for the browser.

        Raises:
            InputError: The offer is none, or too many visitors try it already.
        """
        visitor = self._admit(sdp)
        try:
            return visitor.key, await asyncio.to_thread(visitor.answer)
        except BaseException:
            self.dismiss(visitor.key)
            raise

    def dismiss(self, camera: str) -> None:
        """Ends a visitor's camera; nothing where there is none."""
        with self._lock:
            visitor = self._visitors.get(camera)
        if visitor is not None:
            visitor.camera.finish()
            self._woken.set()

    def close(self) -> None:
        """Ends all; the last second's readings are published first. Safe to call twice."""
        atexit.unregister(self.close)
        self._closing.set()
        self._woken.set()
        self._thread.join()

    def _admit(self, sdp: str) -> Visitor:
        with self._lock:
            settings = self._settings
            if settings is None or self._closing.is_set():
                raise InputError("The monitor is not running.", "Try again in a moment.")
            if len(self._visitors) >= settings.server.browser_cameras:
                raise InputError(
                    "Too many visitors try it with their cameras already.", "Try again later."
                )
            visitor = Visitor(
                sdp,
                profile=settings.profile,
                opener=self._visitor,
                hub=self._hub,
                patience=self._patience,
                wake=self._woken.set,
            )
            self._visitors[visitor.key] = visitor
        self._woken.set()
        return visitor

    def _rest(self, camera: CameraSettings) -> CameraState | None:
        """What the camera is called while it is not to run; None where it is to."""
        if not camera.enabled:
            return CameraState.STOPPED
        return None if is_watching(camera, self._clock()) else CameraState.PAUSED

    def _supervise(self) -> None:
        """The thread."""
        while not self._closing.is_set():
            self._woken.wait(_EVERY)
            self._woken.clear()
            with self._lock:
                for key, camera in self._configured.items():
                    self._cameras[key].rest(self._rest(camera))
            self._step()
        with self._lock:
            everybody = self._everybody()
        for each in everybody:
            each.finish()
        ends = time.monotonic() + self._patience.finish + 2
        while any(each.process for each in everybody):
            self._woken.wait(0.05)
            self._woken.clear()
            if time.monotonic() > ends:
                for each in everybody:
                    each.kill()
            self._step()

    def _everybody(self) -> list[Supervised]:
        visitors = [visitor.camera for visitor in self._visitors.values()]
        return [*self._cameras.values(), *self._leaving.values(), *visitors]

    def _step(self) -> None:
        with self._lock:
            cameras = [*self._cameras.values(), *self._leaving.values()]
            visitors = list(self._visitors.values())
        for camera in cameras:
            _guarded(camera.step)
        gone = [visitor.key for visitor in visitors if _guarded(visitor.step) is False]
        with self._lock:
            left = [key for key, camera in self._leaving.items() if camera.process is None]
            for key in left:
                del self._leaving[key]
            for key in gone:
                del self._visitors[key]
        for key in (*left, *gone):
            self._hub.forget(key)


def _guarded(step: Callable[[], bool | None]) -> bool | None:
    """A fault about one camera must not end the supervision of the others."""
    try:
        return step()
    except Exception:
        LOGGER.exception("A camera could not be supervised")
        return None

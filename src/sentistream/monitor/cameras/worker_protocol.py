"""A camera worker's job, and the messages that it exchanges with the server over a pipe.

A worker also sends ``Observation``, ``Seconds`` and, while somebody looks, ``Preview``, the only
message with a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sentistream.media import Source
from sentistream.monitor.cameras.capture import DEMO, ensure_demo_clip, is_recording, open_camera
from sentistream.monitor.observations import Observation, Preview, Seconds
from sentistream.monitor.settings import CameraSettings, Settings, Zone
from sentistream.prior import AS_LEARNED
from sentistream.profiles import MAX_FACES
from sentistream.translatable import Translatable


class SourceOpener(Protocol):
    """Opens a camera inside its worker; picklable and comparable."""

    @property
    def preparing(self) -> str:
        """A description of what ``prepare`` will do; empty if there is nothing to prepare."""
        ...

    def prepare(self) -> None:
        """Prepares to open the camera; may take minutes."""
        ...

    def open(self, *, tick: float, sound_window: float) -> Source:
        """The camera's moments; a source with an ``answer`` has it sent to its browser.

        Raises:
            SentistreamError: It cannot be opened.
        """
        ...


@dataclass(frozen=True, slots=True)
class CameraOpener:
    """Opens a camera of the settings.

    Attributes:
        camera: Its settings.
        clip: Where the demo clip is kept.
    """

    camera: CameraSettings
    clip: Path

    @property
    def preparing(self) -> str:
        missing = self._is_demo and not self.clip.exists()
        return Translatable("The demo clip is being drawn.") if missing else ""

    @property
    def _is_demo(self) -> bool:
        return self.camera.source.get_secret_value() == DEMO

    def prepare(self) -> None:
        if self._is_demo:
            ensure_demo_clip(self.clip)

    def open(self, *, tick: float, sound_window: float) -> Source:
        camera = self.camera
        if self._is_demo:
            camera = camera.model_copy(update={"source": type(camera.source)(str(self.clip))})
        return open_camera(camera, tick=tick, sound_window=sound_window)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraJob:
    """Everything a worker needs to know about its camera.

    A worker is restarted if and only if its job has changed.

    Attributes:
        camera: The camera's key.
        opener: Opens it.
        profile: Name of the profile.
        pace: Playback speed of a file; 1 for everything else.
        max_faces: Most faces tracked at once.
        prior: How common the classes are assumed to be: a name or three numbers.
        zones: Parts of its picture.
        preview: Whether live pictures may be shown.
        blur: Whether people are blurred in them.
        moving: Whether the camera itself moves, as in the demo clip, where nobody is
            real: there is no still background, and only detected faces are blurred.
        secrets: What must not appear in error messages.
    """

    camera: str
    opener: SourceOpener
    profile: str
    pace: float = 1.0
    max_faces: int = MAX_FACES
    prior: str = AS_LEARNED
    zones: tuple[Zone, ...] = ()
    preview: bool = True
    blur: bool = True
    moving: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


def make_camera_job(key: str, camera: CameraSettings, settings: Settings, clip: Path) -> CameraJob:
    """A configured camera's job; equal for settings that make no difference to its worker."""
    source = camera.source.get_secret_value()
    relevant = camera.model_copy(
        update={"name": "Camera", "enabled": True, "hours": (), "zones": ()}
    )
    return CameraJob(
        camera=key,
        opener=CameraOpener(relevant, clip),
        profile=settings.profile,
        pace=camera.pace if is_recording(source) else 1.0,
        max_faces=camera.max_faces,
        prior=camera.prior,
        zones=camera.zones,
        preview=settings.privacy.preview,
        blur=settings.privacy.blur,
        moving=source == DEMO,
        secrets=tuple(sorted(camera.secrets)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Sent about twice a second by a worker that is alive.

    Attributes:
        preparing: A description of what it does before the first picture; empty after that.
        moments_per_second: Analyzed now.
        tick: Seconds between moments now.
        latency: Seconds from a picture's decoding to its reading, 95th percentile of recent ones.
        dropped: Moments dropped since the worker started.
        damaged: Packets or pictures that could not be decoded since then.
        remarks: Remarks on its source, a sentence each.
        last_picture: Wall-clock time of the newest picture; None before the first.
        picture_age: Seconds since the newest picture arrived, or since the worker began to wait.
    """

    preparing: str = ""
    moments_per_second: float = 0.0
    tick: float = 0.0
    latency: float = 0.0
    dropped: int = 0
    damaged: int = 0
    remarks: tuple[str, ...] = ()
    last_picture: float | None = None
    picture_age: float = 0.0


@dataclass(frozen=True, slots=True)
class SdpAnswer:
    """The answer to a browser's WebRTC offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """The worker's last message.

    Attributes:
        problem: What went wrong, without passwords; empty if the source simply ended.
        way_out: What to do about it.
        trace: Where in the program, if it was unexpected; without values.
        prepared: Whether it only prepared the source: start the next worker at once.
    """

    problem: str = ""
    way_out: str = ""
    trace: str = ""
    prepared: bool = False


Message = Observation | Seconds | Preview | Heartbeat | SdpAnswer | WorkerExit
"""From the worker."""


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Requests live pictures for a few seconds, as somebody looks."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Send the second in progress and exit."""


Command = PreviewRequest | Shutdown
"""To the worker."""

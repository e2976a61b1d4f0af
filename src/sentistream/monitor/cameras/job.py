"""What a worker needs to know of its camera, and nothing more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sentistream.media import Source
from sentistream.media.addresses import DEVICE
from sentistream.monitor.cameras.demonstration import DEMO, ready_clip
from sentistream.monitor.cameras.sources import open_camera
from sentistream.monitor.settings import CameraSettings, Settings, Zone
from sentistream.prior import AS_LEARNED
from sentistream.profiles import MAX_FACES
from sentistream.redaction import secrets_in


class Opener(Protocol):
    """Opens a camera inside its worker; can be pickled, and compared."""

    @property
    def preparing(self) -> str:
        """What has to be done before it can be opened, in words; empty for nothing."""
        ...

    def prepare(self) -> None:
        """Does it, however long it takes."""
        ...

    def open(self, *, tick: float, sound_window: float) -> Source:
        """The camera's moments; a source with an ``answer`` has it sent to its visitor.

        Raises:
            SentistreamError: It cannot be opened.
        """
        ...


@dataclass(frozen=True, slots=True)
class CameraOpener:
    """Opens a camera of the settings.

    Attributes:
        camera: Its settings.
        clip: Where the demonstration clip is kept.
    """

    camera: CameraSettings
    clip: Path

    @property
    def preparing(self) -> str:
        wanting = self._is_demo and not self.clip.exists()
        return "The demonstration clip is being drawn." if wanting else ""

    @property
    def _is_demo(self) -> bool:
        return self.camera.source.get_secret_value() == DEMO

    def prepare(self) -> None:
        if self._is_demo:
            ready_clip(self.clip)

    def open(self, *, tick: float, sound_window: float) -> Source:
        camera = self.camera
        if self._is_demo:
            camera = camera.model_copy(update={"source": type(camera.source)(str(self.clip))})
        return open_camera(camera, tick=tick, sound_window=sound_window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One camera's work. A worker is started anew exactly where its job has changed.

    Attributes:
        camera: The camera's key.
        opener: Opens it.
        pace: Seconds of a file played in a second.
        profile: Name of the profile.
        max_faces: Faces followed at once.
        prior: How common the classes are taken to be: a name or three numbers.
        zones: Parts of its picture.
        preview: Whether live pictures may be shown.
        blur: Whether people are blurred in them.
        moving: Whether the camera itself moves, as in the demonstration, where nobody is real:
            then nothing can be told from a still background, and known faces alone are blurred.
        secrets: What must not be told in reasons.
    """

    camera: str
    opener: Opener
    profile: str
    pace: float = 1.0
    max_faces: int = MAX_FACES
    prior: str = AS_LEARNED
    zones: tuple[Zone, ...] = ()
    preview: bool = True
    blur: bool = True
    moving: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


def make_job(key: str, camera: CameraSettings, settings: Settings, clip: Path) -> Job:
    """A configured camera's job; equal for settings that make no difference to its worker."""
    source = camera.source.get_secret_value()
    bare = camera.model_copy(update={"name": "Camera", "enabled": True, "hours": (), "zones": ()})
    return Job(
        camera=key,
        opener=CameraOpener(bare, clip),
        profile=settings.profile,
        pace=camera.pace if is_recording(source) else 1.0,
        max_faces=camera.max_faces,
        prior=camera.prior,
        zones=camera.zones,
        preview=settings.privacy.preview,
        blur=settings.privacy.blur,
        moving=source == DEMO,
        secrets=tuple(sorted(secrets_in(source))),
    )


def is_recording(source: str) -> bool:
    """Whether a source is a file: no webcam's number or device, and no address."""
    is_webcam = re.fullmatch(r"[0-9]{1,3}", source) or DEVICE.fullmatch(source)
    return not (is_webcam or "://" in source)

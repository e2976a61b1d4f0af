"""What a worker needs to know of its camera, and nothing more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from sentistream.media import Source
from sentistream.monitor.cameras.demonstration import DEMO, ready_clip
from sentistream.monitor.cameras.sources import open_camera
from sentistream.monitor.settings import CameraSettings, Settings, Zone
from sentistream.profiles import MAX_FACES


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
        zones=camera.zones,
        preview=settings.privacy.preview,
        blur=settings.privacy.blur,
        moving=source == DEMO,
        secrets=secrets_of(source),
    )


def is_recording(source: str) -> bool:
    """Whether a source is a file: no webcam's number and no address."""
    return not (re.fullmatch(r"[0-9]{1,3}", source) or "://" in source)


def secrets_of(source: str) -> tuple[str, ...]:
    """The parts of an address that nobody is to see, the longest first."""
    if "://" not in source:
        return ()
    address, _, query = source.split("://", 1)[1].partition("?")
    name_and_password = address.rpartition("@")[0]
    password = name_and_password.partition(":")[2]
    found = {name_and_password, password, unquote(password), query}
    # what others take for the end of a password may be in the middle of it
    found.update(re.split(r"[:@/]", password))
    found.update(value for _, value in parse_qsl(query))
    return tuple(sorted((part for part in found if len(part) > 1), key=len, reverse=True))


def without_secrets(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret replaced."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text

"""Which cameras there are where none was configured."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from sentistream.media import list_cameras
from sentistream.monitor.cameras.demonstration import DEMO
from sentistream.monitor.settings import CameraSettings, Settings


def choose_cameras(settings: Settings) -> Mapping[str, CameraSettings]:
    """The configured cameras; else the first webcam; else the demonstration clip."""
    if settings.cameras:
        return settings.cameras
    for camera in list_cameras():
        name = camera.name[:80].strip() or "Webcam"
        return {"webcam": CameraSettings(name=name, source=SecretStr(str(camera.index)))}
    return {"demo": CameraSettings(name="Demonstration", source=SecretStr(DEMO))}

"""Keys of cameras: which belong to the installation, and which to a visitor's browser."""

from __future__ import annotations

from collections.abc import Iterable

from sentistream.monitor.settings import Settings

BROWSER_CAMERA_PREFIX = "visitor-"
"""What the keys of visitors' cameras begin with."""


def is_own_camera(camera: str, settings: Settings) -> bool:
    """Whether a camera is configured, or was chosen because none is.

    Alerts, MQTT messages and webhooks are only about these.
    """
    if settings.cameras:
        return camera in settings.cameras
    return not camera.startswith(BROWSER_CAMERA_PREFIX)


def own_cameras(settings: Settings, running: Iterable[str]) -> list[str]:
    """Keys of the configured cameras in their order; of those that run where none is."""
    return list(settings.cameras) or [key for key in running if is_own_camera(key, settings)]

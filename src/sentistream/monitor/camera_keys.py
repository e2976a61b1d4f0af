"""Camera keys: which are configured, and which belong to a visitor's browser."""

from __future__ import annotations

from collections.abc import Iterable

from sentistream.monitor.settings import Settings

BROWSER_CAMERA_PREFIX = "visitor-"
"""Prefix of the keys of visitors' cameras."""


def is_own_camera(camera: str, settings: Settings) -> bool:
    """Whether a camera is configured, or was chosen because none is.

    Alerts, MQTT messages and webhooks are only about these.
    """
    if settings.cameras:
        return camera in settings.cameras
    return not camera.startswith(BROWSER_CAMERA_PREFIX)


def own_cameras(settings: Settings, running: Iterable[str]) -> list[str]:
    """Keys of the configured cameras in order; if there are none, of those that run."""
    return list(settings.cameras) or [key for key in running if is_own_camera(key, settings)]

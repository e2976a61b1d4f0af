"""Which cameras are the house's own, and which a visitor tries for a while."""

from __future__ import annotations

from sentistream.monitor.settings import Settings

VISITORS = "visitor-"
"""What the keys of visitors' cameras begin with."""


def is_of_the_house(camera: str, settings: Settings) -> bool:
    """Whether a camera is one of the settings', or was chosen because they name none.

    Alerts, the broker and webhooks are told of these alone.
    """
    if settings.cameras:
        return camera in settings.cameras
    return not camera.startswith(VISITORS)

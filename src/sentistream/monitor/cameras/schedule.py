"""Whether a time lies within hours that somebody set, by the machine's own time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sentistream.monitor.settings.camera_settings import WEEKDAYS, CameraSettings, Hours


def is_within(hours: Iterable[Hours], now: float) -> bool:
    """Whether any of ``hours`` holds at ``now``, wall-clock seconds (UTC).

    What counts is what the clock on the wall shows, so that a shop that opens at nine is
    watched from nine on in summer and winter; an hour that is shown twice counts twice.
    """
    return any(_holds(one, datetime.fromtimestamp(now)) for one in hours)


def is_watching(camera: CameraSettings, now: float) -> bool:
    """Whether the camera's watching hours, if it has any, hold at ``now``."""
    return not camera.hours or is_within(camera.hours, now)


def _holds(hours: Hours, shown: datetime) -> bool:
    today = WEEKDAYS[shown.weekday()] in hours.days
    clock = shown.time()
    if hours.begin < hours.end:
        return today and hours.begin <= clock < hours.end
    yesterday = WEEKDAYS[(shown.date() - timedelta(days=1)).weekday()] in hours.days
    return (today and clock >= hours.begin) or (yesterday and clock < hours.end)

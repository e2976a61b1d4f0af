"""A monitor with weeks of visitors until now, served for tests of its pages and API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
from api.served_monitor import MANAGER, PASSWORD, ServedMonitor

from insight.conftest import shop_settings
from insight.synthetic_visits import DAY, fill
from sentistream.monitor.observations import CameraHealth, CameraState


@contextmanager
def served_weeks(folder: Path, *, weeks: int = 4, an_hour: float = 30) -> Iterator[ServedMonitor]:
    """Four cameras, one of them down; visitors until this minute."""
    now = int(time.time() // 60 * 60)
    custom_settings = shop_settings()
    free = custom_settings.server.model_copy(
        update={"requests_a_minute": 100_000, "login_attempts": 100}
    )
    with ServedMonitor(folder, custom_settings.model_copy(update={"server": free})) as served:
        # it is open now, whatever the time
        hour = datetime.fromtimestamp(now).hour
        opened = {(hour + place) % 24 for place in range(-8, 4)}
        fill(
            served.services.engine,
            now - weeks * 7 * DAY,
            now,
            an_hour=an_hour,
            opened=opened,
            watched=range(24),
        )
        for camera in ("entrance", "hall", "tills"):
            served.publish_observation(camera, float(now))
        served.bus.publish(
            CameraHealth(
                camera="terrace",
                state=CameraState.WAITING,
                since=now - 5.0,
                reason="The cable is out.",
                restarts=3,
                last_picture=now - 3_600.0,
            )
        )
        yield served


def session_cookie(served: ServedMonitor, name: str = MANAGER) -> dict[str, str]:
    """A logged-in browser's session cookie, for Playwright."""
    with httpx.Client(base_url=served.url, headers={"origin": served.url}) as client:
        client.post("/login", data={"name": name, "password": PASSWORD})
        (cookie,) = [one for one in client.cookies.jar if "session" in one.name]
    return {"name": cookie.name, "value": cookie.value or "", "url": served.url}

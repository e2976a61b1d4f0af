"""A monitor made up for the page: cameras that see people, a store that remembers weeks.

Run as a program it serves the page on 127.0.0.1:8421, to look at it.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import create_engine
from starlette.types import ASGIApp, Receive, Scope, Send

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.hub import Hub, Preview
from sentistream.monitor.interfaces import Step, Sum
from sentistream.monitor.observations import (
    Alert,
    CameraHealth,
    CameraState,
    FaceState,
    Observation,
    SecondReading,
    Seconds,
)
from sentistream.monitor.page import mount_page
from sentistream.monitor.services import Services
from sentistream.monitor.settings import Settings
from sentistream.types import Distribution, Label

TOKEN = "made-up-token"  # noqa: S105
SOURCE_PASSWORD = "hunter2-in-the-source"  # noqa: S105
MQTT_PASSWORD = "hunter2-of-the-broker"  # noqa: S105

SETTINGS: dict[str, Any] = {
    "cameras": {
        "entrance": {
            "name": "Entrance",
            "source": f"rtsp://owner:{SOURCE_PASSWORD}@10.0.0.12/live",
            "zones": [
                {"name": "door", "points": [[0.05, 0.2], [0.35, 0.2], [0.35, 0.95], [0.05, 0.95]]},
                {
                    "name": "till",
                    "points": [[0.65, 0.3], [0.95, 0.3], [0.95, 0.9], [0.65, 0.9]],
                    "masked": "always",
                },
            ],
        },
        "window": {"name": "Window table", "source": "rtsp://10.0.0.13/live"},
        "yard": {"name": "Yard", "source": "rtsp://10.0.0.14/live"},
        "night": {
            "name": "Late counter",
            "source": "0",
            "hours": [{"days": ["fri", "sat"], "begin": "20:00", "end": "02:00"}],
        },
    },
    "privacy": {"controller": "Corner Shop, 1 Main Street", "contact": "ask@corner.example"},
    "mqtt": {"host": "broker.example", "username": "shop", "password": MQTT_PASSWORD},
    "alerts": [
        {"key": "sour", "name": "Sour mood", "limit": 0.4, "minutes": 10, "camera": "entrance"},
        {"key": "bliss", "name": "Good hour", "sentiment": "positive", "limit": 0.6, "minutes": 60},
    ],
}


class MadeUpStore:
    """Remembers what never was, the same each time it is asked."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.broken = False
        self.asked = 0
        self.given: list[Alert] = []

    def history(
        self,
        step: Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Sum]:
        self._count()
        sums = []
        for start, stop in _slots(step, begin, end):
            for key in self._keys(camera):
                found = self._sum(key, zone or "", start, stop)
                if found is not None:
                    sums.append(found)
        return sums

    def together(
        self, *, begin: float, end: float, camera: str | None = None, zone: str = ""
    ) -> Sequence[Sum]:
        self._count()
        sums = []
        for key in self._keys(camera):
            step = Step.MINUTE if end - begin < 3600 else Step.HOUR
            parts = [self._raw(key, zone, *slot) for slot in _slots(step, begin, end)]
            found = [part for part in parts if part is not None]
            if found:
                people = sum(part[0] for part in found)
                mean = [
                    sum(part[0] * part[1][n] for part in found) / max(people, 1) for n in range(3)
                ]
                sums.append(self._told(key, zone, begin, end, people, mean))
        return sums

    def alerts(self, *, since: float = 0.0, limit: int = 100) -> Sequence[Alert]:
        self._count()
        return self.given[:limit]

    def is_well(self) -> bool:
        return not self.broken

    def readings(self, **_: object) -> Sequence[SecondReading]:
        return []

    def export(self, kind: Literal["csv", "parquet"], *_: object, **__: object) -> Iterator[bytes]:
        yield b"made up"

    def add(self, seconds: Sequence[Seconds]) -> None: ...
    def add_alert(self, alert: Alert) -> None: ...
    def forget(self, *, begin: float, end: float, camera: str | None = None) -> int:
        return 0

    def tidy(self, now: float) -> None: ...
    def backup(self, target: Path) -> None: ...
    def close(self) -> None: ...

    def _count(self) -> None:
        self.asked += 1
        if self.broken:
            raise StorageError("The database is locked.", "Wait.")

    def _keys(self, camera: str | None) -> list[str]:
        known = self._configuration.settings.cameras
        return [camera] if camera is not None else list(known)

    def _sum(self, camera: str, zone: str, begin: float, end: float) -> Sum | None:
        raw = self._raw(camera, zone, begin, end)
        return None if raw is None else self._told(camera, zone, begin, end, raw[0], raw[1])

    def _raw(
        self, camera: str, zone: str, begin: float, end: float
    ) -> tuple[int, list[float]] | None:
        hour = datetime.fromtimestamp(begin).hour
        if begin > time.time() or camera in ("yard", "night"):
            return None
        chance = random.Random(f"{camera}{zone}{begin:.0f}")  # noqa: S311
        length = end - begin
        if length <= 3600 and (hour < 6 or (hour == 13 and camera == "window")):
            return None
        busy = max(0.0, math.sin((hour - 5) / 17 * math.pi)) if length <= 3600 else 0.7
        people = round(busy * length / 3600 * (26 if camera == "entrance" else 11) * chance.random())
        if length <= 60:
            people = chance.choice((2, 5, 6, 8, 11)) if camera == "entrance" else chance.choice((0, 1))
        if zone:
            people //= 2
        negative = 0.12 + 0.2 * chance.random() + (0.16 if hour in (12, 17) else 0)
        positive = 0.25 + 0.3 * chance.random()
        return people, [positive, 1 - positive - negative, negative]

    def _told(
        self, camera: str, zone: str, begin: float, end: float, people: int, mean: Sequence[float]
    ) -> Sum:
        few = people < self._configuration.settings.privacy.smallest_group
        positive, neutral, negative = (None, None, None) if few else mean
        return Sum(
            camera=camera,
            zone=zone,
            begin=begin,
            end=end,
            people=people,
            seen=None if few else people * 41.0,
            speaking=None if few else people * 9.0,
            positive=positive,
            neutral=neutral,
            negative=negative,
        )


class MadeUpCameras:
    """Takes orders and remembers them."""

    def __init__(self) -> None:
        self.applied: list[Settings] = []
        self.restarted: list[str] = []
        self.watched: dict[str, int] = {}

    def apply(self, settings: Settings) -> None:
        self.applied.append(settings)

    def restart(self, camera: str) -> None:
        if camera == "nowhere":
            raise KeyError(camera)
        self.restarted.append(camera)

    def watch(self, camera: str) -> None:
        self.watched[camera] = self.watched.get(camera, 0) + 1

    async def offer(self, sdp: str) -> tuple[str, str]:
        return "browser-1", sdp

    def dismiss(self, camera: str) -> None: ...
    def close(self) -> None: ...


class Guard:
    """Stands where the login stands: names a user, refuses strangers and forged requests."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        user = self._house.user
        if user is None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif scope["path"] == "/login":
                await PlainTextResponse("login")(scope, receive, send)
            else:
                await PlainTextResponse("strangers", 401)(scope, receive, send)
            return
        scope.setdefault("state", {})
        scope["state"]["user"] = user
        scope["state"]["csrf_token"] = TOKEN
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            headers = dict(scope["headers"])
            if headers.get(b"x-csrf-token") != TOKEN.encode():
                await PlainTextResponse("forged", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class House:
    """Everything, served on a port of its own until it is closed.

    Args:
        folder: For the settings' file.
        settings: Of the monitor.
        port: 0 for any.
    """

    def __init__(
        self, folder: Path, settings: dict[str, Any] | None = None, port: int = 0
    ) -> None:
        self.user: User | None = User("ada", Role.MANAGER)
        self.configuration = Configuration(
            Settings.model_validate(SETTINGS if settings is None else settings),
            folder / "monitor.yaml",
        )
        self.hub = Hub()
        self.cameras = MadeUpCameras()
        self.configuration.listen(self.cameras.apply)
        self.store = MadeUpStore(self.configuration)
        self.port = port
        self.start()

    def start(self) -> None:
        """Serves; again after ``stop`` on the same port."""
        app = FastAPI()
        mount_page(
            app,
            Services(
                configuration=self.configuration,
                hub=self.hub,
                cameras=self.cameras,
                store=self.store,
                engine=create_engine("sqlite://"),
            ),
        )

        @app.post("/logout")
        def logout(_: Request) -> RedirectResponse:
            self.user = None
            return RedirectResponse("/login", 303)

        app.add_middleware(Guard, house=self)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host="127.0.0.1",
                port=self.port,
                log_level="warning",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < end and self._thread.is_alive()
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def health(self, camera: str, state: CameraState = CameraState.RUNNING, **rest: Any) -> None:
        values: dict[str, Any] = {"moments_per_second": 33.0, "tick": 0.03, "latency": 0.08}
        self.hub.publish(
            CameraHealth(
                camera=camera, state=state, since=time.time(), **(values if not rest else rest)
            )
        )

    def see(self, camera: str, *faces: FaceState) -> None:
        self.hub.publish(Observation(camera=camera, time=time.time(), faces=faces, tick=0.03))


def face(track: str, x: float, label: str, *, speaking: bool = False) -> FaceState:
    """A face at a place, with a label."""
    rest = {"positive": (0.7, 0.2, 0.1), "neutral": (0.2, 0.6, 0.2), "negative": (0.1, 0.2, 0.7)}
    return FaceState(
        track=track,
        zone="",
        box=(x, 0.28, x + 0.14, 0.58),
        label=Label(label),
        smoothed=Distribution(*rest.get(label, (0.34, 0.33, 0.33))),
        mouth_open=0.8 if speaking else 0.1,
        speaking=speaking,
    )


def picture(people: Sequence[float], width: int = 640, height: int = 360) -> bytes:
    """A room with blurred people, as JPEG."""
    image = Image.new("RGB", (width, height), (92, 104, 108))
    draw = ImageDraw.Draw(image)
    for row in range(height):
        shade = int(60 * row / height)
        draw.line((0, row, width, row), (150 - shade, 158 - shade, 156 - shade))
    draw.rectangle((0, int(height * 0.78), width, height), fill=(112, 96, 80))
    draw.rectangle((30, 60, 180, 210), fill=(188, 204, 214))
    draw.rectangle((470, 40, 610, 240), fill=(128, 118, 104))
    for place, x in enumerate(people):
        left, right = x * width, (x + 0.14) * width
        tone = [(196, 152, 124), (141, 99, 74), (224, 182, 152)][place % 3]
        coat = [(48, 66, 92), (122, 52, 48), (66, 88, 64)][place % 3]
        draw.ellipse((left - 30, height * 0.55, right + 30, height * 1.2), fill=coat)
        draw.ellipse((left + 6, height * 0.28, right - 6, height * 0.6), fill=tone)
        draw.pieslice((left, height * 0.24, right, height * 0.52), 180, 360, fill=(52, 42, 36))
    image = image.filter(ImageFilter.GaussianBlur(5))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def live(house: House, until: threading.Event) -> None:
    """People come, move and go, for who looks at it."""
    house.health("yard", CameraState.WAITING, reason="rtsp://10.0.0.14 refuses the connection; it is tried again in 10 s.", restarts=4)
    house.health("night", CameraState.PAUSED, tick=0.0)
    house.health("window", moments_per_second=16.4, tick=0.06, latency=0.11, dropped=1284)
    house.health("entrance")
    now = time.time()
    about = {"rule": "sour", "name": "Sour mood", "camera": "entrance", "zone": "", "sentiment": "negative", "limit": 0.4, "minutes": 10.0}
    house.store.given = [
        Alert(**about, time=now - 500, active=True, share=0.46),
        Alert(**about, time=now - 86000, active=False, share=0.3),
        Alert(**about, time=now - 88000, active=True, share=0.52),
    ]
    labels = ["positive", "neutral", "negative", "unknown"]
    while not until.wait(0.2):
        t = time.time()
        places = [0.14 + 0.05 * math.sin(t / 3), 0.42 + 0.04 * math.sin(t / 4 + 1), 0.72 + 0.03 * math.cos(t / 2)]
        seed = int(hashlib.sha256(str(int(t / 6)).encode()).hexdigest()[:6], 16)
        faces = [
            face(f"p{n}", x, labels[(seed >> n) % 4 if n == 2 else (seed >> n) % 3], speaking=n == 1)
            for n, x in enumerate(places)
        ]
        house.see("entrance", *faces)
        house.see("window")
        house.hub.show("entrance", Preview(picture(places), t))
        house.hub.show("window", Preview(picture([]), t))


def _slots(step: Step, begin: float, end: float) -> list[tuple[float, float]]:
    if step is Step.DAY:
        slots = []
        day = datetime.fromtimestamp(begin).replace(hour=0, minute=0, second=0, microsecond=0)
        while day.timestamp() < end:
            slots.append((day.timestamp(), (day + timedelta(days=1)).timestamp()))
            day += timedelta(days=1)
        return slots
    length = 60 if step is Step.MINUTE else 3600
    first = math.floor(begin / length)
    return [(n * length, (n + 1) * length) for n in range(first, math.ceil(end / length))]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        shown = House(Path(made), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8421)
        if len(sys.argv) > 2:
            shown.user = User("vera", Role.VIEWER)
        print(shown.url, flush=True)
        ended = threading.Event()
        try:
            live(shown, ended)
        except KeyboardInterrupt:
            ended.set()

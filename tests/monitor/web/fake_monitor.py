"""A fake monitor behind the real pages, served on its own port."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy import create_engine
from starlette.types import ASGIApp, Receive, Scope, Send

from sentistream.monitor.accounts import Identity, Role, User
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraHealth, CameraState, FaceState, Observation
from sentistream.monitor.services import Services
from sentistream.monitor.settings import CameraSettings, Settings
from sentistream.monitor.web import mount_web
from settings_file import write_settings
from web.fake_store import FakeStore

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


class FakeCameras(Supervisor):
    """Records the requests it receives."""

    def __init__(self, state: Path) -> None:
        self.state_folder = state
        self.applied: list[Settings] = []
        self.restarted: list[str] = []
        self.watched: dict[str, int] = {}

    @property
    def cameras(self) -> Mapping[str, CameraSettings]:
        return {}

    def apply(self, settings: Settings) -> None:
        self.applied.append(settings)

    def restart(self, camera: str) -> None:
        if camera == "nowhere":
            raise KeyError(camera)
        self.restarted.append(camera)

    def request_preview(self, camera: str) -> None:
        self.watched[camera] = self.watched.get(camera, 0) + 1

    async def connect_browser(self, sdp: str) -> tuple[str, str]:
        return "browser-1", sdp

    def disconnect_browser(self, camera: str) -> None: ...
    def close(self) -> None: ...


class Guard:
    """Fake login: identifies a user, refuses anonymous and forged requests."""

    def __init__(self, app: ASGIApp, monitor: FakeMonitor) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        user = self._monitor.user
        if user is None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif scope["path"] == "/login":
                await PlainTextResponse("login")(scope, receive, send)
            else:
                await PlainTextResponse("strangers", 401)(scope, receive, send)
            return
        scope.setdefault("state", {})
        scope["state"]["identity"] = Identity(user=user, digest="digest", expires=None)
        scope["state"]["user"] = user
        scope["state"]["csrf_token"] = TOKEN
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            headers = dict(scope["headers"])
            if headers.get(b"x-csrf-token") != TOKEN.encode():
                await PlainTextResponse("forged", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class FakeMonitor:
    """All services, served on its own port until it is closed.

    Args:
        folder: For the settings file.
        settings: The monitor's settings.
        port: 0 for any.
    """

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, port: int = 0) -> None:
        self.user: User | None = User("ada", Role.MANAGER)
        self.more: list[Callable[[FastAPI], object]] = []
        self.configuration = Configuration(
            Settings.model_validate(SETTINGS if settings is None else settings),
            folder / "monitor.yaml",
        )
        write_settings(self.configuration.settings, self.configuration.path)
        self.bus = EventBus()
        self.cameras = FakeCameras(folder)
        self.configuration.on_change(self.cameras.apply)
        self.store = FakeStore(self.configuration)
        self.port = port
        self._server: uvicorn.Server | None = None

    @functools.cached_property
    def _request_app(self) -> FastAPI:
        return self.app()

    @functools.cached_property
    def services(self) -> Services:
        """The services behind the pages."""
        return Services(
            configuration=self.configuration,
            bus=self.bus,
            cameras=self.cameras,
            store=self.store,
            engine=create_engine("sqlite://"),
        )

    def app(self) -> FastAPI:
        """The pages behind the fake login."""
        app = FastAPI()

        @app.post("/logout")
        def logout(_: Request) -> RedirectResponse:
            self.user = None
            return RedirectResponse("/login", 303)

        app.state.services = self.services
        mount_web(app, self.services)

        for add in self.more:
            add(app)
        app.add_middleware(Guard, monitor=self)
        return app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Make one request without a server."""

        async def send_request() -> httpx.Response:
            transport = httpx.ASGITransport(self._request_app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://made.up", trust_env=False
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(send_request())

    def start(self) -> None:
        """Start serving; after ``stop``, on the same port again."""
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app(),
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
        if self._server is None:
            return
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._server = None

    @property
    def url(self) -> str:
        """Its address; serving starts on first access."""
        if self._server is None:
            self.start()
        return f"http://127.0.0.1:{self.port}"

    def health(self, camera: str, state: CameraState = CameraState.RUNNING, **rest: Any) -> None:
        values: dict[str, Any] = {"moments_per_second": 33.0, "tick": 0.03, "latency": 0.08}
        self.bus.publish(
            CameraHealth(camera=camera, state=state, since=time.time(), **(rest or values))
        )

    def publish_observation(
        self, camera: str, *faces: FaceState, max_faces: int = 16, left_out: int = 0
    ) -> None:
        self.bus.publish(
            Observation(
                camera=camera,
                time=time.time(),
                faces=faces,
                tick=0.03,
                max_faces=max_faces,
                left_out=left_out,
            )
        )

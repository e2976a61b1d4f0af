"""A monitor without cameras, served for tests: real database, real server, real sockets."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI

from sentistream.errors import InputError
from sentistream.monitor.accounts import Accounts, Role
from sentistream.monitor.api.app import create_app
from sentistream.monitor.api.server import server_config
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import (
    CameraHealth,
    CameraState,
    FaceState,
    Observation,
    Preview,
)
from sentistream.monitor.services import Services
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.web import mount_web
from sentistream.types import Distribution, Flag, HeadPose, Label
from settings_file import write_settings
from waiting import wait_until

MANAGER, VIEWER, PASSWORD = "anna", "vera", "correct horse battery"


@dataclass
class FakeCameras(Supervisor):
    """Records the requests it receives."""

    keys: tuple[str, ...] = ("door", "till")
    restarted: list[str] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    dismissed: list[str] = field(default_factory=list)
    offers: int = 0

    def apply(self, settings: Settings) -> None:
        self.keys = tuple(settings.cameras)

    def restart(self, camera: str) -> None:
        if camera not in self.keys:
            raise KeyError(camera)
        self.restarted.append(camera)

    def request_preview(self, camera: str) -> None:
        self.watched.append(camera)

    async def connect_browser(self, sdp: str) -> tuple[str, str]:
        if not sdp.startswith("v=0"):
            raise InputError(
                "This is not a valid offer from a browser.", "Send its session description."
            )
        self.offers += 1
        return f"visitor-{self.offers}", "v=0 answer"

    def disconnect_browser(self, camera: str) -> None:
        self.dismissed.append(camera)

    def close(self) -> None: ...


def settings(**changes: Any) -> Settings:
    """Two cameras, one with a password, and no limit that a test would reach."""
    server = {"requests_a_minute": 100_000, "login_attempts": 100} | changes.pop("server", {})
    values: dict[str, Any] = {
        "cameras": {
            "door": {
                "name": "Door",
                "source": "rtsp://eye:hidden-71@camera.test/stream?key=q1w2e3",
            },
            "till": {"name": "Till", "source": "demo:"},
        },
        "server": server,
        "privacy": {"smallest_group": 1},
    }
    return Settings.model_validate(values | changes)


class ServedMonitor:
    """A monitor on its own port, with a manager and a viewer."""

    def __init__(
        self,
        folder: Path,
        custom_settings: Settings | None = None,
        *,
        mount: Callable[[FastAPI], None] | None = None,
        people: bool = True,
        store: Callable[[DatabaseStore], Any] = lambda store: store,
        parts: Callable[[ServedMonitor], dict[str, Any]] = lambda served: {},
    ) -> None:
        custom_settings = settings() if custom_settings is None else custom_settings
        engine = open_database(f"sqlite:///{folder / 'monitor.sqlite3'}")
        migrate(engine)
        self.configuration = Configuration(custom_settings, folder / "monitor.yaml")
        write_settings(custom_settings, self.configuration.path)
        self.bus = EventBus()
        self.cameras = FakeCameras()
        self.store = DatabaseStore(engine, lambda: self.configuration.settings)
        self.engine = engine
        self.services = Services(
            configuration=self.configuration,
            bus=self.bus,
            cameras=self.cameras,
            store=store(self.store),
            engine=engine,
            **parts(self),
        )
        self.app = create_app(self.services, counters=lambda: {"written": 7.0})
        mount_web(self.app, self.services)
        if mount is not None:
            mount(self.app)
        self.accounts: Accounts = self.app.state.accounts
        if people:
            self.accounts.add_user(MANAGER, PASSWORD, Role.MANAGER)
            self.accounts.add_user(VIEWER, PASSWORD, Role.VIEWER)
        config = server_config(self.app, custom_settings.server.model_copy(update={"port": 0}))
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        scheme = "https" if self.configuration.settings.server.tls_certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(90)
        self.services.engine.dispose()
        assert not self._thread.is_alive()

    def anonymous(self, **options: Any) -> httpx.Client:
        """A client without credentials."""
        return httpx.Client(base_url=self.url, timeout=30, **options)

    def api_client(self, role: Role = Role.MANAGER, name: str = "program") -> httpx.Client:
        """An API client with a token."""
        return self.anonymous(headers={"authorization": f"Bearer {self.token(role, name)}"})

    def token(self, role: Role = Role.MANAGER, name: str = "program") -> str:
        """A new token."""
        name = f"{name}-{role.value}-{len(self.accounts.tokens())}"
        return self.accounts.make_token(name, role, maker=MANAGER)

    @contextmanager
    def browser_client(
        self, name: str = MANAGER, password: str = PASSWORD
    ) -> Iterator[httpx.Client]:
        """A logged-in browser client, with the headers it sends to make changes."""
        client = self.anonymous(headers={"origin": self.url})
        with client:
            answer = client.post("/login", data={"name": name, "password": password})
            assert answer.status_code == 303, answer.text
            client.headers["x-csrf-token"] = client.get("/api/me").json()["csrf_token"]
            yield client

    def publish_observation(self, camera: str = "door", moment: float = 1_767_607_200.5) -> None:
        """A camera runs and reports a face."""
        self.bus.publish(
            CameraHealth(
                camera=camera,
                state=CameraState.RUNNING,
                since=moment - 60,
                moments_per_second=33.0,
                tick=0.03,
                latency=0.08,
                dropped=3,
                damaged=2,
                restarts=1,
                last_picture=moment,
            )
        )
        self.bus.publish(
            Observation(
                camera=camera,
                time=moment,
                faces=(
                    FaceState(
                        track="k3x",
                        zone="",
                        box=(0.1, 0.2, 0.3, 0.4),
                        label=Label.POSITIVE,
                        smoothed=Distribution(0.7, 0.2, 0.1),
                        mouth_open=0.25,
                        speaking=False,
                        flags=(Flag.SMALL_FACE, Flag.MORE_FACES),
                        pose=HeadPose(yaw=12.5, pitch=-3.0, roll=4.0),
                        voice_share=0.125,
                    ),
                    FaceState(
                        track="p7q",
                        zone="",
                        box=(0.6, 0.2, 0.8, 0.4),
                        label=Label.UNKNOWN,
                        smoothed=None,
                        mouth_open=None,
                        speaking=False,
                        flags=(Flag.TURNED_AWAY, Flag.MORE_FACES),
                        pose=HeadPose(yaw=-71.0, pitch=2.0, roll=0.5),
                    ),
                ),
                tick=0.03,
                max_faces=2,
                left_out=3,
            )
        )
        self.bus.set_preview(camera, Preview(b"\xff\xd8 picture", moment))


def hidden_field(html: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, html
    return found[1]

"""The running monitor: every room, put together and taken down again in the right order."""

from __future__ import annotations

import asyncio
import dataclasses
import fcntl
import ipaddress
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import uvicorn

from sentistream.errors import InputError, OutputError
from sentistream.monitor.alerts import AlertWatch
from sentistream.monitor.api.app import create_app, setup_link
from sentistream.monitor.api.server import server_config
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.hub import Hub
from sentistream.monitor.logs import configure_logging, redaction
from sentistream.monitor.notify import MqttPublisher, WebhookSender
from sentistream.monitor.services import Services
from sentistream.monitor.settings import ServerSettings, Settings
from sentistream.monitor.store import (
    DatabaseStore,
    Housekeeper,
    StoreWriter,
    database_url,
    migrate,
    open_database,
)
from sentistream.monitor.watchdog import Watchdog, asking_for_patience
from sentistream.monitor.web import mount_web

LOCK = "monitor.lock"
"""Held by the monitor that uses a state folder."""

_BEAT = 1.0
_STUCK = 20.0  # seconds without a beat of the event loop

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where the monitor can be reached.

    Attributes:
        page: The page's address.
        setup: The one-time address that makes the first manager; None once there is one.
    """

    page: str
    setup: str | None


def run_monitor(
    settings: Settings,
    *,
    config: Path,
    state: Path,
    ready: Callable[[Address], None],
) -> None:
    """Runs until SIGTERM or SIGINT; then the seconds under way are stored first.

    Args:
        settings: What to start with.
        config: Their YAML file, written when the page changes them.
        state: Folder of the database and of whatever else is kept; made if need be.
        ready: Called once it answers, with where.

    Raises:
        InputError: The address cannot be listened on, or TLS files are not right.
        OutputError: The state folder cannot be written, or another monitor uses it.
        StorageError: The database cannot be opened.
    """
    redaction.know_settings(settings)
    configure_logging(settings.logging)
    with ExitStack() as stack:
        stack.enter_context(_held(state))
        listening = stack.enter_context(_listening(settings.server))
        with asking_for_patience():
            engine = open_database(database_url(settings, state))
            stack.callback(engine.dispose)
            migrate(engine)

        configuration, hub = Configuration(settings, config), Hub()
        store = DatabaseStore(engine, lambda: configuration.settings)
        writer = StoreWriter(hub, store)
        stack.callback(writer.close)
        housekeeper = Housekeeper(store, lambda: configuration.settings)
        housekeeper.start()
        stack.callback(housekeeper.close)
        stack.enter_context(MqttPublisher(hub, configuration, state=state))
        stack.enter_context(WebhookSender(hub, configuration))
        stack.enter_context(AlertWatch(hub, configuration))
        cameras = Supervisor(hub, state)
        stack.callback(cameras.close)
        cameras.apply(settings)
        configuration.listen(cameras.apply)
        configuration.listen(_follow)

        services = Services(
            configuration=configuration, hub=hub, cameras=cameras, store=store, engine=engine
        )
        app = create_app(services, counters=lambda: _counters(writer, housekeeper))
        mount_web(app, services)
        server = uvicorn.Server(server_config(app, settings.server))
        base = page_address(settings.server, listening.getsockname()[1])
        address = Address(page=base, setup=setup_link(services, base))
        for number in (signal.SIGTERM, signal.SIGINT):
            # the server stops by them and raises them again: what is to be closed comes first
            signal.signal(number, lambda *_: None)
        asyncio.run(_serve(server, listening, lambda: ready(address)))
        _log.info("stopping")


async def _serve(
    server: uvicorn.Server, listening: socket.socket, ready: Callable[[], None]
) -> None:
    beaten = time.monotonic()

    async def beat() -> None:
        nonlocal beaten
        while not server.started:
            await asyncio.sleep(0.05)
        ready()
        beaten = time.monotonic()
        with Watchdog(lambda: time.monotonic() - beaten < _STUCK):
            while True:
                beaten = time.monotonic()
                await asyncio.sleep(_BEAT)

    beating = asyncio.create_task(beat())
    try:
        await server.serve(sockets=[listening])
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


def page_address(server: ServerSettings, port: int) -> str:
    """The address that people open."""
    if server.public_url:
        return server.public_url
    scheme = "http" if server.tls_certificate is None else "https"
    host = "127.0.0.1" if _is_any(server.host) else server.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _is_any(host: str) -> bool:
    """Whether it stands for all of the machine's addresses."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


@contextmanager
def _held(state: Path) -> Iterator[None]:
    """The state folder, for this monitor alone."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state / LOCK).open("a")
    except OSError as error:
        raise OutputError(
            f"The state folder {state} cannot be used ({error.strerror}).",
            "Name another with --state, or see who owns it.",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(
                f"Another monitor uses the state folder {state}.",
                "Stop it first, or name another folder with --state.",
            ) from None
        yield


@contextmanager
def _listening(server: ServerSettings) -> Iterator[socket.socket]:
    """The socket, bound before anything else is started."""
    for path in (server.tls_certificate, server.tls_key):
        if path is not None and not os.access(path, os.R_OK):
            raise InputError(
                f"The TLS file {path} cannot be read.", "See that it exists and who owns it."
            )
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    with listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((server.host, server.port))
        except OSError as error:
            raise InputError(
                f"It cannot listen on {server.host}, port {server.port} "
                f"({error.strerror or error}).",
                "Choose another with --port, or see what else runs there.",
            ) from None
        yield listening


def _follow(settings: Settings) -> None:
    """What the log keeps to itself, and how it is written, when settings change."""
    redaction.know_settings(settings)
    try:
        configure_logging(settings.logging)
    except OutputError as error:
        _log.warning("%s", error)


def _counters(writer: StoreWriter, housekeeper: Housekeeper) -> Mapping[str, float]:
    state = writer.state
    return {
        "written": state.written,
        "waiting": state.waiting,
        "dropped": state.dropped,
        "failures": state.failures,
        "failing": float(state.failing_since is not None),
        "housekeeping_failing": float(bool(housekeeper.last_error)),
    }

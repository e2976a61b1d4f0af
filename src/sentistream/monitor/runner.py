"""Runs the monitor: starts its parts and stops them in the right order."""

from __future__ import annotations

import asyncio
import dataclasses
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
from sentistream.monitor.alerts import AlertEvaluator, HealthWatch
from sentistream.monitor.alerts.evaluator import STOPPED
from sentistream.monitor.alerts.links import history_path
from sentistream.monitor.api.app import create_app, setup_link
from sentistream.monitor.api.server import server_config
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.digest import DigestSender
from sentistream.monitor.digest.digest_sender import DueDigest, OutgoingDigest
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.headquarters.delivery_relay import DeliveryRelay
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.headquarters.held_shop_alerts import HeldShopAlerts
from sentistream.monitor.headquarters.shops_digest import shops_edition
from sentistream.monitor.logs import configure_logging, log_redactor
from sentistream.monitor.notify import MqttPublisher, Notifier
from sentistream.monitor.services import Services
from sentistream.monitor.settings import ServerSettings, Settings
from sentistream.monitor.site_link.site_link import SiteLink
from sentistream.monitor.store import (
    DatabaseStore,
    Housekeeper,
    StoreWriter,
    database_url,
    migrate,
    open_database,
)
from sentistream.monitor.watchdog import Watchdog, extending_start_timeout
from sentistream.monitor.web import mount_web
from sentistream.operating_system import lock_file, stop_signals

LOCK = "monitor.lock"
"""Lock file of the monitor that uses a state folder."""

_LOOP_INTERVAL = 1.0
_LOOP_TIMEOUT = 20.0  # seconds without progress after which the event loop counts as hung

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where the monitor can be reached.

    Attributes:
        page: The page's address.
        setup: The one-time address to create the first manager; None once there is one.
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
    """Runs until SIGTERM or SIGINT; the seconds in progress are stored before it ends.

    Args:
        settings: What to start with.
        config: Their YAML file, written when the page changes them.
        state: Folder of the database and other state; created if it does not exist.
        ready: Called with the address once it responds.

    Raises:
        InputError: It cannot listen on the address, or the TLS files are wrong.
        OutputError: The state folder cannot be written, or another monitor uses it.
        StorageError: The database cannot be opened.
    """
    log_redactor.set_secrets_from(settings)
    configure_logging(settings.logging)
    with ExitStack() as stack:
        stack.enter_context(_locked(state))
        listening = stack.enter_context(_listening(settings.server))
        with extending_start_timeout():
            engine = open_database(database_url(settings, state))
            stack.callback(engine.dispose)
            migrate(engine)

        configuration, bus = Configuration(settings, config), EventBus()
        store = DatabaseStore(engine, lambda: configuration.settings)
        ended = store.end_open_alerts(time.time(), STOPPED)
        writer = StoreWriter(bus, store)
        stack.callback(writer.close)
        housekeeper = Housekeeper(store, lambda: configuration.settings)
        housekeeper.start()
        stack.callback(housekeeper.close)
        stack.enter_context(MqttPublisher(bus, configuration, state=state))
        port = listening.getsockname()[1]

        def page() -> str:
            return page_address(configuration.settings.server, port)

        stack.enter_context(
            Notifier(bus, configuration, page=page, history=history_path, store=store)
        )
        stack.enter_context(AlertEvaluator(bus, configuration))
        stack.enter_context(HealthWatch(bus, configuration, state=state))
        site_link = stack.enter_context(SiteLink(bus, configuration, store, state=state))
        site_link.report_ends(ended)
        headquarters = None
        if settings.headquarters.host:
            with extending_start_timeout():
                headquarters = Headquarters(engine, settings.headquarters, bus)
            stack.enter_context(DeliveryRelay(headquarters.bus, bus))
            stack.enter_context(
                Notifier(
                    headquarters.bus,
                    configuration,
                    page=page,
                    history=history_path,
                    store=HeldShopAlerts(engine),
                )
            )
            headquarters.start()
            stack.callback(headquarters.close)
        stack.enter_context(digest_sender(bus, store, configuration, headquarters, page))
        cameras = Supervisor(bus, state)
        stack.callback(cameras.close)
        cameras.apply(settings)
        configuration.on_change(cameras.apply)
        configuration.on_change(_reconfigure_logging)

        services = Services(
            configuration=configuration,
            bus=bus,
            cameras=cameras,
            store=store,
            engine=engine,
            site_link=site_link,
            headquarters=headquarters,
        )
        app = create_app(services, counters=lambda: _counters(writer, housekeeper))
        mount_web(app, services)
        server = uvicorn.Server(server_config(app, settings.server))
        base = page_address(settings.server, port)
        address = Address(page=base, setup=setup_link(services, base))
        for number in stop_signals():
            # uvicorn stops on them and raises them again; everything must be closed first
            signal.signal(number, lambda *_: None)
        asyncio.run(_serve(server, listening, lambda: ready(address)))
        _log.info("stopping")


def digest_sender(
    bus: EventBus,
    store: DatabaseStore,
    configuration: Configuration,
    headquarters: Headquarters | None,
    page: Callable[[], str],
) -> DigestSender:
    """Sends digests: of the monitor's cameras, of a headquarters' shops, or of both."""
    if headquarters is None:
        return DigestSender(bus, store, configuration, page=page)
    queries, registry = headquarters.queries, headquarters.registry

    def edition(due: DueDigest, settings: Settings, now: float) -> Iterator[OutgoingDigest]:
        if settings.cameras:
            yield from sender.own_edition(due, settings, now)
        yield from shops_edition(queries, registry, store, due, settings, now)

    sender = DigestSender(bus, store, configuration, page=page, edition=edition)
    return sender


async def _serve(
    server: uvicorn.Server, listening: socket.socket, ready: Callable[[], None]
) -> None:
    last_run = time.monotonic()

    async def watch_loop() -> None:
        nonlocal last_run
        while not server.started:
            await asyncio.sleep(0.05)
        ready()
        last_run = time.monotonic()
        with Watchdog(lambda: time.monotonic() - last_run < _LOOP_TIMEOUT):
            while True:
                last_run = time.monotonic()
                await asyncio.sleep(_LOOP_INTERVAL)

    watching = asyncio.create_task(watch_loop())
    try:
        await server.serve(sockets=[listening])
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def page_address(server: ServerSettings, port: int) -> str:
    """The page's address for people to open."""
    if server.public_url:
        return server.public_url
    scheme = "http" if server.tls_certificate is None else "https"
    host = "127.0.0.1" if _is_any(server.host) else server.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _is_any(host: str) -> bool:
    """Whether it stands for all addresses of the machine."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Locks the state folder against other monitors."""
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
            lock_file(lock, wait=False)
        except OSError:
            raise OutputError(
                f"Another monitor uses the state folder {state}.",
                "Stop it first, or name another folder with --state.",
            ) from None
        yield


@contextmanager
def _listening(server: ServerSettings) -> Iterator[socket.socket]:
    """The listening socket, bound before anything else is started."""
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


def _reconfigure_logging(settings: Settings) -> None:
    """Adopts changed settings: the secrets to redact, and how the log is written."""
    log_redactor.set_secrets_from(settings)
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

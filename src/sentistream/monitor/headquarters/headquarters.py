"""Headquarters as part of the monitor: opens its tables, receives, deletes old data."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from sentistream.errors import InputError, StorageError
from sentistream.monitor.alerts.evaluator import STOPPED, new_incident
from sentistream.monitor.alerts.health_watch import RECOVERY, DelayedCondition
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.fleet.broker_connection import BrokerConnection
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.monitor.fleet.messages import FleetTopics
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.receiver import Receiver
from sentistream.monitor.headquarters.shop_alerts import ShopAlerts
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.observations import BROKER_DOWN, EVERYWHERE, Alert, AlertKind
from sentistream.monitor.settings import HeadquartersSettings
from sentistream.monitor.store.database import migrate
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

RETENTION_INTERVAL = 3600.0
"""Seconds from one deletion of old sums to the next."""

STEADY_CLOCK = 600.0
"""Seconds after the start before anything is deleted: the clock may still be wrong."""

LOOK_INTERVAL = 3.0
"""Seconds between two checks for alerts that sites have reported."""

BROKER_DELAY = 120.0
"""Seconds for which the broker must be unreachable before that is an alert."""

CLIENT_ID = "sentistream-headquarters"


class Headquarters:
    """Receives the sites' reports. Created only if the settings name a broker.

    Args:
        engine: The monitor's database; its tables are created or migrated.
        settings: The broker's settings.
        bus: Where an unreachable broker is published; None for nowhere.

    Attributes:
        registry: The sites.
        queries: Reads what they have reported.
        receiver: Receives their messages.
        settings: As given.
        bus: A separate bus for the shops' alerts, because not everybody who sees the monitor's
            alerts may see those of each shop.

    Raises:
        InputError: The authority's file cannot be read.
        StorageError: The database cannot be reached.
    """

    def __init__(
        self, engine: Engine, settings: HeadquartersSettings, bus: EventBus | None = None
    ) -> None:
        migrate(engine, MIGRATIONS)
        self.engine = engine
        self.settings = settings
        self.ca: str = _read_ca(settings)
        self.registry: SiteRegistry = SiteRegistry(engine)
        self.queries: FleetQueries = FleetQueries(engine, settings.silent_minutes)
        self.receiver: Receiver = Receiver(engine, settings.topic, self._publish)
        self._connection: BrokerConnection | None = None
        self._closing = threading.Event()
        self.bus: EventBus = EventBus()
        self._own_bus = bus
        self._alerts = ShopAlerts(
            engine, self.bus, settings.silent_minutes, reached_since=lambda: self._reached_since
        )
        self._reached_since: float | None = None
        self._broker = DelayedCondition()
        self._broker_alert: Alert | None = None
        self._thread = threading.Thread(target=self._run, name="headquarters-watch", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected now."""
        return self._connection is not None and self._connection.is_connected

    @property
    def problem(self) -> str:
        """What is wrong with the broker; empty if nothing is."""
        return "" if self._connection is None else self._connection.problem

    def start(self) -> None:
        """Starts receiving."""
        settings = self.settings
        self.receiver.start()
        self._connection = BrokerConnection(
            BrokerAddress(
                host=settings.host,
                port=settings.port,
                tls=settings.tls,
                username=settings.username,
                password=settings.password.get_secret_value(),
                ca=self.ca,
            ),
            client_id=f"{CLIENT_ID}-{settings.topic.replace('/', '-')}",
            subscriptions=[FleetTopics(settings.topic).all_up],
            on_message=self.receiver.receive,
            keeps_session=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stores received messages, and stops."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._end_broker_alert(STOPPED)
        self.receiver.close()
        if self._connection is not None:
            self._connection.close()

    def _publish(self, topic: str, payload: bytes) -> bool:
        return self._connection is not None and self._connection.publish(topic, payload)

    def _run(self) -> None:
        started = retention_at = time.monotonic()
        while not self._closing.wait(LOOK_INTERVAL):
            try:
                now = time.monotonic()
                self._look_at_broker(now)
                self._alerts.look()
                if now - started >= STEADY_CLOCK and now >= retention_at:
                    retention_at = now + RETENTION_INTERVAL
                    self.receiver.storage.apply_retention(time.time(), self.settings)
            except StorageError as error:
                _log.warning("%s", error)
            except Exception:
                _log.exception("the look at the shops failed; it continues")

    def _look_at_broker(self, now: float) -> None:
        connected = self.is_connected
        if not connected:
            self._reached_since = None
        elif self._reached_since is None:
            self._reached_since = now
        changed = self._broker.update(not connected, now, begin=BROKER_DELAY, end=RECOVERY)
        if changed and self._broker.holds:
            self._broker_alert = Alert(
                rule=BROKER_DOWN,
                name=self.settings.name,
                camera="",
                zone=EVERYWHERE,
                time=time.time(),
                active=True,
                sentiment="",
                share=0.0,
                limit=0.0,
                minutes=BROKER_DELAY / 60,
                kind=AlertKind.SHOP,
                incident=new_incident(),
                reason=Translatable("The broker cannot be reached. Shops keep their reports."),
            )
            if self._own_bus is not None:
                self._own_bus.publish(self._broker_alert)
        elif changed:
            self._end_broker_alert("")

    def _end_broker_alert(self, reason: str) -> None:
        alert, self._broker_alert = self._broker_alert, None
        if alert is not None and self._own_bus is not None:
            self._own_bus.publish(replace(alert, active=False, time=time.time(), reason=reason))


def _read_ca(settings: HeadquartersSettings) -> str:
    if settings.ca_file is None:
        return ""
    try:
        return settings.ca_file.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            Translatable("{path} cannot be read.", path=settings.ca_file),
            "Write the PEM file of the broker's authority into headquarters.ca_file.",
        ) from None

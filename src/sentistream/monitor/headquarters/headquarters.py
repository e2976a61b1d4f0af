"""Headquarters as a part of the monitor: opens its tables, receives, forgets what is too old."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine

from sentistream.errors import InputError, StorageError
from sentistream.monitor.fleet.broker_connection import BrokerConnection
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.monitor.fleet.messages import FleetTopics
from sentistream.monitor.headquarters.receiver import Receiver
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.settings import HeadquartersSettings
from sentistream.monitor.store.database import migrate
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

RETENTION_INTERVAL = 3600.0
"""Seconds from one deletion of old sums to the next."""

STEADY_CLOCK = 600.0
"""Seconds after the start before anything is deleted: a clock that was just set may be wrong."""

SILENCE_INTERVAL = 30.0
"""Seconds between two looks for shops that went silent."""

CLIENT_ID = "sentistream-headquarters"


class Headquarters:
    """Receives what sites report. Made only where the settings name a broker.

    Args:
        engine: The monitor's database; its own tables are made or brought up to date.
        settings: How the broker is reached.

    Attributes:
        registry: The sites.
        receiver: Takes their messages.
        settings: As given.

    Raises:
        InputError: The authority's file cannot be read.
        StorageError: The database cannot be reached.
    """

    def __init__(self, engine: Engine, settings: HeadquartersSettings) -> None:
        migrate(engine, MIGRATIONS)
        self.engine = engine
        self.settings = settings
        self.ca = _read_ca(settings)
        self.registry = SiteRegistry(engine)
        self.receiver = Receiver(engine, settings.topic, self._publish)
        self._connection: BrokerConnection | None = None
        self._closing = threading.Event()
        self._silent: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="headquarters-watch", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the broker is reached now."""
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
        """Stores what was received, and stops."""
        self._closing.set()
        self.receiver.close()
        if self._connection is not None:
            self._connection.close()

    def counters(self) -> Mapping[str, float]:
        """Figures for ``/metrics``."""
        receiver = self.receiver
        return {
            "fleet_stored": receiver.stored,
            "fleet_waiting": receiver.waiting,
            "fleet_deferred": receiver.deferred,
            "fleet_refused": receiver.refused.total(),
        }

    def _publish(self, topic: str, payload: bytes) -> bool:
        return self._connection is not None and self._connection.publish(topic, payload)

    def _run(self) -> None:
        started = retention_at = time.monotonic()
        while not self._closing.wait(SILENCE_INTERVAL):
            try:
                self._tell_silent(time.time())
                now = time.monotonic()
                if now - started >= STEADY_CLOCK and now >= retention_at:
                    retention_at = now + RETENTION_INTERVAL
                    self.receiver.storage.apply_retention(time.time(), self.settings)
            except StorageError as error:
                _log.warning("%s", error)
            except Exception:
                _log.exception("the look at the shops failed; it continues")

    def _tell_silent(self, now: float) -> None:
        silent = {
            site.key
            for site in self.registry.sites()
            if site.state == "joined"
            and now - (site.last_seen or 0.0) > self.settings.silent_minutes * 60
        }
        for key in sorted(silent - self._silent):
            _log.warning("shop %s has gone silent", key)
        for key in sorted(self._silent - silent):
            _log.info("shop %s reports again", key)
        self._silent = silent


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

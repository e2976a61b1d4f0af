"""A headquarters and its sites for tests: real broker with TLS, real databases, no cameras."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from mqtt_broker import Mosquitto
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.fleet.messages import FleetTopics, decode, encode, split
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_tables import SERIES, SITES, SUMS
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.settings import HeadquartersSettings, Settings
from sentistream.monitor.site_link.joining import join
from sentistream.monitor.site_link.link_state import read_link
from sentistream.monitor.site_link.site_link import SiteLink
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from waiting import wait_until

TOPIC = "chain/shops"

CAMERAS = {
    "door": {"name": "Door", "source": "demo:"},
    "till": {"name": "Till", "source": "demo:"},
}


def headquarters_settings(broker: Mosquitto, **changes: Any) -> HeadquartersSettings:
    certificate = getattr(broker, "certificate", None)
    values = {
        "host": "127.0.0.1",
        "port": broker.port,
        "tls": certificate is not None,
        "ca_file": certificate,
        "topic": TOPIC,
        "name": "Example Ltd",
    }
    return HeadquartersSettings.model_validate(values | changes)


@contextmanager
def headquarters(engine: Engine, broker: Mosquitto, **changes: Any) -> Iterator[Headquarters]:
    migrate(engine)
    hq = Headquarters(engine, headquarters_settings(broker, **changes))
    hq.start()
    try:
        wait_until(lambda: hq.is_connected, "headquarters is connected")
        yield hq
    finally:
        hq.close()


def invite(hq: Headquarters, key: str = "north", name: str = "North Street") -> str:
    """The joining code of a new site."""
    if key not in {site.key for site in hq.registry.sites()}:
        hq.registry.add(key, name)
    code = hq.registry.new_code(key, hq.settings, ca=hq.ca).encode()
    hq.receiver.reload()
    return code


class Shop:
    """A site without cameras: their readings are added to its store directly.

    Args:
        state: The site's state folder.
        now: The site's clock; None for the machine's.
    """

    def __init__(self, state: Path, *, now: float | None = None, **settings: Any) -> None:
        self.state = state
        state.mkdir(exist_ok=True)
        self.offset = 0.0 if now is None else now - time.time()
        values = {"cameras": CAMERAS, "privacy": {"smallest_group": 5}} | settings
        self.configuration = Configuration(Settings.model_validate(values), state / "shop.yaml")
        self.engine = open_database(f"sqlite:///{state / 'monitor.db'}")
        migrate(self.engine)
        self.store = DatabaseStore(self.engine, lambda: self.configuration.settings)
        self.bus = EventBus()
        self.link: SiteLink | None = None

    def clock(self) -> float:
        return time.time() + self.offset

    def join(self, code: str) -> None:
        join(self.state, code)

    @contextmanager
    def running(self) -> Iterator[SiteLink]:
        """Run its link, as the monitor does."""
        link = SiteLink(
            self.bus, self.configuration, self.store, state=self.state, clock=self.clock
        )
        with link:
            yield link

    def close(self) -> None:
        self.engine.dispose()


def sums(hq: Headquarters, site: str = "north") -> dict[tuple[str, str, int, int], Any]:
    """Everything that headquarters has stored of a site: by camera, zone, minute and length."""
    statement = (
        select(SERIES.c.camera, SERIES.c.zone, SUMS)
        .join(SERIES, SERIES.c.id == SUMS.c.series_id)
        .join(SITES, SITES.c.id == SERIES.c.site_id)
        .where(SITES.c.key == site)
    )
    with hq.engine.connect() as connection:
        return {
            (row.camera, row.zone, row.minute * 60, row.minutes): row
            for row in connection.execute(statement)
        }


class BrokerTap:
    """Records and decodes every message on the broker, and publishes arbitrary ones."""

    def __init__(self, broker: Mosquitto) -> None:
        import secrets

        from sentistream.monitor.fleet.broker_connection import BrokerConnection
        from sentistream.monitor.fleet.join_code import BrokerAddress

        self.raw: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        certificate = getattr(broker, "certificate", None)
        self.connection = BrokerConnection(
            BrokerAddress(
                host="127.0.0.1",
                port=broker.port,
                tls=certificate is not None,
                ca=certificate.read_text() if certificate is not None else "",
            ),
            client_id=f"wire-{secrets.token_hex(4)}",
            subscriptions=["#"],
            on_message=self._receive,
        )
        assert self.connection.wait(30)

    def _receive(self, topic: str, payload: bytes) -> None:
        with self._lock:
            self.raw.append((topic, payload))

    def messages(self, topic: str) -> list[dict[str, Any]]:
        return [decode(split(payload)[1]) for where, payload in self.raw if where == topic]

    def up(self, site: str = "north") -> list[dict[str, Any]]:
        return self.messages(FleetTopics(TOPIC).up(site))

    def down(self, site: str = "north") -> list[dict[str, Any]]:
        return self.messages(FleetTopics(TOPIC).down(site))

    def send_as_site(
        self,
        key: SigningKey,
        *,
        site: str = "north",
        topic_site: str = "",
        signed_topic: str = "",
        **fields: Any,
    ) -> bytes:
        """Publish a message as a site; returns its bytes."""
        topic = FleetTopics(TOPIC).up(topic_site or site)
        values = {"site": site, "sent": time.time(), "kind": "data", "records": [], **fields}
        values.setdefault("n", int(time.time() * 1000))
        payload = encode(values, signed_topic or topic, key)
        self.publish(topic, payload)
        return payload

    def publish(self, topic: str, payload: bytes) -> None:
        assert self.connection.publish(topic, payload)

    def close(self) -> None:
        self.connection.close()


def key_of(shop: Shop) -> SigningKey:
    """The key with which a site signs."""
    link = read_link(shop.state)
    assert link is not None
    return SigningKey(link.key)


def is_connected(link: SiteLink) -> Callable[[], bool]:
    """A predicate: whether a link is connected to the broker."""
    return lambda: link.status.connected


def has_alerts(queries: FleetQueries, count: int, site: str = "") -> Callable[[], bool]:
    """A predicate: whether headquarters has at least that many alerts."""
    return lambda: len(queries.alerts(site=site)) >= count

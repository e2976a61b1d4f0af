"""Alerts of shops: pairing, single and timely notification, silent shops, and recipients."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update
from store.sample_readings import alert as site_alert

from event_bus_helpers import configured
from fleet.fleet_sites import Shop, headquarters, invite
from http_receiver import receiving
from mqtt_broker import Mosquitto
from sentistream.monitor.alerts.health_watch import RECOVERY
from sentistream.monitor.alerts.links import history_path
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_tables import ALERTS, CAMERAS, SITES
from sentistream.monitor.headquarters.headquarters import MIGRATIONS, Headquarters
from sentistream.monitor.headquarters.held_shop_alerts import HeldShopAlerts
from sentistream.monitor.headquarters.shop_alerts import (
    MAX_NOTICE_DELAY,
    MIN_BROKER_SECONDS,
    OPEN_DAYS,
    SILENCE_INTERVAL,
    ShopAlerts,
)
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sites import JOINED, LEFT
from sentistream.monitor.notify import Notifier
from sentistream.monitor.observations import BROKER_DOWN, Acknowledgement, Alert, AlertKind
from sentistream.monitor.store import migrate
from smtp_server import mail_server
from waiting import wait_until

NOW = 1_790_000_000.0


@dataclass
class AlertHarness:
    """Headquarters tables with two shops, and manually set clocks."""

    engine: Engine

    def __post_init__(self) -> None:
        migrate(self.engine)
        migrate(self.engine, MIGRATIONS)
        self.now, self.steady, self.reached = NOW, 10_000.0, 0.0
        registry = SiteRegistry(self.engine)
        for key, name in (("north", "North Street"), ("south", "South Gate")):
            registry.add(key, name)
            self.site(key, state=JOINED, last_seen=NOW)
        north = self.id("north")
        with self.engine.begin() as connection:
            connection.execute(
                insert(CAMERAS).values(
                    site_id=north, camera="door", name="Front door", state="running",
                    since=0, reason="", restarts=0, moments_per_second=28, dropped=0, damaged=0,
                    updated=0,
                )
            )  # fmt: skip
        self.start()

    def start(self) -> None:
        """As at program start."""
        self.bus = EventBus()
        self.events = self.bus.subscribe(Alert, depth=1000)
        self.alerts = ShopAlerts(
            self.engine, self.bus, 15, reached_since=lambda: self.reached,
            clock=lambda: self.now, steady=lambda: self.steady,
        )  # fmt: skip

    def id(self, key: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.scalar(select(SITES.c.id).where(SITES.c.key == key)) or 0)

    def site(self, key: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(SITES).where(SITES.c.key == key).values(values))

    def report(self, ago: float, *, active: bool = True, rule: str = "sour") -> None:
        """Store a row as the receiver does."""
        north = self.id("north")
        with self.engine.begin() as connection:
            connection.execute(
                insert(ALERTS).values(
                    site_id=north, rule=rule, name="Sour mood", camera="door", zone="",
                    time=self.now - ago, active=active, sentiment="negative", share=0.5, bound=0.4,
                    minutes=10,
                )
            )  # fmt: skip

    def look(self, *, after: float = 1.0) -> list[Alert]:
        self.now += after
        self.steady += after
        self.alerts.look()
        return [each for each in self.events.take(0) if isinstance(each, Alert)]

    def notified(self, *, after: float = 1.0) -> list[tuple[str, bool]]:
        return [(each.rule, each.active) for each in self.look(after=after)]


@pytest.fixture
def harness(engine: Engine) -> AlertHarness:
    return AlertHarness(engine)


def test_start_and_end_are_each_notified_once(harness: AlertHarness) -> None:
    harness.report(20)
    (begin,) = harness.look()
    assert begin.active
    assert begin.shop is not None
    assert (begin.shop.key, begin.shop.name) == ("north", "North Street")
    assert begin.shop.camera == "Front door"
    assert begin.time == NOW - 20
    assert harness.look() == []
    harness.start()
    assert harness.look() == []
    harness.report(0, active=False)
    (end,) = harness.look()
    assert (end.incident, end.active) == (begin.incident, False)
    harness.start()
    assert harness.look() == []
    found = FleetQueries(harness.engine, 15).alert(begin.incident)
    assert found.ended is not None


def test_late_alert_is_notified_only_while_active(harness: AlertHarness) -> None:
    harness.report(MAX_NOTICE_DELAY + 7200)
    harness.report(MAX_NOTICE_DELAY + 3600, active=False)
    assert harness.notified() == []
    harness.report(MAX_NOTICE_DELAY + 1800)
    assert harness.notified() == [("sour", True)]
    harness.report(MAX_NOTICE_DELAY + 900, active=False)
    assert harness.notified() == [("sour", False)]
    harness.report((OPEN_DAYS + 1) * 86_400, rule="older")
    assert harness.notified() == []


def test_end_may_arrive_before_its_start(harness: AlertHarness) -> None:
    """New records overtake old ones after an outage."""
    harness.report(10, active=False)
    assert harness.notified() == []
    harness.report(600)
    begin, end = harness.look()
    assert (begin.active, end.active) == (True, False)
    assert begin.incident == end.incident
    assert harness.look(after=SILENCE_INTERVAL) == []
    (listed,) = FleetQueries(harness.engine, 15).alerts()
    assert listed.ended is not None


def test_alert_that_starts_again_has_ended_before(harness: AlertHarness) -> None:
    """A killed site sends no end."""
    harness.report(900)
    (first,) = harness.look()
    harness.report(60)
    events = harness.look()
    assert {(each.incident == first.incident, each.active) for each in events} == {
        (True, False),
        (False, True),
    }
    harness.report(0, active=False)
    (last,) = harness.look()
    assert last.incident != first.incident
    listed = FleetQueries(harness.engine, 15).alerts()
    assert len(listed) == 2
    assert all(each.ended is not None for each in listed)


def test_unended_alert_expires(harness: AlertHarness) -> None:
    harness.report(60)
    assert harness.notified() == [("sour", True)]
    harness.start()
    harness.site("north", last_seen=NOW + OPEN_DAYS * 86_400)
    harness.site("south", last_seen=NOW + OPEN_DAYS * 86_400)
    assert harness.notified(after=OPEN_DAYS * 86_400) == [("sour", False)]
    assert harness.notified(after=SILENCE_INTERVAL) == []


def test_silent_shop_is_an_alert_until_it_reports_again(harness: AlertHarness) -> None:
    harness.site("south", last_seen=NOW + 10_000)
    assert harness.notified(after=15 * 60) == []
    (begin,) = harness.look(after=SILENCE_INTERVAL)
    assert (begin.kind, begin.name, begin.active) == (AlertKind.SHOP, "North Street", True)
    assert begin.reason == "Nothing has come from this shop for 15 minutes."
    assert harness.look(after=SILENCE_INTERVAL) == []
    harness.start()
    harness.reached = harness.steady
    assert harness.look(after=SILENCE_INTERVAL) == []
    # one message, and silence again: still the same alert
    harness.site("north", last_seen=harness.now)
    assert harness.look(after=SILENCE_INTERVAL) == []
    harness.site("north", last_seen=harness.now + 5000)
    assert harness.look(after=SILENCE_INTERVAL) == []
    (end,) = harness.look(after=RECOVERY)
    assert (end.incident, end.active, end.reason) == (begin.incident, False, "")


def test_no_shop_is_silent_while_the_broker_is_down(harness: AlertHarness) -> None:
    harness.reached = None  # type: ignore[assignment]
    assert harness.notified(after=7200) == []
    harness.reached = harness.steady
    assert harness.notified(after=MIN_BROKER_SECONDS) == []
    assert harness.notified(after=SILENCE_INTERVAL + 15 * 60) == [("shop_silent", True)] * 2


def test_departed_shop_has_no_alerts(harness: AlertHarness) -> None:
    harness.report(60)
    assert harness.notified() == [("sour", True)]
    harness.notified(after=15 * 60)
    harness.notified(after=SILENCE_INTERVAL)
    harness.site("north", state=LEFT)
    ends = harness.look(after=SILENCE_INTERVAL)
    assert {(each.rule, each.active) for each in ends} == {("sour", False), ("shop_silent", False)}
    assert all("does not report" in each.reason for each in ends)
    SiteRegistry(harness.engine).remove("south", erase=True)
    assert harness.look(after=SILENCE_INTERVAL) != []
    assert harness.look(after=SILENCE_INTERVAL) == []


def test_site_cannot_report_itself_or_another_as_silent(harness: AlertHarness) -> None:
    harness.report(5, rule="shop_silent")
    (event,) = harness.look()
    assert event.kind is AlertKind.SENTIMENT
    assert event.shop is not None
    assert event.shop.key == "north"


def test_shop_alert_reaches_all_channels(
    engine: Engine, broker: Mosquitto, shop: Shop, tmp_path: Path
) -> None:
    """From the site's event bus over the broker to a webhook and a mail server."""
    with (
        headquarters(engine, broker) as hq,
        receiving(204) as receiver,
        mail_server() as mail,
    ):
        configuration = configured(
            tmp_path,
            webhooks=[{"url": receiver.url(), "events": ["alert"]}],
            email={
                "host": "127.0.0.1",
                "port": mail.port,
                "security": "none",
                "sender": "hq@example.org",
                "recipients": ["boss@example.org"],
            },
            alerts=[
                {"key": "sad", "name": "Own", "quiet_hours": [{"begin": "00:00", "end": "23:59"}]}
            ],
            health_alerts={"remind_minutes": 0.02},
        )
        notifier = Notifier(
            hq.bus, configuration, page=lambda: "https://hq.example.org/", history=history_path
        )
        with notifier:
            shop.join(invite(hq))
            with shop.running() as link:
                wait_until(lambda: link.status.connected)
                started = site_alert(time.time() - 5)
                shop.bus.publish(started)
                wait_until(lambda: receiver.requests and mail.messages, "the messages")
                body = json.loads(receiver.requests[0].body)
                (found,) = FleetQueries(engine, 15).alerts()
                assert (body["event"], body["shop"], body["active"]) == ("alert", "north", True)
                assert body["link"] == f"https://hq.example.org/shops/alerts/{found.incident}"
                assert f"North Street: {started.name}" in mail.messages[0]["Subject"]
                text = mail.messages[0].get_body(("plain",))
                assert text is not None
                assert f"{body['link']}#minutes" in text.get_content()
                wait_until(lambda: len(receiver.requests) > 1, "a reminder")
                assert json.loads(receiver.requests[1].body)["reminder"] is True
                hq.bus.publish(
                    Acknowledgement(incident=found.incident, user="ada", time=time.time())
                )
                time.sleep(2.5)
                count = len(receiver.requests)
                time.sleep(2.5)
                assert len(receiver.requests) == count
                shop.bus.publish(site_alert(time.time(), active=False))
                wait_until(lambda: len(receiver.requests) > count, "the end")
                assert json.loads(receiver.requests[-1].body)["active"] is False


def test_quiet_hours_hold_shop_alerts_also_over_a_restart(
    harness: AlertHarness, tmp_path: Path
) -> None:
    clock = [datetime(2026, 3, 4, 23).timestamp()]
    with receiving(204) as receiver:
        configuration = configured(
            tmp_path,
            webhooks=[
                {
                    "url": receiver.url(),
                    "events": ["alert"],
                    "quiet_hours": [{"begin": "22:00", "end": "07:00"}],
                }
            ],
        )

        def notifier() -> Notifier:
            notifier_started = Notifier(
                harness.bus,
                configuration,
                store=HeldShopAlerts(harness.engine),
                clock=lambda: clock[0],
            )
            notifier_started._reload_settings()
            return notifier_started

        first = notifier()
        harness.report(20)
        harness.report(5, active=False)
        for each in harness.look():
            first.handle(each)
        first.finish()
        assert receiver.requests == []
        second = notifier()
        second.tick()
        assert receiver.requests == []
        clock[0] += 10 * 3600
        second.tick()
        wait_until(lambda: receiver.requests, "the summary")
        body = json.loads(receiver.requests[0].body)
        assert body["event"] == "summary"
        assert [(each["shop"], each["active"]) for each in body["alerts"]] == [
            ("north", True),
            ("north", False),
        ]
        wait_until(lambda: sum(queue.waiting for queue in second.queues.values()) == 0)
        second.tick()
        second.finish()
        third = notifier()
        third.tick()
        third.finish()
        assert len(receiver.requests) == 1
        assert HeldShopAlerts(harness.engine).held_alerts() == []


def test_unreachable_broker_is_an_alert_of_the_monitor(
    engine: Engine, own_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentistream.monitor.headquarters import headquarters as module

    monkeypatch.setattr(module, "LOOK_INTERVAL", 0.1)
    monkeypatch.setattr(module, "BROKER_DELAY", 0.5)
    bus = EventBus()
    migrate(engine)
    from fleet.fleet_sites import headquarters_settings

    hq = Headquarters(engine, headquarters_settings(own_broker), bus)
    with bus.subscribe(Alert) as events:
        hq.start()
        try:
            wait_until(lambda: hq.is_connected)
            time.sleep(1)
            assert events.take(0) == []
            own_broker.process.kill()
            (alert,) = events.take(30)
            assert isinstance(alert, Alert)
            assert (alert.rule, alert.kind, alert.active) == (BROKER_DOWN, AlertKind.SHOP, True)
            assert alert.shop is None
        finally:
            hq.close()
        (end,) = events.take(5)
        assert isinstance(end, Alert)
        assert (end.incident, end.active) == (alert.incident, False)

"""The notifier: quiet hours, reminders, ends, acknowledgements, and its delivery log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from event_bus_helpers import configured
from http_receiver import Receiver, receiving
from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus, Subscription
from sentistream.monitor.interfaces import Store
from sentistream.monitor.notify import Notifier
from sentistream.monitor.notify.notifier import AT_ONCE_SECONDS, MAX_AT_ONCE
from sentistream.monitor.notify.payloads import iso_time
from sentistream.monitor.observations import (
    DISK_NEARLY_FULL,
    Acknowledgement,
    Alert,
    AlertKind,
    Delivery,
    HeldAlert,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from waiting import wait_until

MIDNIGHT = datetime(2026, 3, 4).timestamp()
NIGHT = [{"begin": "22:00", "end": "07:00"}]
RULE = {"key": "bad", "name": "Bad mood"}


def at(hour: float) -> float:
    return MIDNIGHT + 3600 * hour


def alert(incident: str, hour: float, *, active: bool = True, rule: str = "bad") -> Alert:
    return Alert(
        rule=rule, name="Bad mood", camera="door", zone="", time=at(hour), active=active,
        sentiment="negative", share=0.5, limit=0.4, minutes=10, incident=incident,
    )  # fmt: skip


@dataclass
class NotifierHarness:
    """A notifier without a thread of its own, whose clock is set manually."""

    notifier: Notifier
    receiver: Receiver
    bus: EventBus
    subscription: Subscription
    log: list[Delivery]
    now: float

    def publish(self, event: Alert | Acknowledgement, hour: float) -> None:
        self.now = at(hour)
        self.bus.publish(event)
        self.notifier.handle(event)

    def tick(self, hour: float) -> None:
        self.now = at(hour)
        self.notifier.tick()

    def messages(self, count: int) -> list[dict[str, Any]]:
        """Wait for that many messages in total, and for their log entries."""
        wait_until(lambda: len(self.receiver.requests) >= count, f"{count} messages")
        wait_until(lambda: sum(q.waiting for q in self.notifier.queues.values()) == 0)
        assert len(self.receiver.requests) == count
        return [json.loads(request.body) for request in self.receiver.requests]

    def states(self) -> list[tuple[str, str, str]]:
        found = self.subscription.take(0.2)
        self.log += [each for each in found if isinstance(each, Delivery)]
        return [(each.incident, each.event, str(each.state)) for each in self.log]


@contextmanager
def start_notifier(
    folder: Path,
    *,
    rule: dict[str, Any] | None = None,
    store: Store | None = None,
    begin: float = 12,
    **webhook: Any,
) -> Iterator[NotifierHarness]:
    bus = EventBus()
    with receiving(200) as receiver, bus.subscribe(Delivery, depth=1000) as subscription:
        configuration = configured(
            folder,
            cameras={"door": {"source": "0"}},
            alerts=[RULE | (rule or {})],
            webhooks=[{"url": receiver.url(), "events": ["alert", "camera", "disk"], **webhook}],
        )
        harness: NotifierHarness | None = None
        notifier = Notifier(
            bus,
            configuration,
            store=store,
            delays=(0.05,),
            clock=lambda: harness.now if harness else at(begin),
        )
        notifier._reload_settings()
        harness = NotifierHarness(notifier, receiver, bus, subscription, [], at(begin))
        yield harness
        notifier.finish()


def test_each_message_is_logged(tmp_path: Path) -> None:
    with start_notifier(tmp_path) as harness:
        harness.publish(alert("a", 12), 12)
        harness.publish(alert("a", 12.5, active=False), 12.5)
        assert [each["active"] for each in harness.messages(2)] == [True, False]
        assert harness.states() == [("a", "begin", "delivered"), ("a", "end", "delivered")]


def test_failure_is_logged_with_its_reason(tmp_path: Path) -> None:
    with start_notifier(tmp_path) as harness:
        harness.receiver.answers = [404]
        harness.publish(alert("a", 12), 12)
        harness.messages(1)
        wait_until(lambda: harness.states() == [("a", "begin", "failed")])
        assert "does not know this address (status 404)" in harness.log[0].reason
        assert harness.log[0].attempts == 1


def test_quiet_hours_hold_alerts_for_one_summary(tmp_path: Path) -> None:
    with start_notifier(tmp_path, quiet_hours=NIGHT) as harness:
        harness.publish(alert("a", 23), 23)
        harness.publish(alert("a", 23.5, active=False), 23.5)
        harness.publish(alert("b", 26), 26)
        harness.tick(28)
        assert harness.messages(0) == []
        harness.tick(31.01)
        (summary,) = harness.messages(1)
        assert summary["event"] == "summary"
        assert [each["active"] for each in summary["alerts"]] == [True, False, True]
        harness.tick(31.1)
        harness.messages(1)
        assert harness.states() == [
            ("a", "begin", "held"),
            ("a", "end", "held"),
            ("b", "begin", "held"),
            ("a", "summary", "delivered"),
            ("b", "summary", "delivered"),
        ]


def test_single_held_message_is_sent_unchanged(tmp_path: Path) -> None:
    with start_notifier(tmp_path, quiet_hours=NIGHT) as harness:
        harness.publish(alert("a", 23), 23)
        harness.tick(31.01)
        (message,) = harness.messages(1)
        assert message["event"] == "alert"


def test_quiet_hours_may_drop(tmp_path: Path) -> None:
    with start_notifier(tmp_path, quiet_hours=NIGHT, after_quiet_hours="drop") as harness:
        harness.publish(alert("a", 23), 23)
        harness.tick(31.01)
        assert harness.messages(0) == []
        assert harness.states() == [("a", "begin", "dropped")]
        assert harness.log[0].reason == "Quiet hours."


def test_quiet_hours_of_one_rule_do_not_affect_others(tmp_path: Path) -> None:
    with start_notifier(tmp_path, rule={"quiet_hours": NIGHT}) as harness:
        harness.publish(alert("a", 23), 23)
        harness.publish(alert("b", 23, rule="other"), 23)
        assert [each["rule"] for each in harness.messages(1)] == ["other"]


def test_ends_are_sent_only_where_requested(tmp_path: Path) -> None:
    with start_notifier(tmp_path, ends=False) as harness:
        harness.publish(alert("a", 12), 12)
        harness.publish(alert("a", 12.5, active=False), 12.5)
        assert [each["active"] for each in harness.messages(1)] == [True]


def test_reminders_stop_when_acknowledged(tmp_path: Path) -> None:
    with start_notifier(tmp_path, rule={"remind_minutes": 30}, quiet_hours=NIGHT) as harness:
        harness.publish(alert("a", 12), 12)
        harness.tick(12.4)
        harness.tick(12.51)
        harness.tick(12.6)
        assert ["reminder" in each for each in harness.messages(2)] == [False, True]
        harness.tick(22.5)  # no reminders in quiet hours, nor one for each missed hour afterwards
        harness.messages(2)
        harness.tick(31.01)
        harness.messages(3)
        harness.publish(Acknowledgement(incident="a", user="ada", time=at(31.1)), 31.1)
        harness.tick(33)
        harness.messages(3)


def test_disk_alert_is_an_event_of_its_own(tmp_path: Path) -> None:
    full = replace(
        alert("d", 12, rule=DISK_NEARLY_FULL),
        kind=AlertKind.DISK,
        camera="",
        reason="1 GB is free.",
    )
    with start_notifier(tmp_path, events=["alert"]) as harness:
        harness.publish(full, 12)
        assert harness.messages(0) == []
    with start_notifier(tmp_path) as harness:
        harness.publish(full, 12)
        (message,) = harness.messages(1)
        assert (message["event"], message["reason"]) == ("disk", "1 GB is free.")


def test_held_message_survives_a_channel_change(tmp_path: Path) -> None:
    with start_notifier(tmp_path, quiet_hours=NIGHT) as harness:
        harness.publish(alert("a", 23), 23)
        configuration = harness.notifier._configuration
        (webhook,) = configuration.settings.webhooks
        changed = webhook.model_copy(update={"name": "Renamed"})
        configuration.change(configuration.settings.model_copy(update={"webhooks": (changed,)}))
        harness.tick(31.01)
        harness.messages(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DatabaseStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'held.db'}")
    migrate(engine)
    with closing(DatabaseStore(engine, Settings)) as created:
        yield created


def test_held_message_is_sent_by_the_next_run(tmp_path: Path, store: DatabaseStore) -> None:
    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT) as harness:
        harness.publish(alert("a", 23), 23)
        harness.publish(alert("a", 23.5, active=False), 23.5)
    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT, begin=26) as harness:
        harness.publish(alert("b", 26), 26)
        harness.tick(28)
        assert harness.messages(0) == []
        harness.tick(31.01)
        (summary,) = harness.messages(1)
        assert [(each["active"], each["time"]) for each in summary["alerts"]] == [
            (each.active, iso_time(each.time))
            for each in (alert("a", 23), alert("a", 23.5, active=False), alert("b", 26))
        ]
        wait_until(lambda: len(harness.states()) == 3)
        harness.tick(31.1)
    assert store.held_alerts() == []
    with start_notifier(tmp_path, store=store, begin=32) as harness:
        harness.tick(32)
        assert harness.messages(0) == []


def test_alert_ended_while_offline_is_not_sent_as_active(
    tmp_path: Path, store: DatabaseStore
) -> None:
    started = alert("a", 23)
    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT) as harness:
        harness.publish(started, 23)
    store.add_alert(started)
    store.end_open_alerts(at(27), "The monitor stopped.")
    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT, begin=27) as harness:
        harness.tick(31.01)
        (summary,) = harness.messages(1)
        assert [each["active"] for each in summary["alerts"]] == [True, False]


def test_held_start_of_an_ended_alert_is_not_sent_as_active(tmp_path: Path) -> None:
    with start_notifier(tmp_path, quiet_hours=NIGHT, ends=False) as harness:
        harness.publish(alert("a", 23), 23)
        harness.publish(alert("a", 23.5, active=False), 23.5)
        harness.publish(alert("b", 24, active=False), 24)
        harness.tick(31.01)
        (summary,) = harness.messages(1)
        assert [each["active"] for each in summary["alerts"]] == [True, False]


def test_held_message_interrupted_in_sending_is_sent_again(
    tmp_path: Path, store: DatabaseStore
) -> None:
    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT) as harness:
        harness.receiver.answers = [503] * 100
        harness.notifier._delays = (60.0,)
        harness.notifier._outlets["webhooks-1"].queue._delays = (60.0,)
        harness.publish(alert("a", 23), 23)
        harness.tick(31.01)
        wait_until(lambda: harness.receiver.requests)
        harness.notifier.finish()
        assert harness.states()[-1] == ("a", "begin", "held")
    with start_notifier(tmp_path, store=store, begin=32) as harness:
        harness.tick(32)
        harness.messages(1)
        wait_until(lambda: harness.states() == [("a", "begin", "delivered")])


def test_held_message_of_a_removed_channel_is_dropped(tmp_path: Path, store: DatabaseStore) -> None:
    store.hold_alert(HeldAlert(channel="ntfy-1", alert=alert("a", 23)))
    with start_notifier(tmp_path, store=store) as harness:
        harness.tick(12)
        wait_until(lambda: harness.states() == [("a", "begin", "dropped")])
        harness.tick(12.1)
    assert store.held_alerts() == []


def test_unresponsive_database_does_not_block_notifications(
    tmp_path: Path, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StorageError("The disk is full.")

    with start_notifier(tmp_path, store=store, quiet_hours=NIGHT) as harness:
        with monkeypatch.context() as broken:
            for name in ("hold_alert", "held_alerts", "release_alerts"):
                broken.setattr(store, name, fails)
            harness.publish(alert("a", 23), 23)
            harness.tick(23.1)
        assert store.held_alerts() == []
        harness.tick(23.2)
        assert [each.alert for each in store.held_alerts()] == [alert("a", 23)]


def test_messages_use_zone_names(tmp_path: Path) -> None:
    with receiving(200) as receiver:
        configuration = configured(
            tmp_path,
            cameras={
                "door": {
                    "name": "Front door",
                    "source": "0",
                    "zones": [
                        {"name": "z-1", "title": "By the till", "points": [[0, 0], [1, 0], [1, 1]]}
                    ],
                }
            },
            alerts=[RULE],
            webhooks=[{"url": receiver.url(), "format": "slack"}],
        )
        notifier = Notifier(EventBus(), configuration)
        notifier._reload_settings()
        notifier.handle(replace(alert("a", 12), zone="z-1"))
        wait_until(lambda: receiver.requests)
        notifier.finish()
    body = receiver.requests[0].body.decode()
    assert "Front door, zone By the till: 50% negative over 10 minutes" in body
    assert "z-1" not in body


@pytest.mark.parametrize("count", [0, 1])
def test_event_bus_keeps_recent_alerts(count: int) -> None:
    bus = EventBus()
    bus.publish(alert("a", 12))
    bus.publish(Acknowledgement(incident="a", user="ada", time=at(12)))
    assert [each.incident for each in bus.active_alerts()] == ["a"]
    known = bus.acknowledgement("a")
    assert known is not None
    assert known.user == "ada"
    if count:
        bus.publish(alert("a", 13, active=False))
        assert bus.active_alerts() == []
        assert bus.acknowledgement("a") is None


def test_simultaneous_alerts_are_sent_in_one_message(tmp_path: Path) -> None:
    with start_notifier(tmp_path, format="slack") as harness:
        for number in range(MAX_AT_ONCE + 300):
            harness.publish(alert(f"a{number}", 12), 12)
        harness.messages(MAX_AT_ONCE)
        harness.tick(12 + (AT_ONCE_SECONDS - 1) / 3600)
        harness.messages(MAX_AT_ONCE)
        harness.tick(12 + AT_ONCE_SECONDS / 3600)
        assert "so many at once" in str(harness.messages(MAX_AT_ONCE + 1)[-1])
        # a later single one is sent by itself again
        harness.publish(alert("later", 12.1), 12.1)
        assert "so many at once" not in str(harness.messages(MAX_AT_ONCE + 2)[-1])
        states = harness.states()
        assert states.count(("a299", "begin", "held")) == 1
        assert states.count(("a299", "summary", "delivered")) == 1
        assert states.count(("a3", "begin", "delivered")) == 1


def test_webhook_gets_each_alert_separately(tmp_path: Path) -> None:
    with start_notifier(tmp_path) as harness:
        for number in range(MAX_AT_ONCE + 20):
            harness.publish(alert(f"a{number}", 12), 12)
        assert {each["event"] for each in harness.messages(MAX_AT_ONCE + 20)} == {"alert"}

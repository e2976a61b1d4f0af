"""Who is notified when: quiet hours, reminders, ends, acknowledgements, and the log of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from listening import configured, until
from receiver import Receiver, receiving
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
class Told:
    """A notifier without a thread of its own, whose clock is set by hand."""

    notifier: Notifier
    receiver: Receiver
    bus: EventBus
    subscription: Subscription
    log: list[Delivery]
    now: float

    def say(self, given: Alert | Acknowledgement, hour: float) -> None:
        self.now = at(hour)
        self.bus.publish(given)
        self.notifier.handle(given)

    def tick(self, hour: float) -> None:
        self.now = at(hour)
        self.notifier.tick()

    def messages(self, count: int) -> list[dict[str, Any]]:
        """Waits for so many messages in all, and for the log of them."""
        until(lambda: len(self.receiver.requests) >= count, what=f"{count} messages")
        until(lambda: sum(q.waiting for q in self.notifier.queues.values()) == 0)
        assert len(self.receiver.requests) == count
        return [json.loads(request.body) for request in self.receiver.requests]

    def states(self) -> list[tuple[str, str, str]]:
        found = self.subscription.take(0.2)
        self.log += [each for each in found if isinstance(each, Delivery)]
        return [(each.incident, each.event, str(each.state)) for each in self.log]


@contextmanager
def telling(
    folder: Path,
    *,
    rule: dict[str, Any] | None = None,
    store: Store | None = None,
    begin: float = 12,
    **webhook: Any,
) -> Iterator[Told]:
    bus = EventBus()
    with receiving(200) as receiver, bus.subscribe(Delivery, depth=1000) as subscription:
        configuration = configured(
            folder,
            cameras={"door": {"source": "0"}},
            alerts=[RULE | (rule or {})],
            webhooks=[{"url": receiver.url(), "events": ["alert", "camera", "disk"], **webhook}],
        )
        told: Told | None = None
        notifier = Notifier(
            bus,
            configuration,
            store=store,
            delays=(0.05,),
            clock=lambda: told.now if told else at(begin),
        )
        notifier._reload_settings()
        told = Told(notifier, receiver, bus, subscription, [], at(begin))
        yield told
        notifier.finish()


def test_each_message_is_in_the_log(tmp_path: Path) -> None:
    with telling(tmp_path) as told:
        told.say(alert("a", 12), 12)
        told.say(alert("a", 12.5, active=False), 12.5)
        assert [each["active"] for each in told.messages(2)] == [True, False]
        assert told.states() == [("a", "begin", "delivered"), ("a", "end", "delivered")]


def test_what_fails_is_in_the_log_with_its_reason(tmp_path: Path) -> None:
    with telling(tmp_path) as told:
        told.receiver.answers = [404]
        told.say(alert("a", 12), 12)
        told.messages(1)
        until(lambda: told.states() == [("a", "begin", "failed")])
        assert "does not know this address (status 404)" in told.log[0].reason
        assert told.log[0].attempts == 1


def test_quiet_hours_hold_and_are_told_of_in_one_message(tmp_path: Path) -> None:
    with telling(tmp_path, quiet_hours=NIGHT) as told:
        told.say(alert("a", 23), 23)
        told.say(alert("a", 23.5, active=False), 23.5)
        told.say(alert("b", 26), 26)
        told.tick(28)
        assert told.messages(0) == []
        told.tick(31.01)
        (summary,) = told.messages(1)
        assert summary["event"] == "summary"
        assert [each["active"] for each in summary["alerts"]] == [True, False, True]
        told.tick(31.1)
        told.messages(1)
        assert told.states() == [
            ("a", "begin", "held"),
            ("a", "end", "held"),
            ("b", "begin", "held"),
            ("a", "summary", "delivered"),
            ("b", "summary", "delivered"),
        ]


def test_one_held_message_is_sent_as_it_is(tmp_path: Path) -> None:
    with telling(tmp_path, quiet_hours=NIGHT) as told:
        told.say(alert("a", 23), 23)
        told.tick(31.01)
        (message,) = told.messages(1)
        assert message["event"] == "alert"


def test_quiet_hours_may_drop(tmp_path: Path) -> None:
    with telling(tmp_path, quiet_hours=NIGHT, after_quiet_hours="drop") as told:
        told.say(alert("a", 23), 23)
        told.tick(31.01)
        assert told.messages(0) == []
        assert told.states() == [("a", "begin", "dropped")]
        assert told.log[0].reason == "Quiet hours."


def test_quiet_hours_of_one_rule_leave_the_others_alone(tmp_path: Path) -> None:
    with telling(tmp_path, rule={"quiet_hours": NIGHT}) as told:
        told.say(alert("a", 23), 23)
        told.say(alert("b", 23, rule="other"), 23)
        assert [each["rule"] for each in told.messages(1)] == ["other"]


def test_ends_only_where_they_are_wanted(tmp_path: Path) -> None:
    with telling(tmp_path, ends=False) as told:
        told.say(alert("a", 12), 12)
        told.say(alert("a", 12.5, active=False), 12.5)
        assert [each["active"] for each in told.messages(1)] == [True]


def test_reminders_until_somebody_acknowledges(tmp_path: Path) -> None:
    with telling(tmp_path, rule={"remind_minutes": 30}, quiet_hours=NIGHT) as told:
        told.say(alert("a", 12), 12)
        told.tick(12.4)
        told.tick(12.51)
        told.tick(12.6)
        assert ["reminder" in each for each in told.messages(2)] == [False, True]
        told.tick(22.5)  # nobody is reminded in quiet hours, nor of each hour afterwards
        told.messages(2)
        told.tick(31.01)
        told.messages(3)
        told.say(Acknowledgement(incident="a", user="ada", time=at(31.1)), 31.1)
        told.tick(33)
        told.messages(3)


def test_a_disk_is_an_event_of_its_own(tmp_path: Path) -> None:
    full = replace(
        alert("d", 12, rule=DISK_NEARLY_FULL),
        kind=AlertKind.DISK,
        camera="",
        reason="1 GB is free.",
    )
    with telling(tmp_path, events=["alert"]) as told:
        told.say(full, 12)
        assert told.messages(0) == []
    with telling(tmp_path) as told:
        told.say(full, 12)
        (message,) = told.messages(1)
        assert (message["event"], message["reason"]) == ("disk", "1 GB is free.")


def test_what_is_held_outlives_a_change_of_the_channel(tmp_path: Path) -> None:
    with telling(tmp_path, quiet_hours=NIGHT) as told:
        told.say(alert("a", 23), 23)
        configuration = told.notifier._configuration
        (webhook,) = configuration.settings.webhooks
        changed = webhook.model_copy(update={"name": "Renamed"})
        configuration.change(configuration.settings.model_copy(update={"webhooks": (changed,)}))
        told.tick(31.01)
        told.messages(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DatabaseStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'held.db'}")
    migrate(engine)
    with closing(DatabaseStore(engine, Settings)) as made:
        yield made


def test_what_is_held_is_sent_by_the_next_run(tmp_path: Path, store: DatabaseStore) -> None:
    with telling(tmp_path, store=store, quiet_hours=NIGHT) as told:
        told.say(alert("a", 23), 23)
        told.say(alert("a", 23.5, active=False), 23.5)
    with telling(tmp_path, store=store, quiet_hours=NIGHT, begin=26) as told:
        told.say(alert("b", 26), 26)
        told.tick(28)
        assert told.messages(0) == []
        told.tick(31.01)
        (summary,) = told.messages(1)
        assert [(each["active"], each["time"]) for each in summary["alerts"]] == [
            (each.active, iso_time(each.time))
            for each in (alert("a", 23), alert("a", 23.5, active=False), alert("b", 26))
        ]
        until(lambda: len(told.states()) == 3)
        told.tick(31.1)
    assert store.held_alerts() == []
    with telling(tmp_path, store=store, begin=32) as told:
        told.tick(32)
        assert told.messages(0) == []


def test_one_that_ended_while_nothing_ran_is_not_told_as_lasting(
    tmp_path: Path, store: DatabaseStore
) -> None:
    begun = alert("a", 23)
    with telling(tmp_path, store=store, quiet_hours=NIGHT) as told:
        told.say(begun, 23)
    store.add_alert(begun)
    store.end_open_alerts(at(27), "The monitor stopped.")
    with telling(tmp_path, store=store, quiet_hours=NIGHT, begin=27) as told:
        told.tick(31.01)
        (summary,) = told.messages(1)
        assert [each["active"] for each in summary["alerts"]] == [True, False]


def test_without_ends_a_held_start_is_not_told_as_lasting(tmp_path: Path) -> None:
    with telling(tmp_path, quiet_hours=NIGHT, ends=False) as told:
        told.say(alert("a", 23), 23)
        told.say(alert("a", 23.5, active=False), 23.5)
        told.say(alert("b", 24, active=False), 24)
        told.tick(31.01)
        (summary,) = told.messages(1)
        assert [each["active"] for each in summary["alerts"]] == [True, False]


def test_a_held_message_that_was_under_way_is_sent_again(
    tmp_path: Path, store: DatabaseStore
) -> None:
    with telling(tmp_path, store=store, quiet_hours=NIGHT) as told:
        told.receiver.answers = [503] * 100
        told.notifier._delays = (60.0,)
        told.notifier._outlets["webhooks-1"].queue._delays = (60.0,)
        told.say(alert("a", 23), 23)
        told.tick(31.01)
        until(lambda: told.receiver.requests)
        told.notifier.finish()
        assert told.states()[-1] == ("a", "begin", "held")
    with telling(tmp_path, store=store, begin=32) as told:
        told.tick(32)
        told.messages(1)
        until(lambda: told.states() == [("a", "begin", "delivered")])


def test_a_held_message_of_a_channel_that_is_gone_is_dropped(
    tmp_path: Path, store: DatabaseStore
) -> None:
    store.hold_alert(HeldAlert(channel="ntfy-1", alert=alert("a", 23)))
    with telling(tmp_path, store=store) as told:
        told.tick(12)
        until(lambda: told.states() == [("a", "begin", "dropped")])
        told.tick(12.1)
    assert store.held_alerts() == []


def test_a_database_that_does_not_answer_holds_nothing_up(
    tmp_path: Path, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StorageError("The disk is full.")

    with telling(tmp_path, store=store, quiet_hours=NIGHT) as told:
        with monkeypatch.context() as broken:
            for name in ("hold_alert", "held_alerts", "release_alerts"):
                broken.setattr(store, name, fails)
            told.say(alert("a", 23), 23)
            told.tick(23.1)
        assert store.held_alerts() == []
        told.tick(23.2)
        assert [each.alert for each in store.held_alerts()] == [alert("a", 23)]


def test_people_read_the_names_of_zones(tmp_path: Path) -> None:
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
        until(lambda: receiver.requests)
        notifier.finish()
    said = receiver.requests[0].body.decode()
    assert "Front door, zone By the till: 50% negative over 10 minutes" in said
    assert "z-1" not in said


@pytest.mark.parametrize("count", [0, 1])
def test_alerts_are_remembered_by_the_bus(count: int) -> None:
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


def test_what_comes_all_at_once_reaches_people_in_one_message(tmp_path: Path) -> None:
    with telling(tmp_path, format="slack") as told:
        for number in range(MAX_AT_ONCE + 300):
            told.say(alert(f"a{number}", 12), 12)
        told.messages(MAX_AT_ONCE)
        told.tick(12 + (AT_ONCE_SECONDS - 1) / 3600)
        told.messages(MAX_AT_ONCE)
        told.tick(12 + AT_ONCE_SECONDS / 3600)
        assert "so many at once" in str(told.messages(MAX_AT_ONCE + 1)[-1])
        # a single one is told by itself again
        told.say(alert("later", 12.1), 12.1)
        assert "so many at once" not in str(told.messages(MAX_AT_ONCE + 2)[-1])
        states = told.states()
        assert states.count(("a299", "begin", "held")) == 1
        assert states.count(("a299", "summary", "delivered")) == 1
        assert states.count(("a3", "begin", "delivered")) == 1


def test_a_program_gets_each_alert_by_itself(tmp_path: Path) -> None:
    with telling(tmp_path) as told:
        for number in range(MAX_AT_ONCE + 20):
            told.say(alert(f"a{number}", 12), 12)
        assert {each["event"] for each in told.messages(MAX_AT_ONCE + 20)} == {"alert"}

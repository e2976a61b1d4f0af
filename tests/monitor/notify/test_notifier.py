"""Who is told when: quiet hours, reminders, ends, acknowledgements, and the log of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from listening import configured, until
from receiver import Receiver, receiving
from sentistream.monitor.event_bus import EventBus, Subscription
from sentistream.monitor.notify import Notifier
from sentistream.monitor.observations import (
    DISK_NEARLY_FULL,
    Acknowledgement,
    Alert,
    AlertKind,
    Delivery,
)

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
def telling(folder: Path, *, rule: dict[str, Any] | None = None, **webhook: Any) -> Iterator[Told]:
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
            bus, configuration, delays=(0.05,), clock=lambda: told.now if told else at(12)
        )
        notifier._reload_settings()
        told = Told(notifier, receiver, bus, subscription, [], at(12))
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

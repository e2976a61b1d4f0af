"""Messages to ntfy, against a real HTTP server in its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from event_bus_helpers import BEGIN
from free_port import free_port
from http_receiver import Receiver, receiving
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.notify.notices import Notice, alert_notice
from sentistream.monitor.notify.ntfy import LONGEST, NtfyTransport
from sentistream.monitor.observations import Alert
from sentistream.monitor.settings import NtfyTopic
from sentistream.monitor.translation import translator

TOPIC, TOKEN = "shop-7f3a91", "tk_between_us_0123456789"
ALERT = Alert(
    rule="bad", name="Schlechte Stimmung 🌧", camera="door", zone="", time=float(BEGIN), active=True,
    sentiment="negative", share=0.5, limit=0.4, minutes=10, incident="5e1f",
)  # fmt: skip


def notice(alert: Alert = ALERT) -> Notice:
    return alert_notice(
        alert, DisplayNames(), translator("de"), page="https://m.example", history="/history?m=1"
    )


def topic_at(receiver: Receiver, **changes: Any) -> NtfyTopic:
    values = {"server": receiver.url(""), "topic": TOPIC, "token": TOKEN}
    return NtfyTopic.model_validate(values | changes)


def test_alert_is_published_as_json() -> None:
    with receiving(200) as receiver:
        assert NtfyTransport(topic_at(receiver)).send(notice()) is None
        ended = notice(replace(ALERT, active=False))
        assert NtfyTransport(topic_at(receiver, token="")).send(ended) is None
    first, last = receiver.requests
    message = json.loads(first.body)
    assert first.path == "/"
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert message["topic"] == TOPIC
    assert message["title"] == "Schlechte Stimmung 🌧"
    assert "50\xa0%" in message["message"]
    assert message["click"] == "https://m.example/alerts/5e1f"
    assert message["actions"][0]["url"] == "https://m.example/history?m=1"
    assert message["priority"] > json.loads(last.body)["priority"]
    assert "authorization" not in last.headers


def test_long_message_is_cut_between_characters() -> None:
    custom_notice = replace(notice(), text="ü" * 5000)
    with receiving(200) as receiver:
        assert NtfyTransport(topic_at(receiver)).send(custom_notice) is None
    text = json.loads(receiver.requests[0].body)["message"]
    assert LONGEST - 2 <= len(text.encode()) <= LONGEST


@pytest.mark.parametrize(
    ("status", "expected", "again"),
    [
        (401, "refuses the message (status 401)", False),
        (403, "the token", False),
        (404, "does not know this address", False),
        (429, "too many messages", True),
        (507, "has trouble (status 507)", True),
        (302, "enter the final address", False),
        (400, "does not accept the message (status 400)", False),
    ],
)
def test_refusals_are_reported_in_words(status: int, expected: str, again: bool) -> None:
    with receiving(status) as receiver:
        failure = NtfyTransport(topic_at(receiver)).send(notice())
    assert failure is not None
    assert expected in failure.reason
    assert failure.can_retry is again
    for secret in (TOPIC, TOKEN):
        assert secret not in failure.reason


def test_unreachable_server_is_reported() -> None:
    topic = NtfyTopic.model_validate({"server": f"http://127.0.0.1:{free_port()}", "topic": TOPIC})
    failure = NtfyTransport(topic).send(notice())
    assert failure is not None
    assert failure.can_retry
    assert failure.reason == "127.0.0.1 refuses the connection; check address and port."
    lost = NtfyTopic.model_validate({"server": "http://no-such-host.invalid", "topic": TOPIC})
    failure = NtfyTransport(lost).send(notice())
    assert failure is not None
    assert failure.reason.startswith("There is no server of the name no-such-host.invalid")


@pytest.mark.parametrize("topic", ["", "with space", "a/b", "x" * 65, "ünicode"])
def test_invalid_topics_are_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        NtfyTopic.model_validate({"topic": topic})

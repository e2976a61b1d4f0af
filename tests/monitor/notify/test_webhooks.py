"""Webhooks to a real HTTP server: content, signature, retries and giving up."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from event_bus_helpers import BEGIN, configured
from free_port import free_port
from http_receiver import Receiver, receiving
from mqtt_broker import certificate
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.notify import Notifier, sign, verify_signature
from sentistream.monitor.notify.delivery_queue import DEPTH, DeliveryQueue
from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.transports import TIMEOUT
from sentistream.monitor.notify.webhooks import WebhookTransport
from sentistream.monitor.observations import CAMERA_DOWN, Alert, AlertKind
from sentistream.monitor.settings import Webhook
from waiting import wait_until

SECRET = "between-us"  # noqa: S105
SOON = (0.05, 0.1)


def alert(rule: str = "bad") -> Alert:
    return Alert(
        rule=rule, name="Bad mood", camera="door", zone="till", time=float(BEGIN), active=True,
        sentiment="negative", share=0.5, limit=0.4, minutes=10, incident="5e1f",
    )  # fmt: skip


def webhook_to(receiver: Receiver, **settings: Any) -> Webhook:
    return Webhook.model_validate({"url": receiver.url(), "secret": SECRET, **settings})


def sending(bus: EventBus, folder: Path, *webhooks: Webhook) -> Notifier:
    configuration = configured(folder, webhooks=webhooks)
    return Notifier(bus, configuration, delays=SOON, timeout=2)


def queue_to(
    receiver: Receiver | Webhook, *, delays: tuple[float, ...] = SOON, timeout: float = TIMEOUT
) -> DeliveryQueue:
    webhook = webhook_to(receiver) if isinstance(receiver, Receiver) else receiver
    return DeliveryQueue(WebhookTransport(webhook, timeout=timeout), delays=delays)


def notice(text: str = "", about: Alert | None = None) -> Notice:
    return Notice(event="begin", title="Bad mood", text=text, alerts=(about or alert(),))


def test_alert_arrives_signed(tmp_path: Path) -> None:
    bus = EventBus()
    with receiving() as receiver, sending(bus, tmp_path, webhook_to(receiver)):
        bus.publish(alert())
        wait_until(lambda: bool(receiver.requests))
    (request,) = receiver.requests
    message = json.loads(request.body)
    assert len(message.pop("id")) == 32
    assert message == {
        "event": "alert", "active": True, "time": "2025-10-09T08:53:20Z", "rule": "bad",
        "name": "Bad mood", "camera": "door", "zone": "till", "sentiment": "negative",
        "share": 0.5, "limit": 0.4, "minutes": 10.0, "link": "/alerts/5e1f",
    }  # fmt: skip
    headers = request.headers
    assert headers["content-type"] == "application/json"
    assert headers["x-sentistream-event"] == "alert"
    stamp, signature = headers["x-sentistream-timestamp"], headers["x-sentistream-signature"]
    assert verify_signature(SECRET, stamp, request.body, signature)
    assert not verify_signature("another", stamp, request.body, signature)
    assert not verify_signature(SECRET, stamp, request.body + b" ", signature)
    assert not verify_signature(SECRET, str(int(stamp) + 1), request.body, signature)
    assert not verify_signature(SECRET, stamp, request.body, signature, now=time.time() + 301)
    assert not verify_signature(SECRET, "soon", request.body, signature)
    assert SECRET not in str(headers)


def test_signature_follows_the_documentation() -> None:
    # printf '1760000000.{"a": 1}' | openssl dgst -sha256 -hmac between-us
    assert sign(SECRET, "1760000000", b'{"a": 1}') == (
        "sha256=263fdad6da5ff19fef499ed94f867a19cb25b6badc1b1cb2995202a3071fc518"
    )


def test_camera_down_and_recovery_are_sent(tmp_path: Path) -> None:
    bus = EventBus()
    down = replace(
        alert(CAMERA_DOWN), kind=AlertKind.CAMERA, zone="", reason="at rtsp://a:secret@h/1"
    )
    with (
        receiving() as receiver,
        receiving() as alerts_only,
        sending(bus, tmp_path, webhook_to(receiver, events=["camera"]), webhook_to(alerts_only)),
    ):
        bus.publish(down)
        bus.publish(replace(down, active=False, reason=""))
        wait_until(lambda: len(receiver.requests) == 2)
        bus.publish(alert())
        wait_until(lambda: len(alerts_only.requests) == 1)
    bodies = [json.loads(request.body) for request in receiver.requests]
    assert [each["event"] for each in bodies] == ["camera", "camera"]
    assert [each["failing"] for each in bodies] == [True, False]
    assert bodies[0]["camera"] == "door"
    assert bodies[0]["reason"] == "at rtsp://***@h/1"


@pytest.mark.parametrize("trouble", [500, 503, 429])
def test_failed_delivery_is_retried_with_the_same_id(tmp_path: Path, trouble: int) -> None:
    bus = EventBus()
    with (
        receiving(trouble, trouble, 200) as receiver,
        sending(bus, tmp_path, webhook_to(receiver)) as sender,
    ):
        bus.publish(alert())
        wait_until(lambda: len(receiver.requests) == 3)
        (delivery,) = sender.queues.values()
        wait_until(lambda: delivery.delivered == 1)
    assert len({request.headers["x-sentistream-delivery"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1


@pytest.mark.parametrize("refusal", [301, 302, 307, 308, 400, 401, 404, 410])
def test_refusals_are_not_retried_and_redirects_not_followed(refusal: int) -> None:
    with receiving(refusal) as receiver:
        delivery = queue_to(receiver)
        delivery.put(notice())
        wait_until(lambda: delivery.failed == 1)
        delivery.close()
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_delivery_is_given_up_after_a_few_attempts_and_the_next_sent() -> None:
    with receiving(500, 500, 500, 200) as receiver:
        delivery = queue_to(receiver)
        first, second = alert("r1"), alert("r2")
        delivery.put(notice(about=first))
        delivery.put(notice(about=second))
        wait_until(lambda: delivery.delivered == 1)
        delivery.close()
    assert delivery.failed == 1
    assert [json.loads(request.body)["rule"] for request in receiver.requests] == [
        *("r1", "r1", "r1"),
        "r2",
    ]


def test_unreachable_receiver_is_retried_until_it_answers(tmp_path: Path) -> None:
    port = free_port()
    webhook = Webhook.model_validate({"url": f"http://127.0.0.1:{port}/"})
    delivery = queue_to(webhook, delays=(0.05,) * 3)
    delivery.put(notice())
    wait_until(lambda: delivery.failed == 1)
    delivery.close()


def test_hanging_receiver_does_not_block_others(tmp_path: Path) -> None:
    bus = EventBus()
    with receiving() as well:
        slow = Receiver()
        with receiving(slow.hang) as hanging:
            sender = sending(bus, tmp_path, webhook_to(hanging), webhook_to(well))
            sender.start()
            began = time.monotonic()
            for number in range(DEPTH + 50):
                bus.publish(alert(f"r{number}"))
            assert time.monotonic() - began < 1
            wait_until(lambda: len(well.requests) >= DEPTH)
            stuck = sender.queues["webhooks-1"]
            wait_until(lambda: stuck.dropped > 0)
            assert stuck.waiting <= DEPTH
            wait_until(lambda: len(hanging.requests) >= 2)  # timed out and retried
            sender.close(timeout=5)
            assert not sender.is_running
            slow.released.set()


def test_endless_response_is_not_read() -> None:
    with receiving() as receiver:
        receiver.answers = [receiver.drip]
        delivery = queue_to(receiver, timeout=1)
        delivery.put(notice())
        wait_until(lambda: delivery.delivered == 1, limit=5)
        delivery.close()


def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = certificate(tmp_path)
    with receiving(certificate=own) as receiver:
        delivery = queue_to(receiver, delays=(0.05,))
        delivery.put(notice())
        wait_until(lambda: delivery.failed == 1)
        delivery.close()
        assert not receiver.requests
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        trusting = queue_to(receiver, delays=(0.05,))
        trusting.put(notice())
        wait_until(lambda: trusting.delivered == 1)
        trusting.close()


def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("ALL_PROXY", proxy.url(""))
        delivery = queue_to(receiver)
        delivery.put(notice())
        wait_until(lambda: delivery.delivered == 1)
        delivery.close()
    assert not proxy.requests


def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sentistream")
    with receiving(500) as receiver:
        webhook = webhook_to(receiver, url=receiver.url("/T000/key-in-path?token=key-in-query"))
        delivery = queue_to(webhook)
        delivery.put(notice())
        wait_until(lambda: delivery.failed == 1)
        delivery.close()
    assert receiver.requests[0].path == "/T000/key-in-path?token=key-in-query"
    assert "given up" in caplog.text
    written = caplog.text + str([vars(record) for record in caplog.records])
    for secret in (SECRET, "key-in-path", "key-in-query"):
        assert secret not in written


def test_settings_change_while_running(tmp_path: Path) -> None:
    bus = EventBus()
    with receiving() as first, receiving() as second:
        sender = sending(bus, tmp_path, webhook_to(first))
        configuration = sender._configuration
        with sender:
            bus.publish(alert())
            wait_until(lambda: len(first.requests) == 1)
            changed = configuration.settings.model_copy(update={"webhooks": (webhook_to(second),)})
            configuration.change(changed)
            bus.publish(alert())
            wait_until(lambda: len(second.requests) == 1)
            assert len(first.requests) == 1
            assert list(sender.queues) == ["webhooks-1"]


def test_deprecated_names_warn() -> None:
    from sentistream.monitor import notify

    with pytest.warns(DeprecationWarning, match="verify_signature"):
        assert notify.is_signed is verify_signature
    with pytest.warns(DeprecationWarning, match="sign;"):
        assert notify.signature is sign
    assert not hasattr(notify, "nothing")

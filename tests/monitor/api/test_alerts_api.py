"""Alerts over REST: deliveries, acknowledgements, and channel tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store.sample_readings import TEN, alert, crowd
from websockets.sync.client import connect

from api.served_monitor import MANAGER, VIEWER, ServedMonitor, settings
from free_port import free_port
from http_receiver import receiving
from sentistream.monitor.observations import Alert, AlertKind, Delivery, DeliveryState
from sentistream.translatable import Translatable
from smtp_server import mail_server
from waiting import wait_until

DOWN = replace(
    alert(TEN + 10.0),
    kind=AlertKind.CAMERA,
    incident="d0d0",
    reason=Translatable("{host} does not answer.", host="10.0.0.4"),
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedMonitor]:
    with ServedMonitor(tmp_path) as served:
        yield served


def stored(served: ServedMonitor, custom_settings: Alert) -> Alert:
    """Publish an event and wait until the store's writer has written it."""
    served.bus.publish(custom_settings)
    served.store.add_alert(custom_settings)
    return custom_settings


def test_alert_includes_its_deliveries_and_acknowledgement(served: ServedMonitor) -> None:
    stored(served, DOWN)
    refused = Delivery(
        incident="d0d0",
        channel="Shift leads",
        event="begin",
        time=TEN + 11.0,
        state=DeliveryState.FAILED,
        reason=Translatable("{host} does not answer.", host="hooks.test"),
        attempts=5,
    )
    served.store.add_delivery(refused)
    with served.browser_client(VIEWER) as client:
        found = client.get("/api/alerts/d0d0").json()
        assert found["begin"]["kind"] == "camera"
        assert found["begin"]["reason"] == "10.0.0.4 does not answer."
        assert found["end"] is None
        assert found["acknowledgement"] is None
        (delivery,) = found["deliveries"]
        assert (delivery["channel"], delivery["state"]) == ("Shift leads", "failed")
        assert delivery["reason"] == "hooks.test does not answer."
        german = client.get("/api/alerts/d0d0", headers={"accept-language": "de"}).json()
        assert german["deliveries"][0]["reason"] == "hooks.test antwortet nicht."
        assert [each["incident"] for each in client.get("/api/alerts/active").json()] == ["d0d0"]
        assert client.get("/api/alerts/no-such").status_code == 404
        stored(served, replace(DOWN, active=False, time=TEN + 300.0, reason=""))
        assert client.get("/api/alerts/active").json() == []
        assert client.get("/api/alerts/d0d0").json()["end"]["time"] == "2026-01-05T10:05:00Z"


def test_first_acknowledgement_is_stored_and_published(served: ServedMonitor) -> None:
    stored(served, DOWN)
    with (
        served.browser_client(VIEWER) as viewer,
        served.browser_client(MANAGER) as manager,
        served.api_client() as program,
    ):
        assert viewer.post("/api/alerts/d0d0/acknowledge").status_code == 403
        token = program.headers["authorization"]
        with connect(
            f"ws://127.0.0.1:{served.port}/api/events?kinds=acknowledgement",
            additional_headers={"Authorization": token},
        ) as socket:
            custom_settings = manager.post("/api/alerts/d0d0/acknowledge").json()
            event = json.loads(socket.recv(10))
        assert (custom_settings["incident"], custom_settings["user"]) == ("d0d0", MANAGER)
        assert event["kind"] == "acknowledgement"
        assert event["acknowledgement"]["user"] == MANAGER
        later = program.post("/api/alerts/d0d0/acknowledge").json()
        assert later == custom_settings
        assert manager.post("/api/alerts/no-such/acknowledge").status_code == 404
        assert viewer.get("/api/alerts/d0d0").json()["acknowledgement"] == custom_settings


def test_channel_test_reports_what_is_wrong(tmp_path: Path) -> None:
    with mail_server() as mail, receiving(200) as hook, receiving(403) as push:
        values: dict[str, Any] = {
            "email": {
                "host": "localhost",
                "port": mail.port,
                "security": "none",
                "sender": "m@example.org",
                "recipients": ["o@example.org"],
            },
            "ntfy": [{"server": push.url(""), "topic": "shop-7f3a91", "token": "tk_secret1234"}],
            "webhooks": [
                {"url": hook.url("/T0/secret-path"), "format": "slack", "name": "Leads"},
                {"url": f"http://127.0.0.1:{free_port()}/x", "format": "discord"},
            ],
        }
        with (
            ServedMonitor(tmp_path, settings(**values)) as served,
            served.browser_client() as client,
        ):
            found = client.get("/api/channels").json()
            assert [each["key"] for each in found] == [
                "email",
                "ntfy-1",
                "webhooks-1",
                "webhooks-2",
            ]
            assert found[2]["name"] == "Leads"
            results = {
                each["key"]: client.post(f"/api/channels/{each['key']}/test").json()
                for each in found
            }
            assert client.post("/api/channels/ntfy-9/test").status_code == 404
        assert [results[key]["state"] for key in results] == [
            *("delivered", "failed", "delivered", "failed")
        ]
        assert mail.messages[0]["Subject"] == "sentistream: Test message"
        assert json.loads(hook.requests[0].body)["blocks"][0]["text"]["text"] == "Test message"
    assert "(status 403)" in results["ntfy-1"]["reason"]
    assert "refuses the connection" in results["webhooks-2"]["reason"]
    event = json.dumps([found, results])
    for secret in ("shop-7f3a91", "tk_secret1234", "secret-path"):
        assert secret not in event


def test_digests_are_served_as_pdf_and_mailed(tmp_path: Path) -> None:
    with mail_server() as mail:
        email = {
            "host": "localhost",
            "port": mail.port,
            "security": "none",
            "sender": "m@example.org",
            "recipients": ["o@example.org"],
        }
        with ServedMonitor(tmp_path, settings(email=email)) as served:
            served.store.add(crowd(TEN, TEN + 600))
            with served.browser_client() as client:
                answer = client.get("/api/digest/week.pdf?day=2026-01-05")
                assert answer.headers["content-type"] == "application/pdf"
                assert "sentistream-week-2026-W02.pdf" in answer.headers["content-disposition"]
                assert answer.content.startswith(b"%PDF-")
                assert client.get("/api/digest/year.pdf").status_code == 422
                sent = client.post("/api/digest/month/send?day=2026-01-05").json()
                assert sent["state"] == "delivered", sent
            with served.browser_client(VIEWER) as viewer:
                assert viewer.get("/api/digest/week.pdf").status_code == 403
        (message,) = mail.messages
    assert message["Subject"] == "sentistream: Monthly digest: January 2026"
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "sentistream-month-2026-01.pdf"


def test_mail_is_not_sent_without_a_server(served: ServedMonitor) -> None:
    with served.browser_client() as client:
        answer = client.post("/api/digest/week/send")
        assert answer.status_code == 400
        assert "no mail server" in answer.json()["detail"]


def test_deliveries_are_visible_to_managers_only(served: ServedMonitor) -> None:
    served.store.add_delivery(
        Delivery(
            incident="", channel="x", event="test", time=TEN + 0.0, state=DeliveryState.DELIVERED
        )
    )
    with served.browser_client(VIEWER) as viewer, served.browser_client() as manager:
        assert viewer.get("/api/deliveries").status_code == 403
        wait_until(lambda: manager.get("/api/deliveries").json())

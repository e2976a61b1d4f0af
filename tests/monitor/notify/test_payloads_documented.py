"""docs/mqtt.md and docs/webhooks.md show the payloads actually sent."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import yaml

from event_bus_helpers import health
from sentistream.monitor.alerts import WindowStats
from sentistream.monitor.alerts.evaluator import HYSTERESIS, MIN_COVERAGE
from sentistream.monitor.alerts.health_watch import (
    DISK_DELAY,
    DISK_HYSTERESIS,
    RECOVERY,
    SMALL_DISK,
    START_DELAY,
)
from sentistream.monitor.digest.digest_sender import CATCH_UP, RETRY_DELAY
from sentistream.monitor.notify.delivery_queue import DELAYS, DEPTH
from sentistream.monitor.notify.mqtt_client import RECONNECT_DELAYS
from sentistream.monitor.notify.mqtt_publisher import MINUTES
from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.payloads import alert_payload, health_payload, state_payload
from sentistream.monitor.notify.transports import TIMEOUT
from sentistream.monitor.notify.webhook_formats import webhook_body
from sentistream.monitor.observations import Alert, AlertKind, CameraState
from sentistream.monitor.settings import HealthAlerts, Settings

DOCS = Path(__file__).parents[3] / "docs"
MQTT = (DOCS / "mqtt.md").read_text("utf-8")
WEBHOOKS = (DOCS / "webhooks.md").read_text("utf-8")
ALERT = Alert(
    rule="r", name="n", camera="c", zone="", time=0.0, active=True, sentiment="negative",
    share=0.5, limit=0.4, minutes=10,
)  # fmt: skip


def examples(page: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]


def test_state_matches_the_documentation() -> None:
    measure = WindowStats(
        shares={"positive": 0.1, "neutral": 0.6, "negative": 0.3}, seen=9, appearances=9, covered=1
    )
    sent = state_payload(measure, faces=2, time=1.8e9, minutes=MINUTES, smallest_group=5)
    (example,) = examples(MQTT)
    assert list(example) == list(sent)
    assert {name: type(value) for name, value in example.items()} == {
        name: type(value) for name, value in sent.items()
    }
    assert example["minutes"] == MINUTES


def test_health_and_alert_match_the_documentation() -> None:
    sent = health_payload(health("door", CameraState.WAITING))
    described = re.findall(r"^`health`: (.*?)\n\n", MQTT, re.MULTILINE | re.DOTALL)[0]
    assert [name for name in re.findall(r"`([a-z_]+)`", described) if name in sent] == list(sent)
    described = re.findall(r"^`alert`: (.*?)\n\n", MQTT, re.MULTILINE | re.DOTALL)[0]
    assert set(alert_payload(ALERT)) <= set(re.findall(r"`([a-z_]+)`", described))
    assert all(f"`{state.value}`" in MQTT for state in CameraState)


def test_webhooks_match_the_documentation() -> None:
    alert, camera = examples(WEBHOOKS)
    down = dataclasses.replace(ALERT, kind=AlertKind.CAMERA)
    for documented, example in ((ALERT, alert), (down, camera)):
        notice = Notice(event="begin", title="t", text="t", link="l", alerts=(documented,))
        assert list(webhook_body(notice, "json")) == list(example)
    assert list(alert) == ["event", "id", *alert_payload(ALERT), "link"]
    assert list(camera) == ["event", "id", "failing", "time", "camera", "name", "reason", "link"]
    delays = [f"{delay:g}" for delay in DELAYS]
    assert f"{', '.join(delays[:-1])} and {delays[-1]} seconds" in WEBHOOKS
    assert f"within {TIMEOUT:g} seconds" in WEBHOOKS
    assert f"to {DEPTH} messages" in " ".join(WEBHOOKS.split())


def test_alert_and_broker_limits_match_the_documentation() -> None:
    assert MIN_COVERAGE == 4 / 5
    assert "four fifths" in MQTT
    assert f"by {HYSTERESIS:.0%}".rstrip("%") + " percentage points" in MQTT
    assert f"at most {RECONNECT_DELAYS[1]} seconds" in MQTT


def test_documented_example_settings_are_valid() -> None:
    for page in (MQTT, WEBHOOKS, (DOCS / "monitor.md").read_text("utf-8")):
        for example in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
            values = yaml.safe_load(example)
            if "automation" not in values:
                Settings.model_validate(values)


def test_settings_on_the_notifications_page_are_valid() -> None:
    page = (DOCS / "notifications.md").read_text("utf-8")
    settings_shown: dict[str, Any] = {}
    for example in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        settings_shown |= yaml.safe_load(example)
        Settings.model_validate(settings_shown)
    assert settings_shown.keys() == {"email", "ntfy", "digest"}
    delays = [f"{delay:g}" for delay in DELAYS]
    assert f"{', '.join(delays[:-1])} and {delays[-1]} seconds" in page
    text = " ".join(page.split())
    assert f"retried every {RETRY_DELAY / 60:g} minutes for two days" in text
    assert CATCH_UP.days == 2
    health = HealthAlerts()
    assert f"`health_alerts.camera_minutes` ({health.camera_minutes:g})" in text
    assert f"`health_alerts.disk_gigabytes` ({health.disk_gigabytes:g})" in text
    assert f"gets {START_DELAY / 60:g} minutes" in text
    assert (RECOVERY, DISK_DELAY, SMALL_DISK, DISK_HYSTERESIS) == (60, 60, 0.1, 1.25)

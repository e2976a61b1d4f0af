"""At a broker, only topics published by this installation are changed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paho.mqtt.client as paho
import pytest

from sentistream.monitor.notify.mqtt_client import MqttClient
from sentistream.monitor.settings import MqttSettings


class FakePahoClient:
    """Fake paho client: connects at once, to a broker in memory."""

    retained: dict[str, str]
    subscribed: list[str]
    refuses = False

    def __init__(self, *_: Any) -> None:
        self.on_connect: Any = None

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    def loop_start(self) -> None:
        self.on_connect(self, None, None, SimpleNamespace(is_failure=False), None)

    def subscribe(self, topic: str, **_: Any) -> None:
        self.subscribed.append(topic)

    def publish(self, topic: str, payload: str, qos: int, retain: bool) -> Any:
        if self.refuses:
            return SimpleNamespace(rc=paho.MQTT_ERR_QUEUE_SIZE, wait_for_publish=lambda _: None)
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)
        return SimpleNamespace(rc=paho.MQTT_ERR_SUCCESS, wait_for_publish=lambda _: None)


OTHERS = {
    "home/lamp/state": "ON",
    "home/door/battery": "80",
    "homeassistant/sensor/home/lamp/config": "{}",
}


@pytest.fixture
def retained(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(FakePahoClient, "retained", dict(OTHERS), raising=False)
    monkeypatch.setattr(FakePahoClient, "subscribed", [], raising=False)
    monkeypatch.setattr(paho, "Client", FakePahoClient)
    return FakePahoClient.retained


def connected(folder: Path, **changes: Any) -> MqttClient:
    settings = MqttSettings.model_validate({"host": "h", "topic": "home"} | changes)
    return MqttClient(settings, folder / "topics.json")


def test_foreign_topics_below_the_same_root_are_kept(
    tmp_path: Path, retained: dict[str, str]
) -> None:
    broker = connected(tmp_path)
    broker.sync({"home/sentistream/door/state": "{}", "home/sentistream/status": "online"})
    broker.sync({"home/sentistream/status": "online"})
    assert retained == OTHERS | {"home/sentistream/status": "online"}
    broker.close(clear=True)
    assert retained == OTHERS
    assert FakePahoClient.subscribed == []


def test_topics_of_an_earlier_run_are_cleared(tmp_path: Path, retained: dict[str, str]) -> None:
    connected(tmp_path).sync(
        {"home/sentistream/door/state": "{}", "home/sentistream/hall/state": "{}"}
    )
    connected(tmp_path).sync({"home/sentistream/hall/state": "{}"})
    assert retained == OTHERS | {"home/sentistream/hall/state": "{}"}
    # and forgotten: by now it may be another program's
    retained["home/sentistream/door/state"] = "OPEN"
    connected(tmp_path).sync({"home/sentistream/hall/state": "{}"})
    assert retained["home/sentistream/door/state"] == "OPEN"


def test_topics_at_another_broker_are_not_cleared_here(
    tmp_path: Path, retained: dict[str, str]
) -> None:
    connected(tmp_path).sync({"home/sentistream/door/state": "{}"})
    retained["home/sentistream/door/state"] = "OPEN"
    connected(tmp_path, host="other").sync({"home/sentistream/hall/state": "{}"})
    assert retained["home/sentistream/door/state"] == "OPEN"


def test_failed_clearing_is_retried_later(
    tmp_path: Path, retained: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = connected(tmp_path)
    broker.sync({"home/sentistream/door/state": "{}"})
    monkeypatch.setattr(FakePahoClient, "refuses", True)
    broker.sync({})
    assert (
        "home/sentistream/door/state"
        in json.loads((tmp_path / "topics.json").read_text())["topics"]
    )
    monkeypatch.setattr(FakePahoClient, "refuses", False)
    connected(tmp_path).sync({})
    assert retained == OTHERS


@pytest.mark.parametrize("content", ["", "[]", '{"broker": "h:1883"}', '{"topics": 3}'])
def test_damaged_record_is_ignored(tmp_path: Path, retained: dict[str, str], content: str) -> None:
    (tmp_path / "topics.json").write_text(content)
    connected(tmp_path).sync({"home/sentistream/hall/state": "{}"})
    assert retained == OTHERS | {"home/sentistream/hall/state": "{}"}

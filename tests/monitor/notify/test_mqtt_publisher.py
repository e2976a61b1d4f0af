"""MQTT publishing to a real broker: messages, last will, reconnection."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from event_bus_helpers import BEGIN, collecting, configured, crowd, health, seconds
from mqtt_broker import PASSWORD, USER, mosquitto, subscriber
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.logs import log_redactor
from sentistream.monitor.notify import MqttPublisher
from sentistream.monitor.notify.home_assistant import discovery_configs
from sentistream.monitor.notify.mqtt_client import MAX_WAITING
from sentistream.monitor.notify.mqtt_publisher import TOPICS_FILE
from sentistream.monitor.observations import Alert, CameraState
from sentistream.monitor.settings import Settings
from settings_file import write_settings
from waiting import wait_until

CAMERAS = {"door": {"source": "0", "name": "Front door"}, "hall": {"source": "1"}}
RULE = {"key": "bad", "name": "Bad mood"}


def settings(tmp_path: Path, port: int, **changes: Any) -> Configuration:
    mqtt = {"host": "127.0.0.1", "port": port, "every": 1} | changes.pop("mqtt", {})
    return configured(tmp_path, **({"cameras": CAMERAS, "mqtt": mqtt} | changes))


def changed(configuration: Configuration, **values: Any) -> None:
    before = configuration.settings.model_dump()
    configuration.change(Settings.model_validate(before | values))


def state(topics: dict[str, str], topic: str) -> dict[str, Any]:
    message = json.loads(topics[topic])
    assert isinstance(message, dict)
    return message


def alert(active: bool) -> Alert:
    return Alert(
        rule="bad", name="Bad mood", camera="door", zone="", time=float(BEGIN), active=active,
        sentiment="negative", share=0.512345, limit=0.4, minutes=10,
    )  # fmt: skip


def test_new_subscriber_receives_the_complete_state(tmp_path: Path) -> None:
    bus = EventBus()
    with mosquitto(tmp_path) as broker:
        configuration = settings(tmp_path, broker.port, alerts=[RULE])
        with MqttPublisher(bus, configuration):
            bus.publish(health("door", CameraState.RUNNING))
            bus.publish(health("hall", CameraState.WAITING, "no route to rtsp://a:secret@h/1"))
            for second in range(3):
                bus.publish(seconds(BEGIN + second, *crowd(6, 0.25)))
            bus.publish(alert(active=True))
            with subscriber(broker) as received:
                wait_until(lambda: "sentistream/door/state" in received.topics)
                wait_until(
                    lambda: (
                        '"active": true' in received.topics.get("sentistream/door/alert/bad", "")
                    )
                )
            with subscriber(broker) as newcomer:  # only retained messages
                wait_until(lambda: len(newcomer.topics) >= 24, "all retained topics")
                topics = dict(newcomer.topics)
        assert topics["sentistream/status"] == "online"
        assert topics["sentistream/door/availability"] == "online"
        assert topics["sentistream/hall/availability"] == "offline"
        seen = state(topics, "sentistream/door/state")
        assert seen.pop("time").endswith("Z")
        assert seen == {
            "faces": 6, "people": 6, "minutes": 5, "withheld": False, "mood": "neutral",
            "positive": 0.0, "neutral": 75.0, "negative": 25.0,
        }  # fmt: skip
        failing = state(topics, "sentistream/hall/health")
        assert failing["problem"] is True
        assert failing["state"] == "waiting"
        assert failing["reason"] == "no route to rtsp://***@h/1"
        state_payload = state(topics, "sentistream/door/alert/bad")
        assert (state_payload["active"], state_payload["share"], state_payload["name"]) == (
            True,
            0.512,
            "Bad mood",
        )
        assert state(topics, "sentistream/hall/alert/bad") == {"active": False}
        with subscriber(broker) as after:  # the monitor ended and announced it
            wait_until(lambda: after.topics.get("sentistream/status") == "offline")


def test_small_groups_are_not_sent(tmp_path: Path) -> None:
    bus = EventBus()
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        configuration = settings(tmp_path, broker.port)
        assert configuration.settings.privacy.smallest_group == 5
        with MqttPublisher(bus, configuration):
            bus.publish(seconds(BEGIN, *crowd(4, 1.0)))
            wait_until(lambda: "sentistream/door/state" in received.topics)
            first = state(received.topics, "sentistream/door/state")
            bus.publish(seconds(BEGIN + 1, *crowd(5, 1.0)))
            wait_until(
                lambda: state(received.topics, "sentistream/door/state")["mood"] == "negative"
            )
    assert first["withheld"] is True
    assert first["faces"] == 4
    assert {first[key] for key in ("mood", "positive", "neutral", "negative")} == {None}


def test_no_message_describes_single_people_or_visitors(tmp_path: Path) -> None:
    bus = EventBus()
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        # no cameras in the settings: the chosen one is published, visitors' cameras are not
        configuration = settings(tmp_path, broker.port, cameras={}, alerts=[RULE])
        with MqttPublisher(bus, configuration):
            for camera in ("webcam", "visitor-1"):
                bus.publish(health(camera, CameraState.RUNNING))
                bus.publish(seconds(BEGIN, *crowd(6, 1.0), camera=camera))
            wait_until(lambda: "sentistream/webcam/state" in received.topics)
            bus.publish(alert(active=True))
            wait_until(lambda: "sentistream/webcam/alert/bad" in received.topics)
    state_payload = str(received.all)
    assert "visitor" not in state_payload
    assert not any(f"p{number}" in state_payload for number in range(6))  # names of tracks


def test_no_message_contains_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sources = {
        "door": "rtsp://eye:zq1@:/rest@10.0.0.7:554/stream",
        "hall": "http://camera.test/video?user=a&password=zq2Hidden",
        "yard": "rtsp://10.0.0.8/user=admin_password=zq3Hidden_channel=1_stream=0.sdp",
    }
    bus = EventBus()
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        cameras = {key: {"source": source} for key, source in sources.items()}
        configured_settings = settings(tmp_path, broker.port, cameras=cameras, alerts=[RULE])
        log_redactor.set_secrets_from(configured_settings.settings)
        try:
            with MqttPublisher(bus, configured_settings, state=tmp_path):
                for key, source in sources.items():
                    reason = f"{source} does not answer; {source[7:]}: 401"
                    bus.publish(health(key, CameraState.WAITING, reason))
                wait_until(
                    lambda: all(
                        "401" in received.topics.get(f"sentistream/{key}/health", "")
                        for key in sources
                    )
                )
                messages = json.dumps(received.topics)
        finally:
            log_redactor.set_secrets(())
    written = messages + (tmp_path / TOPICS_FILE).read_text() + caplog.text
    for secret in ("zq1", "zq2", "zq3", "rest@"):
        assert secret not in written


def test_foreign_device_below_the_same_topic_is_kept(tmp_path: Path) -> None:
    others = {
        "home/status": "online",
        "home/door/state": "OPEN",
        "home/door/availability": "online",
        "homeassistant/sensor/home/home_door_mood/config": "{}",
    }
    bus = EventBus()
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        for topic, payload in others.items():
            received.publish(topic, payload)
        mqtt = {"host": "127.0.0.1", "port": broker.port, "every": 1, "topic": "home"}
        configured_settings = settings(tmp_path, broker.port, mqtt=mqtt)
        with MqttPublisher(bus, configured_settings, state=tmp_path):
            bus.publish(seconds(BEGIN, *crowd(6, 0.5), camera="door"))
            wait_until(lambda: "home/sentistream/door/state" in received.topics)
            assert received.topics["home/sentistream/status"] == "online"
            assert others.items() <= received.topics.items()
        wait_until(lambda: received.topics["home/sentistream/status"] == "offline")
        with MqttPublisher(bus, configured_settings, state=tmp_path):
            wait_until(lambda: received.topics["home/sentistream/status"] == "online")
            changed(
                configured_settings,
                mqtt=configured_settings.settings.mqtt.model_dump() | {"host": ""},
            )
            wait_until(lambda: set(received.topics) == set(others))
        assert received.topics == others


def test_killed_broker_is_reconnected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    caplog.set_level(logging.INFO)
    with mosquitto(tmp_path) as broker, MqttPublisher(bus, settings(tmp_path, broker.port)):
        bus.publish(health("door", CameraState.RUNNING))
        with subscriber(broker) as received:
            wait_until(lambda: received.topics.get("sentistream/door/availability") == "online")
        broker.kill()
        bus.publish(health("door", CameraState.WAITING))
        began = time.monotonic()
        for second in range(500):  # publishing does not block meanwhile
            bus.publish(seconds(BEGIN + second, *crowd(6, 0.5)))
        assert time.monotonic() - began < 1
        wait_until(lambda: any("trying again" in each.message for each in caplog.records))
        broker.start()
        with subscriber(broker) as received:
            wait_until(lambda: "sentistream/door/state" in received.topics, limit=30)
            wait_until(lambda: received.topics.get("sentistream/status") == "online")
            wait_until(lambda: '"waiting"' in received.topics.get("sentistream/door/health", ""))
            wait_until(
                lambda: any("sentistream_door_mood/config" in each for each in received.topics)
            )
    assert sum("trying again" in each.message for each in caplog.records) <= 2


def test_killed_monitor_is_reported_offline(tmp_path: Path) -> None:
    """By its last will, since SIGKILL leaves no time for a message."""
    script = """
        import sys, time
        from pathlib import Path
        from sentistream.monitor.configuration import Configuration
        from sentistream.monitor.event_bus import EventBus
        from sentistream.monitor.notify import MqttPublisher
        from sentistream.monitor.settings import load_settings

        path = Path(sys.argv[1])
        with MqttPublisher(EventBus(), Configuration(load_settings(path), path)):
            time.sleep(60)
    """
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        configuration = settings(tmp_path, broker.port)
        write_settings(configuration.settings, configuration.path)
        monitor = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", textwrap.dedent(script), str(configuration.path)]
        )
        try:
            wait_until(lambda: received.topics.get("sentistream/status") == "online", limit=30)
        finally:
            monitor.kill()
            monitor.wait()
        wait_until(lambda: received.topics["sentistream/status"] == "offline")


def test_hanging_broker_does_not_block(tmp_path: Path) -> None:
    bus = EventBus()
    with mosquitto(tmp_path) as broker:
        publisher = MqttPublisher(bus, settings(tmp_path, broker.port))
        publisher.start()
        with subscriber(broker) as received:
            wait_until(lambda: "sentistream/status" in received.topics)
        broker.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            for second in range(2000):
                bus.publish(seconds(BEGIN + second, *crowd(6, 0.5)))
            assert time.monotonic() - began < 2
            publisher.close(timeout=8)
            assert time.monotonic() - began < 8
            assert not publisher.is_running
        finally:
            broker.process.send_signal(signal.SIGCONT)


def test_broker_password_is_sent_and_hidden(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bus = EventBus()
    login = {"username": USER, "password": PASSWORD}
    with mosquitto(tmp_path, password=True) as broker, subscriber(broker, login=True) as received:
        wrong = login | {"password": "wrong-horse"}
        configuration = settings(tmp_path, broker.port, mqtt=wrong)
        with MqttPublisher(bus, configuration):
            wait_until(lambda: any("refuses us" in each.message for each in caplog.records))
            assert "sentistream/status" not in received.topics
            right = {"host": "127.0.0.1", "port": broker.port, **login}
            changed(configuration, mqtt=right)
            wait_until(lambda: received.topics.get("sentistream/status") == "online")
    assert PASSWORD not in caplog.text
    assert "wrong-horse" not in caplog.text


def test_broker_certificate_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = EventBus()
    tls = {"tls": True}
    with mosquitto(tmp_path, tls=True) as broker, subscriber(broker) as received:
        with MqttPublisher(bus, settings(tmp_path, broker.port, mqtt=tls)):
            wait_until(lambda: any("cannot be reached" in each.message for each in caplog.records))
        assert "sentistream/status" not in received.topics
        monkeypatch.setenv("SSL_CERT_FILE", str(broker.certificate))
        with MqttPublisher(bus, settings(tmp_path, broker.port, mqtt=tls)):
            wait_until(lambda: received.topics.get("sentistream/status") == "online")


def test_removed_entities_are_cleared(tmp_path: Path) -> None:
    bus = EventBus()
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        # another publisher's topics, also below our root and among our entities
        others = {
            "homeassistant/sensor/other/x/config",
            "homeassistant/sensor/sentistream/lamp/config",
            "sentistream/lamp/state",
        }
        for topic in others:
            received.publish(topic, "{}")
        old = "homeassistant/sensor/sentistream/sentistream_gone_mood/config"
        gone = settings(tmp_path, broker.port, cameras={"gone": {"source": "0"}})
        with MqttPublisher(bus, gone, state=tmp_path):
            wait_until(
                lambda: old in received.topics and "sentistream/gone/health" in received.topics
            )
        configuration = settings(tmp_path, broker.port, alerts=[RULE])
        with MqttPublisher(bus, configuration, state=tmp_path):
            bus.publish(seconds(BEGIN, *crowd(6, 0.5), camera="hall"))
            wait_until(lambda: "sentistream/hall/state" in received.topics)
            wait_until(lambda: not any("gone" in topic for topic in received.topics))
            assert any("_hall_" in topic for topic in received.topics)
            changed(configuration, cameras={"door": CAMERAS["door"]}, alerts=[])
            wait_until(
                lambda: not any("hall" in topic or "bad" in topic for topic in received.topics)
            )
            assert any("_door_" in topic for topic in received.topics)
            mqtt = configuration.settings.mqtt.model_copy(update={"topic": "shop/one"})
            changed(configuration, mqtt=mqtt.model_dump())
            wait_until(lambda: "shop/one/sentistream/status" in received.topics)
            wait_until(
                lambda: (
                    not any(
                        topic.startswith("sentistream") for topic in set(received.topics) - others
                    )
                )
            )
            changed(configuration, mqtt=mqtt.model_dump() | {"host": ""})
            wait_until(lambda: set(received.topics) == others)


def test_more_messages_than_the_queue_holds_are_all_published(tmp_path: Path) -> None:
    bus = EventBus()
    cameras = {f"camera-{number}": {"source": str(number)} for number in range(64)}
    with mosquitto(tmp_path) as broker, subscriber(broker) as received:
        configuration = settings(tmp_path, broker.port, cameras=cameras, alerts=[RULE])
        expected = len(discovery_configs(configuration.settings, cameras)) + 1 + 3 * len(cameras)
        assert expected > MAX_WAITING
        with MqttPublisher(bus, configuration):
            wait_until(lambda: len(received.topics) == expected, limit=30)


def test_no_broker_means_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[object] = []
    monkeypatch.setattr("paho.mqtt.client.Client", connections.append)
    bus = EventBus()
    with MqttPublisher(bus, configured(tmp_path)):
        bus.publish(seconds(BEGIN, *crowd(6, 0.5)))
    assert not connections


def test_unresolvable_broker_name_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = EventBus()
    with (
        MqttPublisher(bus, settings(tmp_path, 1, mqtt={"host": "a..b"})),
        collecting(bus, Alert),
    ):
        wait_until(lambda: "no name of a broker" in caplog.text)

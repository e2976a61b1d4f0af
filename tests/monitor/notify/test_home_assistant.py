"""The real Home Assistant on a real broker, with what the monitor publishes.

It pins its dependencies and needs a recent Python, so it is installed separately:

    python3.14 -m venv ha && ha/bin/pip install homeassistant paho-mqtt==2.1.0 aiohasupervisor
    SENTISTREAM_HOME_ASSISTANT=ha/bin/python python -m pytest tests/monitor/notify
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from event_bus_helpers import BEGIN, configured, crowd, health, seconds
from mqtt_broker import Mosquitto, mosquitto
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.notify import MqttPublisher
from sentistream.monitor.observations import Alert, CameraState
from waiting import wait_until

VARIABLE = "SENTISTREAM_HOME_ASSISTANT"
"""Path of a Python with the package ``homeassistant``, or a command that starts it."""

SCRIPT = Path(__file__).with_name("home_assistant_states.py")
START = 90.0
"""Start timeout of Home Assistant, seconds."""


def python_of_home_assistant() -> list[str]:
    custom_notice = shlex.split(os.environ.get(VARIABLE, ""))
    if custom_notice:
        return custom_notice
    if importlib.util.find_spec("homeassistant") is None:
        pytest.skip(f"needs Home Assistant: set {VARIABLE} to a Python with it")
    return [sys.executable]


class HomeAssistant:
    """Runs in a separate process; keeps the latest line about each entity."""

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        folder.mkdir()
        self.version = ""
        self.entities: dict[str, dict[str, Any]] = {}
        self.noise: list[str] = []
        command = [*python_of_home_assistant(), str(SCRIPT), str(broker.port), str(folder)]
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.startswith("{"):
                self.noise.append(line)
                continue
            entry = json.loads(line)
            if "version" in entry:
                assert (entry["flow"], entry["errors"]) == ("create_entry", None)
                self.version = entry["version"]
            else:
                self.entities[entry["entity"]] = entry

    def wait_until(self, entity: str, state: str | None, limit: float = 15.0) -> dict[str, Any]:
        def is_so() -> bool:
            return entity in self.entities and self.entities[entity]["state"] == state

        try:
            wait_until(is_so, f"{entity} is {state}", limit=limit)
        except AssertionError:
            shown = {name: each["state"] for name, each in self.entities.items()}
            pytest.fail(f"{entity} is not {state}: {shown}\n{''.join(self.noise[-30:])}")
        return self.entities[entity]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def home_assistant(broker: Mosquitto, folder: Path) -> Iterator[HomeAssistant]:
    running = HomeAssistant(broker, folder)
    try:
        wait_until(lambda: running.version, "Home Assistant has started", limit=START)
        yield running
    finally:
        running.close()


def test_entities_appear_change_and_become_unavailable(tmp_path: Path) -> None:
    python_of_home_assistant()  # skips before a broker is started
    bus = EventBus()
    with mosquitto(tmp_path) as broker, home_assistant(broker, tmp_path / "config") as hass:
        mqtt = {"host": "127.0.0.1", "port": broker.port, "every": 1}
        cameras = {"door": {"source": "0", "name": "Front door"}}
        rule = {"key": "bad", "name": "Bad mood"}
        configuration = configured(tmp_path, cameras=cameras, mqtt=mqtt, alerts=[rule])
        with MqttPublisher(bus, configuration):
            bus.publish(health("door", CameraState.RUNNING))
            for second in range(3):
                bus.publish(seconds(BEGIN + second, *crowd(6, 0.25)))
            sensor = hass.wait_until("sensor.front_door_mood", "neutral")
            assert sensor["device"] == ["sentistream", "Front door"]
            assert sensor["attributes"]["options"] == ["positive", "neutral", "negative"]
            assert sensor["attributes"]["device_class"] == "enum"
            assert sensor["attributes"]["faces"] == 6  # the complete state
            negative = hass.wait_until("sensor.front_door_negative", "25.0")
            assert negative["attributes"]["unit_of_measurement"] == "%"
            assert negative["attributes"]["state_class"] == "measurement"
            hass.wait_until("sensor.front_door_positive", "0.0")
            hass.wait_until("sensor.front_door_neutral", "75.0")
            hass.wait_until("sensor.front_door_faces", "6")
            state = hass.wait_until("sensor.front_door_state", "running")
            assert state["category"] == "diagnostic"
            hass.wait_until("binary_sensor.front_door_problem", "off")
            hass.wait_until("binary_sensor.front_door_bad_mood", "off")
            assert {each["unique_id"] for each in hass.entities.values()} >= {
                "sentistream_door_mood",
                "sentistream_door_alert_bad",
            }

            # values change
            for second in range(3, 40):
                bus.publish(seconds(BEGIN + second, *crowd(7, 1.0)))
            bus.publish(
                Alert(
                    rule="bad",
                    name="Bad mood",
                    camera="door",
                    zone="",
                    time=float(BEGIN),
                    active=True,
                    sentiment="negative",
                    share=0.9,
                    limit=0.4,
                    minutes=10,
                )
            )
            hass.wait_until("sensor.front_door_mood", "negative")
            hass.wait_until("sensor.front_door_faces", "7")
            alarmed = hass.wait_until("binary_sensor.front_door_bad_mood", "on")
            assert alarmed["attributes"]["share"] == 0.9

            # the camera fails: its values become unavailable, and the reason is shown
            bus.publish(health("door", CameraState.WAITING, "no route to host"))
            hass.wait_until("sensor.front_door_mood", "unavailable")
            hass.wait_until("sensor.front_door_faces", "unavailable")
            problem = hass.wait_until("binary_sensor.front_door_problem", "on")
            assert problem["attributes"]["reason"] == "no route to host"
            hass.wait_until("sensor.front_door_state", "waiting")
            bus.publish(health("door", CameraState.RUNNING))
            hass.wait_until("sensor.front_door_mood", "negative")

            # too few people: no values are published
            small = configuration.settings.model_copy(
                update={
                    "privacy": configuration.settings.privacy.model_copy(
                        update={"smallest_group": 50}
                    )
                }
            )
            configuration.change(small)
            hass.wait_until("sensor.front_door_mood", "unknown")
            hass.wait_until("sensor.front_door_negative", "unknown")
            configuration.change(small.model_copy(update={"alerts": ()}))
            hass.wait_until("binary_sensor.front_door_bad_mood", None)  # of a removed rule

        # the monitor ends
        for entity in ("sensor.front_door_mood", "sensor.front_door_state"):
            hass.wait_until(entity, "unavailable")
        hass.wait_until("binary_sensor.front_door_problem", "unavailable")


def test_entities_have_german_names(tmp_path: Path) -> None:
    python_of_home_assistant()
    bus = EventBus()
    with mosquitto(tmp_path) as broker:
        mqtt = {"host": "127.0.0.1", "port": broker.port, "every": 1}
        cameras = {"hall": {"source": "0", "name": "Empfang"}}
        configuration = configured(tmp_path, cameras=cameras, mqtt=mqtt, language="de")
        with MqttPublisher(bus, configuration):
            bus.publish(health("hall", CameraState.RUNNING))
            # Home Assistant starts later, and receives the retained messages
            with home_assistant(broker, tmp_path / "config") as hass:
                hass.wait_until("sensor.empfang_zustand", "running")
                hass.wait_until("binary_sensor.empfang_storung", "off")
                hass.wait_until("sensor.empfang_stimmung", "unknown")

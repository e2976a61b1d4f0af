"""Home Assistant's discovery: only keys that it documents, and unique names.

The keys: https://www.home-assistant.io/integrations/sensor.mqtt/#configuration-variables,
https://www.home-assistant.io/integrations/binary_sensor.mqtt/#configuration-variables and
https://www.home-assistant.io/integrations/mqtt/#discovery-messages (2026-11).
"""

from __future__ import annotations

import re
from typing import Any

import jinja2
import pytest

from listening import health
from sentistream.monitor.alerts import WindowStats
from sentistream.monitor.notify.home_assistant import discovery_configs
from sentistream.monitor.notify.payloads import health_payload, state_payload
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import Settings

ENTITY = {
    "availability", "availability_mode", "availability_template", "availability_topic",
    "default_entity_id", "device", "device_class", "enabled_by_default", "encoding",
    "entity_category", "entity_picture", "expire_after", "force_update", "icon",
    "json_attributes_template", "json_attributes_topic", "name", "object_id", "origin",
    "payload_available", "payload_not_available", "platform", "qos", "state_topic", "unique_id",
    "value_template",
}  # fmt: skip
KEYS = {
    "sensor": ENTITY
    | {
        "last_reset_value_template", "options", "state_class", "suggested_display_precision",
        "unit_of_measurement",
    },
    "binary_sensor": ENTITY | {"off_delay", "payload_off", "payload_on"},
}  # fmt: skip
DEVICE = {
    "configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model",
    "model_id", "name", "serial_number", "suggested_area", "sw_version", "via_device",
}  # fmt: skip
ORIGIN = {"name", "sw_version", "support_url"}
CLASSES = {"sensor": {"enum"}, "binary_sensor": {"problem"}}


def made(**settings: Any) -> dict[str, dict[str, Any]]:
    values = {
        "cameras": {"door": {"source": "0", "name": "Tür"}, "hall": {"source": "1"}},
        "alerts": [
            {"key": "bad", "name": "Bad mood"},
            {"key": "hall-only", "name": "Hall", "camera": "hall"},
        ],
        "mqtt": {"topic": "shop/one"},
        "server": {"public_url": "https://mood.example.org"},
    }
    return discovery_configs(Settings.model_validate(values | settings), ["door", "hall"])


def test_only_documented_keys() -> None:
    for topic, config in made().items():
        found = re.fullmatch(
            r"homeassistant/(sensor|binary_sensor)/shop_one_sentistream/([a-zA-Z0-9_-]+)/config",
            topic,
        )
        assert found, topic
        component = found[1]
        assert set(config) <= KEYS[component], topic
        assert set(config["device"]) <= DEVICE
        assert set(config["origin"]) <= ORIGIN
        assert {"name", "state_topic", "unique_id", "device", "origin"} <= set(config)
        assert config.get("device_class", next(iter(CLASSES[component]))) in CLASSES[component]
        assert config.get("entity_category", "diagnostic") == "diagnostic"
        assert config.get("state_class", "measurement") == "measurement"
        assert not ("availability" in config and "availability_topic" in config)
        # an enum has options and neither unit nor state class
        if config.get("device_class") == "enum":
            assert config["options"]
            assert not {"unit_of_measurement", "state_class"} & set(config)


def test_entities_and_names() -> None:
    configs = made()
    unique = [config["unique_id"] for config in configs.values()]
    assert len(unique) == len(set(unique)) == 2 * 7 + 1 + 2
    devices = {tuple(config["device"]["identifiers"]) for config in configs.values()}
    assert devices == {("shop_one_sentistream_door",), ("shop_one_sentistream_hall",)}
    assert {config["device"]["name"] for config in configs.values()} == {"Tür", "Camera"}
    assert (
        "homeassistant/binary_sensor/shop_one_sentistream/shop_one_sentistream_hall_alert_hall-only/config"
        in configs
    )
    assert not any("door_alert_hall-only" in topic for topic in configs)
    german = {config["name"] for config in made(language="de").values()}
    assert {"Stimmung", "Gesichter", "Störung"} <= german
    assert made(mqtt={"discovery": ""}) == {}


@pytest.mark.parametrize("appearances", [3, 9])
def test_templates_yield_what_home_assistant_takes(appearances: int) -> None:
    measure = WindowStats(
        shares={"positive": 0.2, "neutral": 0.5, "negative": 0.3},
        seen=9,
        appearances=appearances,
        covered=1,
    )
    messages = {
        "state": state_payload(measure, faces=2, time=1.8e9, minutes=5, smallest_group=5),
        "health": health_payload(health("door", CameraState.WAITING)),
        "bad": {"active": True},
        "hall-only": {"active": False},
    }
    environment = jinja2.Environment(autoescape=False)  # noqa: S701
    for config in made().values():
        message = messages[config["state_topic"].rsplit("/", 1)[1]]
        value = environment.from_string(config["value_template"]).render(value_json=message)
        if "options" in config and value != "None":
            assert value in config["options"]
        elif "unit_of_measurement" in config:
            # "None" makes the sensor unknown
            assert value == "None" if appearances < 5 else 0 <= float(value) <= 100
        elif config["unique_id"].endswith("people"):
            assert value == "2"
        elif "options" not in config:
            assert value in ("ON", "OFF")

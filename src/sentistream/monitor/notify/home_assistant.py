"""Home Assistant MQTT discovery: makes cameras appear there automatically.

The format: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sentistream import __version__
from sentistream.monitor.notify.mqtt_client import Topics
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import AlertRule, Settings
from sentistream.types import SENTIMENTS

_NAMES = {
    "en": {
        "mood": "Mood",
        "positive": "Positive",
        "neutral": "Neutral",
        "negative": "Negative",
        "faces": "Faces",
        "problem": "Problem",
        "state": "State",
    },
    "de": {
        "mood": "Stimmung",
        "positive": "Positiv",
        "neutral": "Neutral",
        "negative": "Negativ",
        "faces": "Gesichter",
        "problem": "Störung",
        "state": "Zustand",
    },
    "fr": {
        "mood": "Humeur",
        "positive": "Positif",
        "neutral": "Neutre",
        "negative": "Négatif",
        "faces": "Visages",
        "problem": "Problème",
        "state": "État",
    },
}

_ICONS = {
    "mood": "mdi:emoticon-outline",
    "positive": "mdi:emoticon-happy-outline",
    "neutral": "mdi:emoticon-neutral-outline",
    "negative": "mdi:emoticon-sad-outline",
    "faces": "mdi:account-group-outline",
}


def discovery_configs(settings: Settings, cameras: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Every entity's configuration by its topic; empty if discovery is off.

    Args:
        settings: The settings.
        cameras: Keys of the cameras.
    """
    topics = Topics.of(settings.mqtt)
    if not topics.discovery:
        return {}
    configs = {}
    for camera in cameras:
        common = _common(settings, topics, camera)
        for component, entity, config in _entities(settings, topics, camera):
            unique = topics.unique(camera, entity)
            configs[topics.config(component, unique)] = {**config, **common, "unique_id": unique}
    return configs


def rules_of(settings: Settings, camera: str) -> Iterator[AlertRule]:
    """The rules that apply to a camera."""
    return (rule for rule in settings.alerts if rule.camera in ("", camera))


def _entities(
    settings: Settings, topics: Topics, camera: str
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Component, name and configuration of each entity, without the common parts."""
    names = _NAMES.get(settings.language, _NAMES["en"])
    running = _available(topics.status, topics.availability(camera))
    always = _available(topics.status)
    seen = {"state_topic": topics.state(camera), **running}
    yield (
        "sensor",
        "mood",
        {
            "name": names["mood"],
            "icon": _ICONS["mood"],
            "device_class": "enum",
            "options": list(SENTIMENTS),
            "value_template": "{{ value_json.mood }}",
            "json_attributes_topic": topics.state(camera),
            **seen,
        },
    )
    for sentiment in SENTIMENTS:
        yield (
            "sensor",
            sentiment,
            {
                "name": names[sentiment],
                "icon": _ICONS[sentiment],
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "value_template": f"{{{{ value_json.{sentiment} }}}}",
                **seen,
            },
        )
    yield (
        "sensor",
        "people",  # its first name: another would be a new entity without the old one's past
        {
            "name": names["faces"],
            "icon": _ICONS["faces"],
            "state_class": "measurement",
            "value_template": "{{ value_json.faces }}",
            **seen,
        },
    )
    health = {
        "state_topic": topics.health(camera),
        "json_attributes_topic": topics.health(camera),
        "entity_category": "diagnostic",
        **always,
    }
    yield (
        "binary_sensor",
        "problem",
        {
            "name": names["problem"],
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.problem else 'OFF' }}",
            **health,
        },
    )
    yield (
        "sensor",
        "state",
        {
            "name": names["state"],
            "device_class": "enum",
            "options": [state.value for state in CameraState],
            "value_template": "{{ value_json.state }}",
            **health,
        },
    )
    for rule in rules_of(settings, camera):
        yield (
            "binary_sensor",
            f"alert_{rule.key}",
            {
                "name": rule.name,
                "icon": "mdi:bell-outline",
                "state_topic": topics.alert(camera, rule.key),
                "json_attributes_topic": topics.alert(camera, rule.key),
                "value_template": "{{ 'ON' if value_json.active else 'OFF' }}",
                **always,
            },
        )


def _available(*topics: str) -> dict[str, Any]:
    return {"availability": [{"topic": topic} for topic in topics], "availability_mode": "all"}


def _common(settings: Settings, topics: Topics, camera: str) -> dict[str, Any]:
    configured = settings.cameras.get(camera)
    device: dict[str, Any] = {
        "identifiers": [f"{topics.node}_{camera}"],
        "name": configured.name if configured is not None else camera,
        "manufacturer": "sentistream",
        "model": "sentistream monitor",
        "sw_version": __version__,
    }
    if settings.server.public_url:
        device["configuration_url"] = settings.server.public_url
    return {"device": device, "origin": {"name": "sentistream", "sw_version": __version__}}

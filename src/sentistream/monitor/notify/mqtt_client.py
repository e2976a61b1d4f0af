"""The MQTT connection: keeps our retained messages at the broker in sync; their topics."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sentistream.atomic_write import atomic_write
from sentistream.monitor.settings import MqttSettings

_log = logging.getLogger(__name__)

MAX_WAITING = 500
"""Messages that may wait for the broker; further ones are sent in a later round."""

_UNKNOWN = "\0"  # stands for a payload of an earlier run

RECONNECT_DELAYS = (1, 60)
"""Shortest and longest seconds between two connection attempts; they double."""


class MqttClient:
    """Publishes retained messages, at least once, and only those that changed.

    It connects and reconnects in its own thread and never blocks the caller. After each
    connection everything is published again. Topics of an earlier run that are no longer needed
    are cleared; topics of others are neither read nor changed, even below the same root topic.

    Args:
        settings: The broker; ``host`` is not empty.
        topics_file: The file that lists the topics we published; None to keep no list.
    """

    def __init__(self, settings: MqttSettings, topics_file: Path | None = None) -> None:
        self._settings = settings
        self._own_topics = PublishedTopics(topics_file, f"{settings.host}:{settings.port}")
        self._topics = Topics.of(settings)
        self._lock = threading.Lock()
        self._published: dict[str, str] = {}
        self._connected_at: float | None = None
        self._last_warning = ""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(MAX_WAITING)
        client.reconnect_delay_set(*RECONNECT_DELAYS)
        client.will_set(self._topics.status, OFFLINE, qos=1, retain=True)
        if settings.username:
            client.username_pw_set(settings.username, settings.password.get_secret_value() or None)
        if settings.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        self._client = client
        try:
            settings.host.encode("idna")
            client.connect_async(settings.host, settings.port, keepalive=30)
        except (UnicodeError, ValueError):
            _log.error("mqtt.host is no name of a broker")
            return
        client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether the connection is up."""
        return self._connected_at is not None

    def sync(self, wanted: Mapping[str, str]) -> None:
        """Makes the retained messages equal to ``wanted``, payloads by topic.

        Sends the differences; what cannot be sent now is sent at a later call.
        """
        if self._connected_at is None:
            return
        with self._lock:
            known = dict(self._published)
        self._own_topics.replace({*known, *wanted})
        changes = [
            (topic, payload) for topic, payload in wanted.items() if known.get(topic) != payload
        ]
        changes += [(topic, "") for topic in known if topic not in wanted]
        for topic, payload in changes:
            if self._client.publish(topic, payload, qos=1, retain=True).rc != paho.MQTT_ERR_SUCCESS:
                return
            with self._lock:
                if payload:
                    self._published[topic] = payload
                else:
                    self._published.pop(topic, None)
        self._own_topics.replace(wanted)

    def close(self, *, clear: bool = False, timeout: float = 2.0) -> None:
        """Publishes ``OFFLINE`` and disconnects; waits at most about ``timeout`` seconds.

        Args:
            clear: Whether to clear all retained messages.
            timeout: Seconds for the broker to acknowledge.
        """
        if self.is_connected:
            if clear:
                self.sync({})
            last = self._client.publish(self._topics.status, "" if clear else OFFLINE, 1, True)
            try:
                last.wait_for_publish(timeout)
            except (ValueError, RuntimeError):
                _log.debug("the broker did not take the last message")
        self._client.disconnect()
        # not blocked by a broker that hangs: the thread ends by itself or with the program
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True, name="mqtt-stop")
        stopping.start()
        stopping.join(timeout)

    def _on_connect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._warn(f"the broker refuses us: {reason}")
            return
        with self._lock:
            # topics of an earlier run are sent again, or cleared
            self._published = dict.fromkeys(self._own_topics.topics, _UNKNOWN)
        self._connected_at = time.monotonic()
        self._last_warning = ""
        _log.info("connected to the broker", extra={"port": self._settings.port})

    def _on_connect_fail(self, client: paho.Client, userdata: Any) -> None:
        self._warn("the broker cannot be reached; trying again")

    def _on_disconnect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        was, self._connected_at = self._connected_at, None
        if was is not None and reason.is_failure:
            self._warn(f"the connection to the broker was lost ({reason}); trying again")

    def _warn(self, warning: str) -> None:
        """Warns once, not at every attempt."""
        if warning != self._last_warning:
            self._last_warning = warning
            _log.warning(warning)


_log = logging.getLogger(__name__)


class PublishedTopics:
    """The topics that this installation has published at one broker, kept across restarts.

    Args:
        path: The file that lists them; None to keep no list.
        broker: Host and port; topics at another broker are ignored.
    """

    def __init__(self, path: Path | None, broker: str) -> None:
        self._path = path
        self._broker = broker
        self._topics = self._read()

    @property
    def topics(self) -> frozenset[str]:
        """All of them."""
        return self._topics

    def replace(self, topics: Iterable[str]) -> None:
        """Replaces the topics; the file is written only if they have changed."""
        wanted = frozenset(topics)
        if wanted == self._topics:
            return
        self._topics = wanted
        if self._path is None:
            return
        try:
            content = {"broker": self._broker, "topics": sorted(wanted)}
            atomic_write(self._path, json.dumps(content, indent=1) + "\n", private=True)
        except OSError as error:
            _log.warning("the topics cannot be listed in %s (%s)", self._path, error.strerror)

    def _read(self) -> frozenset[str]:
        if self._path is None:
            return frozenset()
        try:
            content = json.loads(self._path.read_text("utf-8"))
            topics = content["topics"] if content["broker"] == self._broker else ()
            return frozenset(each for each in topics if isinstance(each, str) and each)
        except (OSError, ValueError, KeyError, TypeError):
            return frozenset()


ONLINE, OFFLINE = "online", "offline"

OWN = "sentistream"
"""A topic that contains this word belongs to no other device."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of topics.

    Attributes:
        root: The root of every topic; contains ``OWN``.
        discovery: Home Assistant's prefix; empty for none.
    """

    root: str
    discovery: str

    @classmethod
    def of(cls, settings: MqttSettings) -> Topics:
        """From the settings; with a level of our own if the topic may be shared with others."""
        shared = OWN not in settings.topic.lower()
        root = f"{settings.topic}/{OWN}" if shared else settings.topic
        return cls(root=root, discovery=settings.discovery)

    @property
    def node(self) -> str:
        """This installation in unique ids; two on one broker need different root topics."""
        return self.root.replace("/", "_")

    @property
    def status(self) -> str:
        """Whether the monitor is online."""
        return f"{self.root}/status"

    def availability(self, camera: str) -> str:
        """Whether the camera is running."""
        return f"{self.root}/{camera}/availability"

    def state(self, camera: str) -> str:
        """The camera's state."""
        return f"{self.root}/{camera}/state"

    def health(self, camera: str) -> str:
        """The camera's health."""
        return f"{self.root}/{camera}/health"

    def alert(self, camera: str, rule: str) -> str:
        """Whether an alert is active on the camera."""
        return f"{self.root}/{camera}/alert/{rule}"

    def config(self, component: str, unique: str) -> str:
        """Home Assistant's configuration of one entity."""
        return f"{self.discovery}/{component}/{self.node}/{unique}/config"

    def unique(self, camera: str, entity: str) -> str:
        """An entity's unique id."""
        return f"{self.node}_{camera}_{entity}"

"""A connection to an MQTT broker that keeps what is published there as it should be."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sentistream.monitor.notify.published import PublishedTopics
from sentistream.monitor.notify.topics import OFFLINE, Topics
from sentistream.monitor.settings import MqttSettings

_log = logging.getLogger(__name__)

MAX_WAITING = 500
"""Messages that may wait for the broker; what finds no room is tried again later."""

_UNKNOWN = "\0"  # the payload of an earlier run

BACK_OFF = (1, 60)
"""Shortest and longest seconds between two attempts to connect; they double."""


class Broker:
    """Publishes retained messages, at least once, and only the differences.

    It connects by itself in a thread of its own, again and again, and never makes the caller
    wait. After each connection everything is published anew. What an earlier run left and is
    no longer wanted is cleared; what others publish is neither read nor touched, also where they
    share the root topic.

    Args:
        settings: The broker; ``host`` is not empty.
        memory: The file that remembers which topics are ours; None for none.
    """

    def __init__(self, settings: MqttSettings, memory: Path | None = None) -> None:
        self._settings = settings
        self._kept = PublishedTopics(memory, f"{settings.host}:{settings.port}")
        self._topics = Topics.of(settings)
        self._lock = threading.Lock()
        self._published: dict[str, str] = {}
        self._connected_at: float | None = None
        self._last_word = ""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(MAX_WAITING)
        client.reconnect_delay_set(*BACK_OFF)
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
        """Whether messages reach the broker now."""
        return self._connected_at is not None

    def hold(self, wanted: Mapping[str, str]) -> None:
        """Makes what is published equal to ``wanted``, topics to payloads.

        Sends what differs; what cannot be sent now is sent at a later call.
        """
        if self._connected_at is None:
            return
        with self._lock:
            known = dict(self._published)
        self._kept.keep({*known, *wanted})
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
        self._kept.keep(wanted)

    def close(self, *, clear: bool = False, timeout: float = 2.0) -> None:
        """Says that we are gone and leaves; waits at most about ``timeout`` seconds.

        Args:
            clear: Whether all that was published is taken away.
            timeout: Seconds for the broker to take it in.
        """
        if self.is_connected:
            if clear:
                self.hold({})
            last = self._client.publish(self._topics.status, "" if clear else OFFLINE, 1, True)
            try:
                last.wait_for_publish(timeout)
            except (ValueError, RuntimeError):
                _log.debug("the broker did not take the last message")
        self._client.disconnect()
        # a broker that hangs must not hold us: its thread ends by itself or with the program
        leaving = threading.Thread(target=self._client.loop_stop, daemon=True, name="mqtt-leaving")
        leaving.start()
        leaving.join(timeout)

    def _on_connect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._say(f"the broker refuses us: {reason}")
            return
        with self._lock:
            # what an earlier run left is sent anew, or cleared
            self._published = dict.fromkeys(self._kept.topics, _UNKNOWN)
        self._connected_at = time.monotonic()
        self._last_word = ""
        _log.info("connected to the broker", extra={"port": self._settings.port})

    def _on_connect_fail(self, client: paho.Client, userdata: Any) -> None:
        self._say("the broker cannot be reached; trying again")

    def _on_disconnect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        was, self._connected_at = self._connected_at, None
        if was is not None and reason.is_failure:
            self._say(f"the connection to the broker was lost ({reason}); trying again")

    def _say(self, word: str) -> None:
        """Warns once, not at every attempt."""
        if word != self._last_word:
            self._last_word = word
            _log.warning(word)

"""The connection of a site or of headquarters to the broker: MQTT 5, QoS 1, TLS."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from sentistream.errors import InputError
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

RECONNECT_DELAYS = (1, 60)
"""Shortest and longest seconds between two attempts to connect; they double."""

KEEP_ALIVE = 30
"""Seconds after which a silent connection is probed."""

MAX_QUEUED = 64
"""Most messages passed to a site's connection and not yet delivered to the broker."""

MAX_ANSWERS = 60_000
"""The same for headquarters, which answers all sites."""

MAX_UNDER_WAY = 1000
"""Most unconfirmed messages between headquarters and the broker."""

SESSION_SECONDS = 7 * 24 * 3600
"""For how long the broker keeps what headquarters has not received."""

CLOSE_TIMEOUT = 2.0
"""Seconds for the broker to accept the last messages when a connection is closed."""


class BrokerConnection:
    """Connects in its own thread, reconnects forever, and never blocks the caller.

    Args:
        address: The broker.
        client_id: The name of this client; a broker's access list may depend on it.
        subscriptions: Topics to receive.
        on_message: Called with topic and payload, in the connection's thread.
        on_connected: Called after each connection, likewise.
        keeps_session: Whether this is headquarters: the broker keeps messages while it is away,
            and many go both ways at once.

    Raises:
        InputError: The host is no name, or the authority's certificate is not readable.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        subscriptions: Sequence[str],
        on_message: Callable[[str, bytes], None],
        on_connected: Callable[[], None] = lambda: None,
        keeps_session: bool = False,
    ) -> None:
        self._subscriptions = [(topic, SubscribeOptions(qos=1)) for topic in subscriptions]
        self._on_message = on_message
        self._on_connected = on_connected
        self._connected = threading.Event()
        self.problem: str = ""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
        client.max_queued_messages_set(MAX_ANSWERS if keeps_session else MAX_QUEUED)
        client.reconnect_delay_set(*RECONNECT_DELAYS)
        if address.username:
            client.username_pw_set(address.username, address.password or None)
        if address.tls:
            client.tls_set_context(_tls_context(address.ca))
        client.on_connect = self._connect
        client.on_connect_fail = self._connect_fail
        client.on_disconnect = self._disconnect
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        if keeps_session:
            properties.SessionExpiryInterval = SESSION_SECONDS
            properties.ReceiveMaximum = MAX_UNDER_WAY
            client.max_inflight_messages_set(MAX_UNDER_WAY)
        try:
            address.host.encode("idna")
            client.connect_async(
                address.host,
                address.port,
                keepalive=KEEP_ALIVE,
                clean_start=not keeps_session,
                properties=properties,
            )
        except (UnicodeError, ValueError):
            raise InputError("The broker's host is not a name.", "Correct it.") from None
        self._client = client
        client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent and received now."""
        return self._connected.is_set()

    def wait(self, timeout: float) -> bool:
        """Waits for the connection; whether there is one."""
        return self._connected.wait(timeout)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Queues a message; False if it cannot be sent now."""
        if not self._connected.is_set():
            return False
        return self._client.publish(topic, payload, qos=1).rc == paho.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Disconnects; waits at most about ``CLOSE_TIMEOUT`` seconds."""
        self._client.disconnect()
        # a hanging broker must not delay this: the thread ends later or with the program
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True, name="fleet-stop")
        stopping.start()
        stopping.join(CLOSE_TIMEOUT)

    def _connect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._warn(Translatable("the broker refuses the login ({reason})", reason=reason))
            return
        client.subscribe(self._subscriptions)

    def _subscribed(
        self, client: paho.Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self._warn(
                Translatable("the broker does not permit receiving ({reason})", reason=refused[0])
            )
            return
        self.problem = ""
        self._connected.set()
        _log.info("connected to the broker of the headquarters")
        self._on_connected()

    def _connect_fail(self, client: paho.Client, userdata: Any) -> None:
        self._connected.clear()
        self._warn(Translatable("the broker cannot be reached"))

    def _disconnect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        was = self._connected.is_set()
        self._connected.clear()
        if was and reason.is_failure:
            self._warn(
                Translatable("the connection to the broker was lost ({reason})", reason=reason)
            )

    def _message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            self._on_message(message.topic, bytes(message.payload))
        except Exception:
            _log.exception("a message could not be handled")

    def _warn(self, warning: str) -> None:
        """Warns once, not at every attempt."""
        if warning != self.problem:
            self.problem = warning
            _log.warning("headquarters: %s; trying again", warning)


def _tls_context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca or None)
    except ssl.SSLError:
        raise InputError(
            "The certificate of the broker's authority is not readable.", "Give it as PEM."
        ) from None

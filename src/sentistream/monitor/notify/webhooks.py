"""Webhooks: signed messages about alerts and about cameras that fail and recover."""

from __future__ import annotations

import hmac
import json
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

import httpx

from sentistream import __version__
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.logs import log_redactor
from sentistream.monitor.notify.payloads import alert_payload, iso_time
from sentistream.monitor.observations import Alert, CameraHealth, CameraState
from sentistream.monitor.settings import Settings, Webhook
from sentistream.monitor.subscriber import Subscriber

_log = logging.getLogger(__name__)

DEPTH = 100
"""Messages that may wait for one receiver; beyond that the oldest are dropped."""

DELAYS = (1.0, 5.0, 25.0, 125.0)
"""Seconds before each retry; then the message is given up."""

TIMEOUT = 10.0
"""Seconds for connecting, and for a response."""

_RETRIED = frozenset({408, 425, 429})

SHUTDOWN_TIMEOUT = 2.0
"""Seconds that all deliveries together may take when the monitor stops."""

SIGNATURE_HEADER = "X-Sentistream-Signature"
TIMESTAMP_HEADER = "X-Sentistream-Timestamp"


class WebhookSender(Subscriber):
    """Sends each webhook of the settings the events it asks for, signed, with retries.

    A camera fails when it has to wait before it is restarted, and recovers when it runs; attempts
    in between are not reported. Cameras of visitors' browsers are ignored.

    Args:
        bus: Where events come from.
        configuration: The settings, which may change while it runs.
        delays: Seconds before each retry of a message.
        timeout: Seconds for connecting, and for a response.
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        *,
        delays: Sequence[float] = DELAYS,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(bus, [Alert, CameraHealth], name="webhooks")
        self._configuration = configuration
        self._settings: Settings | None = None
        self._delays = delays
        self._timeout = timeout
        self._failing: dict[str, CameraHealth] = {}
        self.queues: dict[Webhook, WebhookQueue] = {}

    def start(self) -> None:
        """Starts the queues, and subscribes."""
        self._reload_settings()
        super().start()

    def handle(self, event: Event) -> None:
        """Queues the message about an event."""
        self._reload_settings()
        if isinstance(event, Alert):
            self._send("alert", alert_payload(event))
        elif isinstance(event, CameraHealth):
            self._handle_health(event)

    def tick(self) -> None:
        """Adopts changed settings."""
        self._reload_settings()

    def finish(self) -> None:
        """Delivers what waits within ``SHUTDOWN_TIMEOUT``, gives up the rest."""
        end = time.monotonic() + SHUTDOWN_TIMEOUT
        for queue in self.queues.values():
            queue.close(max(0.0, end - time.monotonic()))

    def _handle_health(self, health: CameraHealth) -> None:
        assert self._settings is not None  # noqa: S101
        if not is_own_camera(health.camera, self._settings):
            return
        if health.state is CameraState.WAITING:
            was_failing = health.camera in self._failing
            self._failing[health.camera] = health
            if not was_failing:
                self._send("camera", self._camera_payload(health, failing=True))
        elif health.state is CameraState.RUNNING:
            if self._failing.pop(health.camera, None) is not None:
                self._send("camera", self._camera_payload(health, failing=False))
        elif health.state is CameraState.STOPPED:
            self._failing.pop(health.camera, None)

    def _camera_payload(self, health: CameraHealth, *, failing: bool) -> dict[str, Any]:
        assert self._settings is not None  # noqa: S101
        known = self._settings.cameras.get(health.camera)
        return {
            "failing": failing,
            "time": iso_time(health.since),
            "camera": health.camera,
            "name": health.camera if known is None else known.name,
            "reason": log_redactor(health.reason),
        }

    def _send(self, event: Literal["alert", "camera"], message: dict[str, Any]) -> None:
        for webhook, queue in self.queues.items():
            if event in webhook.events:
                queue.put(event, message)

    def _reload_settings(self) -> None:
        settings = self._configuration.settings
        if settings is self._settings:
            return
        self._settings = settings
        self._failing = {
            camera: health
            for camera, health in self._failing.items()
            if is_own_camera(camera, settings)
        }
        for webhook in set(self.queues) - set(settings.webhooks):
            self.queues.pop(webhook).close(timeout=0)
        for webhook in settings.webhooks:
            if webhook not in self.queues:
                self.queues[webhook] = WebhookQueue(
                    webhook, delays=self._delays, timeout=self._timeout
                )


class WebhookQueue:
    """Delivers to one address in a thread; a receiver that hangs delays no other.

    Args:
        webhook: The address and its secret.
        delays: Seconds before each retry.
        timeout: Seconds for connecting, and for a response.

    Attributes:
        dropped: Messages dropped because too many were waiting.
        failed: Messages that were given up.
        delivered: Messages that were accepted.
    """

    def __init__(
        self, webhook: Webhook, *, delays: Sequence[float] = DELAYS, timeout: float = TIMEOUT
    ) -> None:
        self.webhook = webhook
        self.dropped: int = 0
        self.failed: int = 0
        self.delivered: int = 0
        self._delays = tuple(delays)
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._receiver = f"{webhook.url.scheme}://{webhook.url.host}"
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            # neither proxies nor credentials from the environment
            trust_env=False,
            verify=ssl.create_default_context(),
            headers={"User-Agent": f"sentistream/{__version__}"},
        )
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def put(self, event: str, message: Mapping[str, Any]) -> None:
        """Queues a message without waiting."""
        message_id = uuid4().hex
        body = json.dumps({"event": event, "id": message_id, **message}).encode()
        with self._changed:
            if len(self._waiting) >= DEPTH:
                self._waiting.popleft()
                self.dropped += 1
                _log.warning(
                    "a message was dropped: too many are waiting",
                    extra={"receiver": self._receiver, "dropped": self.dropped},
                )
            self._waiting.append((event, message_id, body))
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Messages that wait for delivery."""
        return len(self._waiting)

    def close(self, timeout: float = 2.0) -> None:
        """Delivers what waits within ``timeout`` seconds, gives up the rest."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._closed, timeout)
            self._closed = True
            self._changed.notify_all()
        self._thread.join(min(timeout, 0.5))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    break
                event, message_id, body = self._waiting[0]
            done = self._deliver(event, message_id, body)
            with self._changed:
                if done:
                    self.delivered += 1
                elif not self._closed:
                    self.failed += 1
                    _log.warning(
                        "a message was given up",
                        extra={"receiver": self._receiver, "event": event, "failed": self.failed},
                    )
                if self._waiting and self._waiting[0][1] == message_id:
                    self._waiting.popleft()
                self._changed.notify_all()
        self._client.close()

    def _deliver(self, event: str, message_id: str, body: bytes) -> bool:
        """Whether it was accepted, after retries."""
        for delay in (*self._delays, None):
            failure = self._attempt(event, message_id, body)
            if failure is None:
                return True
            can_retry, reason = failure
            _log.info(
                "a message was not accepted", extra={"receiver": self._receiver, "reason": reason}
            )
            if not can_retry or delay is None:
                return False
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, delay):
                    return False
        return False

    def _attempt(self, event: str, message_id: str, body: bytes) -> tuple[bool, str] | None:
        """None if it was accepted; else whether a retry is worthwhile, and the reason."""
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sentistream-Event": event,
            "X-Sentistream-Delivery": message_id,
            TIMESTAMP_HEADER: timestamp,
        }
        if secret := self.webhook.secret.get_secret_value():
            headers[SIGNATURE_HEADER] = sign(secret, timestamp, body)
        try:
            # the response's body is not read: it may be endless
            with self._client.stream(
                "POST", str(self.webhook.url), content=body, headers=headers
            ) as response:
                status = response.status_code
        except httpx.HTTPError as error:
            # the error's text may hold the address
            return True, type(error).__name__
        except Exception as error:
            return False, type(error).__name__
        if 200 <= status < 300:
            return None
        return status >= 500 or status in _RETRIED, f"status {status}"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a dot and the body: ``sha256=`` and 64 hex digits."""
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, "sha256").hexdigest()


def verify_signature(
    secret: str,
    timestamp: str,
    body: bytes,
    given: str,
    *,
    now: float | None = None,
    tolerance: float = 300,
) -> bool:
    """For receivers: whether a message was signed with the secret, and recently.

    Args:
        secret: As in the settings.
        timestamp: The header ``X-Sentistream-Timestamp``.
        body: The request's body, untouched.
        given: The header ``X-Sentistream-Signature``.
        now: Wall-clock seconds (UTC); the machine's clock by default.
        tolerance: Seconds by which the timestamp may differ from now.
    """
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), given.encode())

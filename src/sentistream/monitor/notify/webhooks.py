"""Tells other programs of alerts, and of cameras that fail and recover."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from sentistream.monitor.configuration import Configuration
from sentistream.monitor.house import is_of_the_house
from sentistream.monitor.hub import Event, Hub
from sentistream.monitor.listener import Listener
from sentistream.monitor.logs import redaction
from sentistream.monitor.notify.delivery import DELAYS, TIMEOUT, Delivery
from sentistream.monitor.notify.messages import alert_message, when
from sentistream.monitor.observations import Alert, CameraHealth, CameraState
from sentistream.monitor.settings import Settings, Webhook

LEAVE = 2.0
"""Seconds that all deliveries together may take when it ends."""


class WebhookSender(Listener):
    """Sends each webhook of the settings what it asks for, signed, with retries.

    A camera fails when it has to wait before it is tried again, and recovers when it runs;
    the attempts between are not told of, nor are visitors' own cameras.

    Args:
        hub: Where events come from.
        configuration: The settings, which may change while it runs.
        delays: Seconds before each further attempt of a message.
        timeout: Seconds for a connection, and for an answer.
    """

    def __init__(
        self,
        hub: Hub,
        configuration: Configuration,
        *,
        delays: Sequence[float] = DELAYS,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(hub, [Alert, CameraHealth], name="webhooks")
        self._configuration = configuration
        self._settings: Settings | None = None
        self._delays = delays
        self._timeout = timeout
        self._failing: dict[str, CameraHealth] = {}
        self.deliveries: dict[Webhook, Delivery] = {}

    def start(self) -> None:
        """Begins to listen."""
        self._keep_up()
        super().start()

    def handle(self, event: Event) -> None:
        """Passes on what is to be told."""
        self._keep_up()
        if isinstance(event, Alert):
            self._send("alert", alert_message(event))
        elif isinstance(event, CameraHealth):
            self._camera(event)

    def tick(self) -> None:
        """Lets go of webhooks that are no longer in the settings."""
        self._keep_up()

    def finish(self) -> None:
        """Delivers what waits if that is quick, gives up the rest."""
        end = time.monotonic() + LEAVE
        for delivery in self.deliveries.values():
            delivery.close(max(0.0, end - time.monotonic()))

    def _camera(self, health: CameraHealth) -> None:
        assert self._settings is not None  # noqa: S101
        if not is_of_the_house(health.camera, self._settings):
            return
        if health.state is CameraState.WAITING:
            told = health.camera in self._failing
            self._failing[health.camera] = health
            if not told:
                self._send("camera", self._message(health, failing=True))
        elif health.state is CameraState.RUNNING:
            if self._failing.pop(health.camera, None) is not None:
                self._send("camera", self._message(health, failing=False))
        elif health.state is CameraState.STOPPED:
            self._failing.pop(health.camera, None)

    def _message(self, health: CameraHealth, *, failing: bool) -> dict[str, Any]:
        assert self._settings is not None  # noqa: S101
        known = self._settings.cameras.get(health.camera)
        return {
            "failing": failing,
            "time": when(health.since),
            "camera": health.camera,
            "name": health.camera if known is None else known.name,
            "reason": redaction(health.reason),
        }

    def _send(self, event: Literal["alert", "camera"], message: dict[str, Any]) -> None:
        for webhook, delivery in self.deliveries.items():
            if event in webhook.events:
                delivery.put(event, message)

    def _keep_up(self) -> None:
        settings = self._configuration.settings
        if settings is self._settings:
            return
        self._settings = settings
        self._failing = {
            camera: health
            for camera, health in self._failing.items()
            if is_of_the_house(camera, settings)
        }
        for webhook in set(self.deliveries) - set(settings.webhooks):
            self.deliveries.pop(webhook).close(timeout=0)
        for webhook in settings.webhooks:
            if webhook not in self.deliveries:
                self.deliveries[webhook] = Delivery(
                    webhook, delays=self._delays, timeout=self._timeout
                )

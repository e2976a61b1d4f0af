"""The channels of the settings: e-mail, ntfy topics and webhooks, each with its transport."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sentistream.monitor.notify.notices import test_notice
from sentistream.monitor.notify.ntfy import NtfyTransport
from sentistream.monitor.notify.smtp import SmtpTransport
from sentistream.monitor.notify.transports import TIMEOUT, Failure, Transport
from sentistream.monitor.notify.webhooks import WebhookTransport
from sentistream.monitor.observations import Delivery, DeliveryState
from sentistream.monitor.settings import EmailSettings, NtfyTopic, Settings, Webhook
from sentistream.monitor.translation import Translator
from sentistream.redaction import host_of

Medium = Literal["email", "ntfy", "webhooks"]
"""A kind of channel, by its group in the settings."""

_FORMATS = {"json": "Webhook", "slack": "Slack", "teams": "Teams", "discord": "Discord"}


@dataclass(frozen=True, slots=True)
class NotificationChannel:
    """A notification channel.

    Attributes:
        key: For addresses: ``email``, ``ntfy-1``, ``webhooks-2``.
        medium: Its kind.
        name: Its display name; without secrets.
        settings: Its settings.
    """

    key: str
    medium: Medium
    name: str
    settings: EmailSettings | NtfyTopic | Webhook


def channels(settings: Settings) -> Iterator[NotificationChannel]:
    """All channels of the settings."""
    email = settings.email
    if email.host:
        yield NotificationChannel("email", "email", f"E-mail ({email.host})", email)
    for number, topic in enumerate(settings.ntfy, 1):
        name = topic.name or f"ntfy ({host_of(topic.server)})"
        yield NotificationChannel(f"ntfy-{number}", "ntfy", name, topic)
    for number, webhook in enumerate(settings.webhooks, 1):
        name = webhook.name or f"{_FORMATS[webhook.format]} ({webhook.url.host})"
        yield NotificationChannel(f"webhooks-{number}", "webhooks", name, webhook)


def find_channel(settings: Settings, key: str) -> NotificationChannel | None:
    """The channel with a key; None if there is none."""
    return next((channel for channel in channels(settings) if channel.key == key), None)


def transport_for(channel: NotificationChannel, *, timeout: float = TIMEOUT) -> Transport:
    """A channel's transport."""
    settings = channel.settings
    if isinstance(settings, EmailSettings):
        return SmtpTransport(settings, timeout=timeout)
    if isinstance(settings, NtfyTopic):
        return NtfyTransport(settings, timeout=timeout)
    return WebhookTransport(settings, timeout=timeout)


def send_test(
    channel: NotificationChannel, tr: Translator, *, page: str, timeout: float = TIMEOUT
) -> Delivery:
    """Sends a test message immediately, once, regardless of quiet hours.

    Args:
        channel: The channel.
        tr: The translator.
        page: The monitor's address.
        timeout: Seconds for connecting, and for each answer.

    Returns:
        The outcome, with a sentence if it was not accepted.
    """
    transport = transport_for(channel, timeout=timeout)
    try:
        failure = transport.send(test_notice(tr, page=page, channel=channel.name))
    finally:
        transport.close()
    return delivery_of(channel, failure)


def delivery_of(
    channel: NotificationChannel,
    failure: Failure | None,
    *,
    event: str = "test",
    incident: str = "",
) -> Delivery:
    """The outcome of a message that was tried once."""
    return Delivery(
        incident=incident,
        channel=channel.name,
        event=event,
        time=time.time(),
        state=DeliveryState.DELIVERED if failure is None else DeliveryState.FAILED,
        reason="" if failure is None else failure.reason,
    )

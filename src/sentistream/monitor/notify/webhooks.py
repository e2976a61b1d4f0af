"""Webhooks: signed messages by POST, as JSON for programs or for Slack, Teams and Discord."""

from __future__ import annotations

import hmac
import json
import time

from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.transports import TIMEOUT, Failure, http_client, post
from sentistream.monitor.notify.webhook_formats import webhook_body, webhook_event
from sentistream.monitor.settings import Webhook

SIGNATURE_HEADER = "X-Sentistream-Signature"
TIMESTAMP_HEADER = "X-Sentistream-Timestamp"


class WebhookTransport:
    """Sends to the address of a webhook.

    Args:
        webhook: The address, its format and its secret.
        timeout: Seconds for connecting, and for a response.
    """

    def __init__(self, webhook: Webhook, *, timeout: float = TIMEOUT) -> None:
        self._webhook = webhook
        self._client = http_client(timeout)

    @property
    def receiver(self) -> str:
        """Scheme and host: the rest of the address is often a secret."""
        return f"{self._webhook.url.scheme}://{self._webhook.url.host}"

    def send(self, notice: Notice) -> Failure | None:
        """Tries once; None if it was accepted."""
        body = json.dumps(webhook_body(notice, self._webhook.format), ensure_ascii=True).encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sentistream-Event": webhook_event(notice),
            "X-Sentistream-Delivery": notice.id,
            TIMESTAMP_HEADER: timestamp,
        }
        if secret := self._webhook.secret.get_secret_value():
            headers[SIGNATURE_HEADER] = sign(secret, timestamp, body)
        return post(
            self._client,
            str(self._webhook.url),
            content=body,
            headers=headers,
            host=self._webhook.url.host or "",
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


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

"""ntfy: messages on phones, through your own server or ntfy.sh.

The format: https://docs.ntfy.sh/publish/#publish-as-json
"""

from __future__ import annotations

import json
from typing import Any

from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.transports import TIMEOUT, Failure, http_client, post
from sentistream.monitor.settings import NtfyTopic
from sentistream.monitor.translation import translator
from sentistream.redaction import host_of

LONGEST = 3000
"""Bytes of a message; ntfy turns more than 4096 into an attachment."""

_URGENT, _NORMAL, _LOW = 4, 3, 2


class NtfyTransport:
    """Publishes to one topic.

    Args:
        topic: The server, the topic and its token.
        timeout: Seconds for connecting, and for a response.
    """

    def __init__(self, topic: NtfyTopic, *, timeout: float = TIMEOUT) -> None:
        self._topic = topic
        self._client = http_client(timeout)

    @property
    def receiver(self) -> str:
        """The server; the topic is a secret."""
        return self._topic.server

    def send(self, notice: Notice) -> Failure | None:
        """Tries once; None if it was accepted."""
        headers = {"Content-Type": "application/json"}
        if token := self._topic.token.get_secret_value():
            headers["Authorization"] = f"Bearer {token}"
        return post(
            self._client,
            f"{self._topic.server.rstrip('/')}/",
            content=json.dumps(self._message(notice)).encode(),
            headers=headers,
            host=host_of(self._topic.server),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _message(self, notice: Notice) -> dict[str, Any]:
        tr = translator(notice.language)
        parts = [notice.text]
        parts += [f"• {line.title} ({line.when})" for line in notice.lines]
        parts.append(notice.when)
        text = "\n".join(part for part in parts if part)
        message: dict[str, Any] = {
            "topic": self._topic.topic.get_secret_value(),
            "title": notice.title,
            "message": text.encode()[:LONGEST].decode(errors="ignore"),
            "priority": _URGENT if notice.is_urgent else _LOW if notice.event == "end" else _NORMAL,
            "tags": ["warning" if notice.is_urgent else "white_check_mark"],
        }
        if notice.link:
            message["click"] = notice.link
        if notice.history:
            label = tr.gettext("These minutes in the history")
            message["actions"] = [{"action": "view", "label": label, "url": notice.history}]
        return message

"""One webhook: a bounded queue, and a thread that delivers from it with patience."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx

from sentistream import __version__
from sentistream.monitor.notify.signature import SIGNATURE, TIMESTAMP, signature
from sentistream.monitor.settings import Webhook

_log = logging.getLogger(__name__)

DEPTH = 100
"""Messages that may wait for one receiver; the oldest are dropped beyond."""

DELAYS = (1.0, 5.0, 25.0, 125.0)
"""Seconds before each further attempt; then the message is given up."""

TIMEOUT = 10.0
"""Seconds for a connection, and for an answer."""

_WORTH_ANOTHER = frozenset({408, 425, 429})


class Delivery:
    """Delivers to one address; a hanging receiver holds up nobody else.

    Args:
        webhook: The address and its secret.
        delays: Seconds before each further attempt.
        timeout: Seconds for a connection, and for an answer.

    Attributes:
        dropped: Messages that found no room.
        failed: Messages that were given up.
        delivered: Messages that were taken.
    """

    def __init__(
        self, webhook: Webhook, *, delays: Sequence[float] = DELAYS, timeout: float = TIMEOUT
    ) -> None:
        self.webhook = webhook
        self.dropped = 0
        self.failed = 0
        self.delivered = 0
        self._delays = tuple(delays)
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._name = f"{webhook.url.scheme}://{webhook.url.host}"
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            # neither proxies nor logins from the environment
            trust_env=False,
            verify=ssl.create_default_context(),
            headers={"User-Agent": f"sentistream/{__version__}"},
        )
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def put(self, event: str, message: Mapping[str, Any]) -> None:
        """Queues a message; never waits."""
        name = uuid4().hex
        body = json.dumps({"event": event, "id": name, **message}).encode()
        with self._changed:
            if len(self._waiting) >= DEPTH:
                self._waiting.popleft()
                self.dropped += 1
                _log.warning(
                    "a message found no room",
                    extra={"receiver": self._name, "dropped": self.dropped},
                )
            self._waiting.append((event, name, body))
            self._changed.notify_all()

    def close(self, timeout: float = 2.0) -> None:
        """Delivers what waits if that is quick, gives up the rest."""
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
                event, name, body = self._waiting[0]
            done = self._deliver(event, name, body)
            with self._changed:
                if done:
                    self.delivered += 1
                elif not self._closed:
                    self.failed += 1
                    _log.warning(
                        "a message was given up",
                        extra={"receiver": self._name, "event": event, "failed": self.failed},
                    )
                if self._waiting and self._waiting[0][1] == name:
                    self._waiting.popleft()
                self._changed.notify_all()
        self._client.close()

    def _deliver(self, event: str, name: str, body: bytes) -> bool:
        """Whether it was taken, after as many attempts as it is worth."""
        for delay in (*self._delays, None):
            outcome = self._attempt(event, name, body)
            if outcome is None:
                return True
            again, reason = outcome
            _log.info("a message was not taken", extra={"receiver": self._name, "reason": reason})
            if not again or delay is None:
                return False
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, delay):
                    return False
        return False

    def _attempt(self, event: str, name: str, body: bytes) -> tuple[bool, str] | None:
        """None when it was taken; else whether it is worth another attempt, and why not."""
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sentistream-Event": event,
            "X-Sentistream-Delivery": name,
            TIMESTAMP: timestamp,
        }
        if secret := self.webhook.secret.get_secret_value():
            headers[SIGNATURE] = signature(secret, timestamp, body)
        try:
            # the answer's body is not read: it may be without end
            with self._client.stream(
                "POST", str(self.webhook.url), content=body, headers=headers
            ) as answer:
                status = answer.status_code
        except httpx.HTTPError as error:
            # the error's text may hold the address
            return True, type(error).__name__
        except Exception as error:
            return False, type(error).__name__
        if 200 <= status < 300:
            return None
        return status >= 500 or status in _WORTH_ANOTHER, f"status {status}"

"""Delivers notices to one receiver in a thread, with retries; it does not delay other ones."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.transports import Failure, Transport
from sentistream.monitor.observations import DeliveryState
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

DEPTH = 100
"""Messages that may wait for one receiver; beyond that the oldest are dropped."""

DELAYS = (1.0, 5.0, 25.0, 125.0)
"""Seconds before each retry; then the message is given up."""

TOO_MANY = Translatable("Too many messages were waiting.")
STOPPED = Translatable("The monitor was stopped, or the channel changed, before it was sent.")

Report = Callable[[Notice, DeliveryState, str, int], None]
"""Called for each notice: its state, the reason, and the number of attempts."""


class DeliveryQueue:
    """Delivers to one receiver in a thread.

    Args:
        transport: The transport; closed with the queue.
        delays: Seconds before each retry.
        report: Called with each notice's outcome, in the queue's thread.

    Attributes:
        dropped: Messages dropped because too many were waiting.
        failed: Messages that were given up.
        delivered: Messages that were accepted.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        delays: Sequence[float] = DELAYS,
        report: Report = lambda notice, state, reason, attempts: None,
    ) -> None:
        self.dropped: int = 0
        self.failed: int = 0
        self.delivered: int = 0
        self._transport = transport
        self._report = report
        self._delays = tuple(delays)
        self._waiting: deque[Notice] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def put(self, notice: Notice) -> None:
        """Queues a notice without waiting."""
        dropped = None
        with self._changed:
            if len(self._waiting) >= DEPTH:
                dropped = self._waiting.popleft()
                self.dropped += 1
                _log.warning(
                    "a message was dropped: too many are waiting",
                    extra={"receiver": self._transport.receiver, "dropped": self.dropped},
                )
            self._waiting.append(notice)
            self._changed.notify_all()
        if dropped is not None:
            self._report(dropped, DeliveryState.DROPPED, TOO_MANY, 0)

    @property
    def waiting(self) -> int:
        """Messages that wait for delivery."""
        return len(self._waiting)

    def close(self, timeout: float = 2.0) -> None:
        """Delivers queued notices within ``timeout`` seconds, gives up the rest."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._closed, timeout)
            self._closed = True
            left = list(self._waiting)
            self._changed.notify_all()
        self._thread.join(min(timeout, 0.5))
        for notice in left:
            self._report(notice, DeliveryState.FAILED, STOPPED, 0)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    break
                notice = self._waiting[0]
            failure, attempts = self._deliver(notice)
            with self._changed:
                if failure is None:
                    self.delivered += 1
                elif not self._closed:
                    self.failed += 1
                    _log.warning(
                        "a message was given up",
                        extra={
                            "receiver": self._transport.receiver,
                            "event": notice.event,
                            "failed": self.failed,
                        },
                    )
                # the oldest may have been dropped meanwhile
                is_ours = bool(self._waiting) and self._waiting[0].id == notice.id
                if is_ours:
                    self._waiting.popleft()
                closed = self._closed
                self._changed.notify_all()
            if failure is None:
                self._report(notice, DeliveryState.DELIVERED, "", attempts)
            elif not closed and is_ours:
                self._report(notice, DeliveryState.FAILED, failure.reason, attempts)
        self._transport.close()

    def _deliver(self, notice: Notice) -> tuple[Failure | None, int]:
        """Why it was not accepted, after retries, and the number of attempts."""
        failure: Failure | None = None
        attempts = 0
        for delay in (*self._delays, None):
            failure = self._attempt(notice)
            attempts += 1
            if failure is None:
                break
            _log.info(
                "a message was not accepted",
                extra={"receiver": self._transport.receiver, "reason": str(failure.reason)},
            )
            if not failure.can_retry or delay is None:
                break
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, delay):
                    break
        return failure, attempts

    def _attempt(self, notice: Notice) -> Failure | None:
        try:
            return self._transport.send(notice)
        except Exception as error:
            # its text may hold secrets
            reason = Translatable("The message failed ({words}).", words=type(error).__name__)
            return Failure(reason, False)

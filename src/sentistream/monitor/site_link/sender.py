"""Sends the outbox's records, in order, until headquarters confirms that they are stored.

New records have a separate queue, so that catching up after weeks offline does not delay them.
Each queue has few messages in flight; while there is no answer, only one is, and it is
repeated with back-off.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sentistream.backoff import Backoff
from sentistream.monitor.fleet.messages import FleetTopics, encode, payload_digest
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.site_link.outbox import Outbox, Waiting

_log = logging.getLogger(__name__)

LIVE_AGE = 180.0
"""Seconds after which a record no longer counts as new."""

WINDOW = 3
"""Most messages in flight in each queue."""

BATCH_RECORDS = 120
BATCH_BYTES = 300_000
"""Records, and bytes of their JSON, in one message."""

ANSWER_TIMEOUT = 30.0
"""Seconds to wait for headquarters' answer before records are resent."""

RETRY_DELAYS = (1.0, 10.0, 60.0, 300.0, 600.0)
"""Seconds between attempts while there is no answer, or while headquarters refuses; the last
repeats."""

OFFSET_SAMPLES = 20
"""Number of answers, the fastest of which determines the clock offset."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    seqs: tuple[int, ...]
    live: bool
    sent: float
    sent_monotonic: float
    digest: str


class Sender:
    """The sending half of a link. Not thread-safe: its caller holds a lock.

    Args:
        outbox: The records to send.
        topics: The fleet's topics.
        site: The site's key.
        publish: Passes a message to the broker; False if it cannot be sent now.
        clock, monotonic: Wall-clock seconds, and those of a monotonic clock.
    """

    def __init__(
        self,
        outbox: Outbox,
        topics: FleetTopics,
        site: str,
        publish: Callable[[str, bytes], bool],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._topic = topics.up(site)
        self._site = site
        self._publish = publish
        self._clock = clock
        self._monotonic = monotonic
        self._under_way: dict[int, _UnderWay] = {}
        self._late: dict[int, _UnderWay] = {}
        self._cursor = {True: 0, False: 0}
        self._backoff = Backoff(RETRY_DELAYS)
        self._paused_until = 0.0
        self._answered = False
        self._samples: list[tuple[float, float]] = []

    @property
    def offset(self) -> float | None:
        """Seconds by which the clock of headquarters is ahead of this one; None if unknown."""
        return min(self._samples)[1] if self._samples else None

    @property
    def is_idle(self) -> bool:
        """Whether no answer is awaited."""
        return not self._under_way

    def pump(self, key: SigningKey) -> None:
        """Sends what may be sent now."""
        self._expire()
        if self._monotonic() < self._paused_until:
            return
        since = self._clock() - LIVE_AGE
        for live in (True, False):
            while self._may_send(live):
                batch = self._next_batch(live, since)
                if not batch or not self._send(batch, live, key):
                    break

    def acknowledged(self, number: int, headquarters_time: float) -> bool:
        """Headquarters has stored a message; whether it was one of ours."""
        found = self._under_way.pop(number, None) or self._late.pop(number, None)
        if found is None:
            return False
        self._outbox.remove(found.seqs)
        trip = self._monotonic() - found.sent_monotonic
        self._samples.append((trip, headquarters_time - found.sent - trip / 2))
        del self._samples[:-OFFSET_SAMPLES]
        self._answered = True
        self._backoff.reset()
        self._paused_until = 0.0
        return True

    def refused(self, number: int, digest: str, *, again: bool) -> bool:
        """Headquarters has refused a message; whether it was one of ours.

        Args:
            number: Of the message.
            digest: Of the refused bytes, so that refusals of forged messages are ignored.
            again: Whether to resend its records immediately instead of after a pause.
        """
        found = self._under_way.get(number) or self._late.get(number)
        if found is None or found.digest != digest:
            return False
        self._restart()
        if not again:
            self._paused_until = self._monotonic() + self._backoff.next_delay()
        return True

    def reconnected(self) -> None:
        """The connection is new: messages in flight may be lost and are resent."""
        self._restart()
        self._backoff.reset()
        self._paused_until = 0.0

    def _may_send(self, live: bool) -> bool:
        if not self._answered:  # one message probes whether there is an answer
            return not self._under_way
        return sum(each.live == live for each in self._under_way.values()) < WINDOW

    def _next_batch(self, live: bool, since: float) -> list[Waiting]:
        span = {"since": since} if live else {"before": since}
        found = self._outbox.waiting(self._cursor[live], BATCH_RECORDS, **span)
        batch: list[Waiting] = []
        size = 0
        for record in found:
            size += len(record.body)
            if batch and size > BATCH_BYTES:
                break
            batch.append(record)
        return batch

    def _send(self, batch: list[Waiting], live: bool, key: SigningKey) -> bool:
        now = self._clock()
        number = self._outbox.next_number(now)
        fields: dict[str, Any] = {
            "site": self._site,
            "n": number,
            "sent": now,
            "kind": "data",
            "live": live,
            "offset": self.offset,
            "waiting": self._outbox.count() - len(batch),
            "dropped": self._outbox.counter("dropped"),
        }
        payload = encode(
            fields | {"records": [json.loads(record.body) for record in batch]}, self._topic, key
        )
        if not self._publish(self._topic, payload):
            return False
        self._under_way[number] = _UnderWay(
            seqs=tuple(record.seq for record in batch),
            live=live,
            sent=now,
            sent_monotonic=self._monotonic(),
            digest=payload_digest(payload),
        )
        self._cursor[live] = batch[-1].seq
        return True

    def _expire(self) -> None:
        oldest = min((each.sent_monotonic for each in self._under_way.values()), default=None)
        if oldest is None or self._monotonic() - oldest < ANSWER_TIMEOUT:
            return
        if self._answered:
            _log.warning("headquarters does not answer; records are kept and sent again")
        self._restart()
        self._paused_until = self._monotonic() + self._backoff.next_delay()

    def _restart(self) -> None:
        """Everything unacknowledged is resent; late answers still count."""
        self._late = dict(list({**self._late, **self._under_way}.items())[-100:])
        self._under_way.clear()
        self._cursor = {True: 0, False: 0}
        self._answered = False

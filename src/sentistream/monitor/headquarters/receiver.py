"""Receives sites' messages, rejects forged ones, stores the rest and answers.

A message is verified in the broker connection's thread and stored in another, many per
transaction; it is answered after the commit, so that a site deletes nothing that is not
stored. New sums have priority over those of sites that are catching up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from sentistream.backoff import Backoff
from sentistream.errors import StorageError
from sentistream.monitor.fleet.messages import (
    FleetTopics,
    UnreadableMessageError,
    decode,
    encode,
    is_supported,
    payload_digest,
    split,
)
from sentistream.monitor.fleet.signatures import SigningKey, is_public_key, is_signed_by
from sentistream.monitor.fleet.time_zones import is_time_zone
from sentistream.monitor.headquarters.fleet_tables import SITES
from sentistream.monitor.headquarters.record_parsing import parse_records
from sentistream.monitor.headquarters.record_storage import (
    SiteMessage,
    site_values,
    store_about,
    store_alerts,
    store_health,
    update_sites,
)
from sentistream.monitor.headquarters.site_registry import SiteRegistry, replace_key, retire
from sentistream.monitor.headquarters.sites import JOINED, LEFT, REMOVED, SiteKeys
from sentistream.monitor.headquarters.sum_storage import SumBatch, SumStorage
from sentistream.monitor.store.database import write_transaction

_log = logging.getLogger(__name__)

MAX_LIVE = 20_000
"""Messages with new sums waiting to be stored; sites must resend further ones."""

MAX_BACKLOG = 500
"""The same for messages of sites that are catching up."""

BATCH_ROWS = 20_000
"""Sums stored in one transaction, about."""

BACKLOG_ROWS = 6_000
"""The most of these from sites that are catching up, while new ones wait."""

BATCH_DELAY = 0.1
"""Seconds to wait for the messages of other sites, to store them in one transaction."""

RELOAD_INTERVAL = 5.0
"""Seconds after which keys changed elsewhere are reloaded."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings about the same site and reason; all are counted."""

ANSWER_INTERVAL = 1.0
"""Seconds between two answers to a site's topic about messages that it did not sign."""

MAX_WARNED = 4096
"""Sites and reasons whose last warning is remembered."""

RETRY_DELAYS = (1.0, 2.0, 5.0, 10.0)
"""Seconds before a failed transaction is retried; the last repeats."""


class Receiver:
    """Takes messages from a broker connection and answers them.

    Args:
        engine: The database.
        topic: What all topics begin with.
        publish: Passes an answer to the broker; False if it cannot be sent now.
        clock: Wall-clock seconds.

    Attributes:
        refused: How many messages were refused, by reason.
        stored: Messages that were stored.
    """

    def __init__(
        self,
        engine: Engine,
        topic: str,
        publish: Callable[[str, bytes], bool],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._topics = FleetTopics(topic)
        self._publish = publish
        self._clock = clock
        self._registry = SiteRegistry(engine)
        self._storage = SumStorage(engine)
        self._key: SigningKey = self._registry.signing_key()
        self._sites: dict[str, SiteKeys] = {}
        self._zones: dict[int, str] = {}
        self._chosen_zones: dict[int, str] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()
        self._live: deque[SiteMessage] = deque()
        self._backlog: deque[SiteMessage] = deque()
        self._arrived = threading.Condition(self._lock)
        self._closing = False
        self._warned: dict[tuple[str, str], float] = {}
        self._answered_strangers: dict[str, float] = {}
        self.refused: Counter[str] = Counter()
        self.stored: int = 0
        self.deferred: int = 0
        self.last_error: str = ""
        self._thread = threading.Thread(target=self._run, name="headquarters", daemon=True)

    @property
    def storage(self) -> SumStorage:
        """Where sums are stored."""
        return self._storage

    @property
    def waiting(self) -> int:
        """Messages that are not stored yet."""
        return len(self._live) + len(self._backlog)

    def start(self) -> None:
        """Starts storing."""
        self._thread.start()

    def close(self, timeout: float = 10.0) -> None:
        """Stores queued messages, and stops."""
        with self._arrived:
            self._closing = True
            self._arrived.notify_all()
        self._thread.join(timeout)

    def reload(self) -> None:
        """Reloads changed sites from now on."""
        self._loaded_at = float("-inf")

    def receive(self, topic: str, payload: bytes) -> None:
        """Verifies a message and queues genuine ones for storage."""
        site = self._topics.site_of(topic)
        try:
            signature, body = split(payload)
        except UnreadableMessageError:
            self._refuse(site, "unreadable")
            return
        known = self._known(site)
        if known is None:
            self._refuse(site, "unknown site")  # no answer: anybody can invent names
            return
        signer, reason = self._signer(known, topic, body, signature)
        if reason:
            self._refuse(site, reason, payload, body)
            return
        try:
            fields = decode(body)
        except UnreadableMessageError:
            self._refuse(site, "unreadable", payload)
            return
        number, kind = fields.get("n"), fields.get("kind")
        if not is_supported(fields.get("v")):
            self._refuse(site, "version", payload, body)
        elif fields.get("site") != site:
            self._refuse(site, "wrong name", payload, body)
        elif type(number) is not int or not 0 <= number < 2**62 or not isinstance(kind, str):
            self._refuse(site, "unreadable", payload)
        elif signer == "previous" and kind != "key":
            self._refuse(site, "old key", payload, body)
        elif signer == "site" and number <= known.last_number:
            self._refuse(site, "replay", payload, body, after=known.last_number)
        else:
            if signer == "site":
                known.last_number = number
            digest, now = payload_digest(payload), self._clock()
            self._accept(SiteMessage(site, known.id, number, kind, fields, now, digest), signer)

    def _known(self, site: str) -> SiteKeys | None:
        now = time.monotonic()
        if now - self._loaded_at > RELOAD_INTERVAL:
            try:
                self._load()
            except StorageError as error:
                self.last_error = str(error)
            self._loaded_at = now
        return self._sites.get(site) if site else None

    def _load(self) -> None:
        found = self._registry.keys()
        for key, site in found.items():
            if key in self._sites:
                # the numbers of queued messages already count
                site.last_number = max(site.last_number, self._sites[key].last_number)
        self._sites = found
        sites = self._registry.sites()
        self._zones = {site.id: site.time_zone for site in sites}
        self._chosen_zones = {site.id: site.time_zone for site in sites if site.chosen_time_zone}

    def _signer(
        self, known: SiteKeys, topic: str, body: bytes, signature: bytes
    ) -> tuple[str, str]:
        """Whose key signed a message, or why it is refused; one of the two is empty."""
        if known.public and is_signed_by(known.public, topic, body, signature):
            return "site", ""
        if known.code and is_signed_by(known.code, topic, body, signature):
            if known.code_expires < self._clock():
                return "", "expired"
            return "code", ""
        for place, key in enumerate(reversed(known.retired)):
            if is_signed_by(key, topic, body, signature):
                if known.state == REMOVED:
                    return "", "removed"
                if place == 0 and known.state == JOINED:
                    return "previous", ""
                return "", "old key"
        return "", "code" if known.state == "invited" else "signature"

    def _refuse(
        self,
        site: str,
        reason: str,
        payload: bytes = b"",
        body: bytes = b"",
        **details: int,
    ) -> None:
        self.refused[reason] += 1
        now = time.monotonic()
        if now - self._warned.get((site, reason), float("-inf")) >= WARNING_INTERVAL:
            if len(self._warned) >= MAX_WARNED:
                self._warned.clear()
            self._warned[site, reason] = now
            _log.warning(
                "a message was refused: %s (site %r, %d so far)",
                reason,
                site[:40],
                self.refused[reason],
            )
        if not body or now - self._answered_strangers.get(site, float("-inf")) < ANSWER_INTERVAL:
            return
        self._answered_strangers[site] = now
        try:
            number = decode(body).get("n")
        except UnreadableMessageError:
            return
        if type(number) is int:
            digest = payload_digest(payload)
            self._answer(site, "refused", number, reason=reason, digest=digest, **details)

    def _answer(self, site: str, kind: str, number: int, **fields: Any) -> None:
        topic = self._topics.down(site)
        values = {"site": site, "kind": kind, "of": number, "time": self._clock(), **fields}
        self._publish(topic, encode(values, topic, self._key))

    def _accept(self, message: SiteMessage, signer: str) -> None:
        if signer == "code" and message.kind != "join":
            self._refuse(message.site, "code")
            return
        if message.kind == "data":
            records = parse_records(message.fields.get("records"), message.received)
            message = SiteMessage(
                message.site,
                message.site_id,
                message.number,
                message.kind,
                message.fields,
                message.received,
                message.digest,
                records,
            )
        queue, most = (self._live, MAX_LIVE) if message.is_live else (self._backlog, MAX_BACKLOG)
        with self._arrived:
            if len(queue) >= most:
                self.deferred += 1  # not answered: the site resends it
                return
            queue.append(message)
            self._arrived.notify_all()

    def _run(self) -> None:
        backoff = Backoff(RETRY_DELAYS)
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._live or self._backlog or self._closing, 1.0)
                if self._closing and not (self._live or self._backlog):
                    return
                if not self._closing:
                    self._arrived.wait(BATCH_DELAY)
                batch = self._take()
            if not batch:
                continue
            try:
                self._store(batch)
                backoff.reset()
                self.last_error = ""
            except StorageError as error:
                if self.last_error != str(error):
                    _log.warning("%s Sites keep what they have sent.", error)
                self.last_error = str(error)
                with self._arrived:
                    self._put_back(batch)
                    if self._closing:
                        return  # the sites still have it
                    self._arrived.wait_for(lambda: self._closing, backoff.next_delay())

    def _take(self) -> list[SiteMessage]:
        batch: list[SiteMessage] = []
        rows = 0
        while self._live and rows < BATCH_ROWS:
            batch.append(self._live.popleft())
            rows += _rows(batch[-1])
        limit = rows + BACKLOG_ROWS if batch else BATCH_ROWS
        while self._backlog and rows < limit:
            batch.append(self._backlog.popleft())
            rows += _rows(batch[-1])
        return batch

    def _put_back(self, batch: Sequence[SiteMessage]) -> None:
        for message in reversed(batch):
            (self._live if message.is_live else self._backlog).appendleft(message)

    def _store(self, batch: Sequence[SiteMessage]) -> None:
        """Stores messages and answers them; if one cannot be stored, the others still are.

        Raises:
            StorageError: The database cannot be used; nothing is stored.
        """
        try:
            answers = self._store_together(batch)
        except StorageError:
            self._storage.forget()
            raise
        except (SQLAlchemyError, ValueError, KeyError, TypeError) as error:
            self._storage.forget()
            if len(batch) > 1:
                for message in batch:
                    self._store([message])
                return
            _log.error("a message of %s cannot be stored: %s", batch[0].site, type(error).__name__)
            self.refused["not storable"] += 1
            answers = [(batch[0], "ack", {"discarded": _rows(batch[0])})]
        self.stored += len(batch)
        for message, kind, fields in answers:
            if kind == "refused":
                fields["digest"] = message.digest
            self._answer(message.site, kind, message.number, **fields)

    def _store_together(
        self, batch: Sequence[SiteMessage]
    ) -> list[tuple[SiteMessage, str, dict[str, Any]]]:
        answers = []
        changed = False
        with write_transaction(self._engine) as connection:
            data = [message for message in batch if message.kind == "data"]
            self._store_data(connection, data)
            for message in batch:
                if message.kind == "data":
                    known = self._sites.get(message.site)
                    fields: dict[str, Any] = {}
                    if known is not None and known.renew_key:
                        fields["renew_key"] = True
                    if message.records is not None and message.records.discarded:
                        fields["discarded"] = message.records.discarded
                    answers.append((message, "ack", fields))
                else:
                    answers.append((message, *self._handle(connection, message)))
                    changed = True
        if changed:
            with self._lock:
                self._load()
        return answers

    def _store_data(self, connection: Connection, data: Sequence[SiteMessage]) -> None:
        sums: dict[int, list[Any]] = {}
        newest: dict[int, SiteMessage] = {}
        minutes: dict[int, int] = {}
        discarded: Counter[int] = Counter()
        for message in data:
            records, site_id = message.records, message.site_id
            assert records is not None  # noqa: S101
            sums.setdefault(site_id, []).extend(records.sums)
            discarded[site_id] += records.discarded
            if site_id not in newest or newest[site_id].number < message.number:
                newest[site_id] = message
            minutes[site_id] = max([minutes.get(site_id, 0), *(one.begin for one in records.sums)])
        for site_id, zone in store_about(connection, data).items():
            self._zones[site_id] = self._chosen_zones.get(site_id) or zone
        store_health(connection, data)
        store_alerts(connection, data)
        self._storage.store(
            connection,
            [
                SumBatch(site_id, self._zones.get(site_id, "UTC"), found)
                for site_id, found in sums.items()
            ],
        )
        values = [
            site_values(site_id, message, minutes[site_id], discarded[site_id])
            for site_id, message in sorted(newest.items())
        ]
        if values:
            update_sites(connection, values)

    def _handle(self, connection: Connection, message: SiteMessage) -> tuple[str, dict[str, Any]]:
        """Joining, leaving, a new key: the answer's kind and fields."""
        row = connection.execute(select(SITES).where(SITES.c.id == message.site_id)).first()
        public = message.fields.get("public")
        if row is None or row.state == REMOVED:
            return "refused", {"reason": "removed"}
        if message.kind == "join" and is_public_key(public):
            if row.code_used_by not in ("", public):
                self._refuse(message.site, "code")
                return "refused", {"reason": "code"}
            if row.code_used_by == "":
                replace_key(connection, row.id, str(public), message.received)
                zone = str(message.fields.get("time_zone", ""))
                connection.execute(
                    update(SITES)
                    .where(SITES.c.id == row.id)
                    .values(
                        state=JOINED,
                        joined=message.received,
                        code_used_by=public,
                        last_seen=message.received,
                        time_zone=zone if is_time_zone(zone) else "UTC",
                        program=str(message.fields.get("program", ""))[:40],
                    )
                )
                _log.info("site %s has joined", message.site)
            return "joined", {}
        if message.kind == "leave":
            retire(connection, row.id, LEFT)
            _log.info("site %s has left", message.site)
            return "left", {}
        if message.kind == "key" and is_public_key(public):
            if row.public_key != public:
                replace_key(connection, row.id, str(public), message.received)
                _log.info("site %s has a new key", message.site)
            return "key-replaced", {}
        return "refused", {"reason": "kind"}


def _rows(message: SiteMessage) -> int:
    return 1 if message.records is None else 1 + len(message.records.sums)

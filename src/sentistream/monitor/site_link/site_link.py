"""The link of a running monitor: collects sums, states and alerts, and sends them."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sentistream import __version__
from sentistream.errors import SentistreamError, StorageError
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.display_names import display_names
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.fleet.broker_connection import BrokerConnection
from sentistream.monitor.fleet.messages import FleetTopics, encode, payload_digest
from sentistream.monitor.fleet.records import about_record, alert_record, health_record
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.fleet.time_zones import local_time_zone
from sentistream.monitor.observations import Alert, CameraHealth
from sentistream.monitor.site_link.joining import read_answer
from sentistream.monitor.site_link.link_state import LINK_FILE, LinkState, read_link, write_link
from sentistream.monitor.site_link.outbox import OUTBOX_FILE, Outbox
from sentistream.monitor.site_link.sender import ANSWER_TIMEOUT, RETRY_DELAYS, Sender
from sentistream.monitor.site_link.sum_collector import MinuteSums, SumCollector
from sentistream.monitor.subscriber import Subscriber

_log = logging.getLogger(__name__)

QUEUE_DEPTH = 4096
"""Most events waiting to be put into the outbox."""

INTERVAL = 0.5
"""Seconds between two checks of the outbox."""

COLLECT_INTERVAL = 5.0
"""Seconds between two checks for finished minutes."""

HEALTH_INTERVAL = 300.0
"""Seconds after which a camera's state is sent even if it has not changed."""

PRUNE_INTERVAL = 3600.0

KEY_DAYS = 90
"""Days after which the site generates a new key."""

CLOCK_TOLERANCE = 30.0
"""Seconds by which the clock may differ from that of headquarters without a warning."""

_STOP = frozenset({"removed"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """The link's state for the page.

    Attributes:
        link: Where the site has joined; None if nowhere.
        connected: Whether the broker is connected now.
        waiting: Records that headquarters has not stored yet.
        oldest: Wall-clock seconds of the oldest of them; None if nothing waits.
        dropped: Records that were lost because they waited too long.
        answered: Wall-clock seconds of the newest answer of headquarters; None before the first.
        offset: Seconds by which headquarters' clock is ahead; None if unknown.
        problem: What is wrong, as a sentence for the owner; empty if nothing is.
    """

    link: LinkState | None
    connected: bool = False
    waiting: int = 0
    oldest: float | None = None
    dropped: int = 0
    answered: float | None = None
    offset: float | None = None
    problem: str = ""


class SiteLink(Subscriber):
    """Sends to the headquarters named in the state folder; does nothing if there is none.

    Joining and leaving write that file; this notices changes within a second.

    Args:
        bus: Where states and alerts come from.
        configuration: The settings, which may change while it runs.
        store: Where sums come from.
        state: The state folder.
        clock: Wall-clock seconds.
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        store: MinuteSums,
        *,
        state: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            bus, [CameraHealth, Alert], name="site-link", depth=QUEUE_DEPTH, interval=INTERVAL
        )
        self.state = state
        self._configuration = configuration
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._stamp: tuple[int, int] | None = None
        self._link: LinkState | None = None
        self._outbox: Outbox | None = None
        self._collector: SumCollector | None = None
        self._sender: Sender | None = None
        self._connection: BrokerConnection | None = None
        self._key: SigningKey | None = None
        self._health: dict[str, tuple[float, CameraHealth]] = {}
        self._about: dict[str, Any] = {}
        self._collect_at = self._prune_at = 0.0
        self._key_question: tuple[int, str, float] | None = None
        self._answered: float | None = None
        self._said_offset = False
        self._problem = ""

    @property
    def link(self) -> LinkState | None:
        """Where the site has joined, as last read; None if nowhere."""
        return self._link

    @property
    def status(self) -> LinkStatus:
        """The link now."""
        with self._lock:
            if self._link is None or self._outbox is None:
                return LinkStatus(link=self._link, problem=self._problem)
            try:
                waiting, oldest = self._outbox.count(), self._outbox.oldest()
                dropped = self._outbox.counter("dropped")
            except StorageError as error:
                return LinkStatus(link=self._link, problem=error.message)
            connection = self._connection
            return LinkStatus(
                link=self._link,
                connected=connection is not None and connection.is_connected,
                waiting=waiting,
                oldest=oldest,
                dropped=dropped,
                answered=self._answered,
                offset=self._sender.offset if self._sender is not None else None,
                problem=self._problem or ("" if connection is None else connection.problem),
            )

    def handle(self, event: Event) -> None:
        """Puts a changed state or an alert into the outbox."""
        with self._lock:
            settings = self._configuration.settings
            if not self._is_active() or self._outbox is None:
                return
            if isinstance(event, CameraHealth) and is_own_camera(event.camera, settings):
                self._put_health(event)
            elif isinstance(event, Alert) and is_own_camera(event.camera, settings):
                self._outbox.put(alert_record(event), self._clock())

    def report_ends(self, ends: Iterable[Alert]) -> None:
        """Reports the ends of alerts that an earlier run, which was killed, left open."""
        with self._lock:
            self._reload()
            for end in ends:
                self.handle(end)

    def tick(self) -> None:
        """Notices joining and leaving; collects and sends."""
        with self._lock:
            self._reload()
            if not self._is_active():
                return
            try:
                self._collect()
            except StorageError as error:
                self._problem = error.message
            self._pump()

    def finish(self) -> None:
        """Closes the connection; what waits stays in the outbox."""
        with self._lock:
            self._disconnect()

    def renew_key(self) -> None:
        """Generates a new key and has headquarters replace the old one."""
        with self._lock:
            if self._link is not None and self._link.joined is not None and not self._link.next_key:
                self._save(next_key=SigningKey.generate().seed)

    def _is_active(self) -> bool:
        link = self._link
        return link is not None and link.joined is not None and link.refused not in _STOP

    def _reload(self) -> None:
        path = self.state / LINK_FILE
        try:
            found = path.stat()
            stamp: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            stamp = None
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            link = read_link(self.state)
        except SentistreamError as error:
            self._problem = error.message
            _log.error("%s", error)
            return
        before, self._link = self._link, link
        if before is not None and link is not None and _same_connection(before, link):
            self._key = SigningKey(link.key)
            return
        self._disconnect()
        self._problem = ""
        if link is not None and link.joined is not None:
            self._connect(link)

    def _connect(self, link: LinkState) -> None:
        topics = FleetTopics(link.topic)
        outbox = self._outbox = Outbox(self.state / OUTBOX_FILE)
        self._collector = SumCollector(self._store, outbox)
        self._key = SigningKey(link.key)
        self._sender = Sender(outbox, topics, link.site, self._publish, clock=self._clock)
        self._about, self._health, self._collect_at = {}, {}, 0.0
        if link.refused in _STOP:
            return
        self._connection = BrokerConnection(
            link.broker,
            client_id=link.site,
            subscriptions=[topics.down(link.site)],
            on_message=self._receive,
            on_connected=self._connected,
        )

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # its thread may be waiting for our lock
            threading.Thread(target=connection.close, daemon=True, name="fleet-close").start()
        if self._outbox is not None:
            self._outbox.close()
        self._outbox = self._collector = self._sender = self._key = None
        self._key_question, self._answered = None, None

    def _publish(self, topic: str, payload: bytes) -> bool:
        return self._connection is not None and self._connection.publish(topic, payload)

    def _connected(self) -> None:
        with self._lock:
            if self._sender is not None:
                self._sender.reconnected()

    def _collect(self) -> None:
        assert self._outbox is not None and self._collector is not None  # noqa: S101
        now, settings = self._clock(), self._configuration.settings
        if time.monotonic() < self._collect_at:
            return
        self._collect_at = time.monotonic() + COLLECT_INTERVAL
        about = about_record(local_time_zone(), __version__, display_names(settings, self.bus))
        if about != self._about:
            self._outbox.put(about, now, replaces="about")
            self._about = about
        for health in self.bus.health():
            if is_own_camera(health.camera, settings):
                self._put_health(health)
        keys = frozenset(about["cameras"])
        self._collector.collect(now, keys)
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_INTERVAL
            if dropped := self._outbox.prune(now):
                _log.warning("%d records for headquarters were dropped: too old", dropped)
        link = self._link
        if link is not None and now - link.key_made > KEY_DAYS * 86_400:
            self.renew_key()

    def _put_health(self, health: CameraHealth) -> None:
        """Puts a state into the outbox if it has changed, or was not sent for a while."""
        assert self._outbox is not None  # noqa: S101
        now = self._clock()
        known = self._health.get(health.camera)
        if known is not None:
            put, before = known
            same = (before.state, before.reason) == (health.state, health.reason)
            if same and 0 <= now - put < HEALTH_INTERVAL:
                return
        self._health[health.camera] = (now, health)
        self._outbox.put(health_record(health), now, replaces=f"health {health.camera}")

    def _pump(self) -> None:
        link, sender, key = self._link, self._sender, self._key
        if link is None or sender is None or key is None:
            return
        if link.next_key:
            # data signed with the old key must arrive before it is replaced
            if sender.is_idle:
                self._ask_for_new_key(link, key)
            return
        sender.pump(key)

    def _ask_for_new_key(self, link: LinkState, key: SigningKey) -> None:
        assert self._outbox is not None  # noqa: S101
        now = time.monotonic()
        if self._key_question is not None and now < self._key_question[2] + ANSWER_TIMEOUT:
            return
        topic, number = (
            FleetTopics(link.topic).up(link.site),
            self._outbox.next_number(self._clock()),
        )
        fields = {
            "site": link.site,
            "n": number,
            "sent": self._clock(),
            "kind": "key",
            "public": SigningKey(link.next_key).public,
        }
        payload = encode(fields, topic, key)
        if self._publish(topic, payload):
            self._key_question = (number, payload_digest(payload), now)

    def _receive(self, topic: str, payload: bytes) -> None:
        with self._lock:
            link, sender = self._link, self._sender
            if link is None or sender is None:
                return
            answer = read_answer(link, topic, payload)
            if answer is None:
                _log.warning("a message that headquarters did not sign was ignored")
                return
            kind, number = answer.get("kind"), answer.get("of")
            if not isinstance(number, int):
                return
            if kind == "ack":
                self._handle_ack(sender, number, answer)
            elif kind == "key-replaced":
                self._handle_new_key(number)
            elif kind == "refused":
                self._handle_refusal(sender, number, answer)
            self._pump()

    def _handle_ack(self, sender: Sender, number: int, answer: dict[str, Any]) -> None:
        moment = answer.get("time")
        if not isinstance(moment, int | float) or not sender.acknowledged(number, float(moment)):
            return
        self._answered = self._clock()
        self._problem = ""
        if self._link is not None and self._link.refused:
            _log.info("headquarters takes messages again")
            self._save(refused="")
        if answer.get("renew_key"):
            self.renew_key()
        offset = sender.offset or 0.0
        if abs(offset) > CLOCK_TOLERANCE and not self._said_offset:
            _log.warning(
                "the clock of this machine differs from that of headquarters by %.0f s", offset
            )
        self._said_offset = abs(offset) > CLOCK_TOLERANCE

    def _handle_new_key(self, number: int) -> None:
        if self._key_question is None or self._key_question[0] != number or self._link is None:
            return
        self._key_question = None
        _log.info("headquarters has replaced this site's key")
        self._save(key=self._link.next_key, key_made=self._clock(), next_key="")

    def _handle_refusal(self, sender: Sender, number: int, answer: dict[str, Any]) -> None:
        reason, digest = str(answer.get("reason")), str(answer.get("digest"))
        question = self._key_question
        if question is not None and question[:2] == (number, digest):
            self._key_question = (number, digest, time.monotonic() + RETRY_DELAYS[-1])
        elif not sender.refused(number, digest, again=reason == "replay"):
            return
        if reason == "replay":
            after = answer.get("after")
            if isinstance(after, int) and self._outbox is not None:
                self._outbox.set_counter("number", max(self._outbox.counter("number"), after))
            return
        if self._link is not None and self._link.refused != reason:
            _log.warning("headquarters refuses this site's messages: %s", reason)
            self._save(refused=reason)

    def _save(self, **changes: Any) -> None:
        """Changes the link, unless the site has left or joined again meanwhile."""
        link = self._link
        if link is None:
            return
        changed = dataclasses.replace(link, **changes)
        try:
            now = read_link(self.state)
            if now is None or (now.site, now.joined) != (link.site, link.joined):
                return
            write_link(self.state, changed)
            found = (self.state / LINK_FILE).stat()
            self._stamp = (found.st_mtime_ns, found.st_ino)
        except (SentistreamError, OSError) as error:
            _log.warning("%s", error)
        self._link = changed
        self._key = SigningKey(changed.key)


def _same_connection(one: LinkState, other: LinkState) -> bool:
    changeable: dict[str, Any] = {"key": "", "next_key": "", "key_made": 0.0, "refused": ""}
    return dataclasses.replace(one, **changeable) == dataclasses.replace(other, **changeable)

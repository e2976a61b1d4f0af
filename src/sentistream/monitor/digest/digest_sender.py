"""Sends digests on schedule and on demand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from sentistream.errors import InputError, StorageError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.digest.digest_content import (
    Digest,
    DigestPeriod,
    digest_key,
    last_day_of,
    make_digest,
)
from sentistream.monitor.digest.digest_mail import digest_notice
from sentistream.monitor.display_names import DisplayNames, display_names
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Store
from sentistream.monitor.notify.channels import NotificationChannel, delivery_of
from sentistream.monitor.notify.smtp import SmtpTransport
from sentistream.monitor.notify.transports import TIMEOUT
from sentistream.monitor.observations import Delivery, DeliveryState
from sentistream.monitor.settings import DigestSettings, Settings
from sentistream.monitor.translation import translator

_log = logging.getLogger(__name__)

POLL_INTERVAL = 30.0
"""Seconds between two checks of the clock."""

RETRY_DELAY = 900.0
"""Seconds after which a digest that could not be sent is retried."""

CATCH_UP = timedelta(days=2)
"""A digest that was missed because the monitor was not running is sent up to this much later."""


def send_digest(
    period: DigestPeriod,
    day: date,
    *,
    store: Store,
    settings: Settings,
    names: DisplayNames,
    page: str,
    now: float,
    timeout: float = TIMEOUT,
) -> Delivery:
    """Makes a digest and sends it, once.

    Args:
        period: A week or a month.
        day: Any day in it.
        store: The readings and alerts.
        settings: The current settings.
        names: The display names; the cameras among them are reported.
        page: The monitor's address, without a slash at its end.
        now: Wall-clock seconds (UTC).
        timeout: Seconds for connecting to the mail server, and for each answer.

    Returns:
        The outcome.

    Raises:
        InputError: There is no mail server in the settings.
        StorageError: The database does not answer.
    """
    require_mail_server(settings)
    digest = make_digest(
        period,
        day,
        store=store,
        settings=settings,
        names=names,
        now=now,
        tr=translator(settings.language),
    )
    return send_made_digest(digest, settings, page=page, timeout=timeout)


def require_mail_server(settings: Settings) -> None:
    """Checks that digests can be sent.

    Raises:
        InputError: There is no mail server in the settings.
    """
    if not settings.email.host:
        raise InputError("There is no mail server to send it with.", "Set it up under E-mail.")


def send_made_digest(
    digest: Digest,
    settings: Settings,
    *,
    page: str,
    recipients: Sequence[str] | None = None,
    key: str = "",
    timeout: float = TIMEOUT,
) -> Delivery:
    """Sends a digest, once.

    Args:
        digest: The digest.
        settings: Name the mail server.
        page: The monitor's address, without a slash at its end.
        recipients: Where to; by default those of the settings.
        key: Names it in the log of deliveries; by default its own.
        timeout: Seconds for connecting to the mail server, and for each answer.
    """
    email = settings.email
    given = settings.digest.recipients if recipients is None else tuple(recipients)
    transport = SmtpTransport(email, recipients=given, timeout=timeout)
    failure = transport.send(digest_notice(digest, page=page))
    channel = NotificationChannel("email", "email", f"E-mail ({email.host})", email)
    return delivery_of(channel, failure, event="digest", incident=key or digest.key)


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest that is due.

    Attributes:
        period: Which kind.
        day: Its last day.
    """

    period: DigestPeriod
    day: date

    @property
    def key(self) -> str:
        """The name of its period."""
        return digest_key(self.period, self.day)


@dataclass(frozen=True, slots=True)
class OutgoingDigest:
    """A digest for some recipients, made when it is sent.

    Attributes:
        key: Names it in the log of deliveries, by which it is sent once.
        recipients: Where to; None for those of the settings.
        make: Makes it.
    """

    key: str
    recipients: tuple[str, ...] | None
    make: Callable[[], Digest]


Edition = Callable[[DueDigest, Settings, float], Iterable[OutgoingDigest]]
"""Returns the digests to send when one is due, from the settings and the time."""


def due_digests(settings: DigestSettings, now: float) -> Iterator[DueDigest]:
    """The digests that were due within ``CATCH_UP`` before now."""
    local = datetime.fromtimestamp(now)
    for period, is_wanted in (("week", settings.weekly), ("month", settings.monthly)):
        if not is_wanted:
            continue
        kind: DigestPeriod = "week" if period == "week" else "month"
        day = last_day_of(kind, now)
        due = datetime.combine(day + timedelta(days=1), settings.send_at)
        if due <= local < due + CATCH_UP:
            yield DueDigest(kind, day)


class DigestSender:
    """Sends each digest once, in its own thread; a context manager.

    Which were sent is read from the log of deliveries, so that a restart sends none again.

    Args:
        bus: Where deliveries are published.
        store: The readings, the alerts and the log of deliveries.
        configuration: The settings, which may change while it runs.
        page: Returns the monitor's address.
        edition: The digests to send; by default that of the monitor's own cameras.
        clock: Wall-clock seconds (UTC).
        timeout: Seconds for connecting to the mail server.
    """

    def __init__(
        self,
        bus: EventBus,
        store: Store,
        configuration: Configuration,
        *,
        page: Callable[[], str] = lambda: "",
        edition: Edition | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT,
    ) -> None:
        self._bus = bus
        self._store = store
        self._configuration = configuration
        self._page = page
        self._edition = edition or self.own_edition
        self._clock = clock
        self._timeout = timeout
        self._sent: set[str] = set()
        self._next_try: dict[str, float] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digests", daemon=True)

    def run_due(self) -> None:
        """Sends due digests that have not been sent."""
        now, settings = self._clock(), self._configuration.settings
        for due in due_digests(settings.digest, now):
            try:
                for digest in self._edition(due, settings, now):
                    self._send_once(digest, settings, now)
            except StorageError as error:
                _log.warning("a digest could not be made: %s", error)

    def own_edition(
        self, due: DueDigest, settings: Settings, now: float
    ) -> Iterator[OutgoingDigest]:
        """The digest of the monitor's own cameras."""
        names = display_names(settings, self._bus)
        yield OutgoingDigest(
            due.key,
            None,
            lambda: make_digest(
                due.period,
                due.day,
                store=self._store,
                settings=settings,
                names=names,
                now=now,
                tr=translator(settings.language),
            ),
        )

    def _send_once(self, digest: OutgoingDigest, settings: Settings, now: float) -> None:
        if digest.key in self._sent or now < self._next_try.get(digest.key, 0.0):
            return
        self._next_try[digest.key] = now + RETRY_DELAY
        if self._was_sent(digest.key):
            return
        require_mail_server(settings)
        delivery = send_made_digest(
            digest.make(),
            settings,
            page=self._page().rstrip("/"),
            recipients=digest.recipients,
            key=digest.key,
            timeout=self._timeout,
        )
        self._bus.publish(delivery)
        if delivery.state is DeliveryState.DELIVERED:
            self._sent.add(digest.key)
            _log.info("a digest was sent", extra={"period": digest.key})
        else:
            _log.warning(
                "a digest was not sent",
                extra={"period": digest.key, "reason": str(delivery.reason)},
            )

    def _was_sent(self, key: str) -> bool:
        found = self._store.deliveries(incident=key)
        if any(each.state is DeliveryState.DELIVERED for each in found):
            self._sent.add(key)
        return key in self._sent

    def _run(self) -> None:
        while not self._closing.wait(POLL_INTERVAL):
            try:
                self.run_due()
            except Exception:
                _log.exception("a digest failed")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(5)

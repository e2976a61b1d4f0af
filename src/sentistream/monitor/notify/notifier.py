"""Notifies people of alerts through all configured channels."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sentistream.errors import StorageError
from sentistream.monitor.cameras.zones import is_within
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.display_names import DisplayNames, display_names
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.interfaces import HeldAlertStore
from sentistream.monitor.notify.channels import NotificationChannel, channels, transport_for
from sentistream.monitor.notify.delivery_queue import DELAYS, STOPPED, TOO_MANY, DeliveryQueue
from sentistream.monitor.notify.held_alerts import HeldAlerts
from sentistream.monitor.notify.notices import Notice, alert_notice, summary_notice
from sentistream.monitor.notify.transports import TIMEOUT
from sentistream.monitor.notify.webhook_formats import alert_event
from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    AlertKind,
    Delivery,
    DeliveryState,
)
from sentistream.monitor.settings import Hours, Settings
from sentistream.monitor.subscriber import Subscriber
from sentistream.monitor.translation import Translator, translator
from sentistream.translatable import Translatable

SHUTDOWN_TIMEOUT = 2.0
"""Seconds for all deliveries when the monitor stops."""

MAX_HELD = 500
"""Starts and ends held until quiet hours end; beyond that the oldest are dropped."""

MAX_AT_ONCE = 10
"""Messages about single alerts that a channel gets within ``AT_ONCE_SECONDS``; the next ones are
held for as long and combined: when an internet provider fails, a headquarters has hundreds."""

AT_ONCE_SECONDS = 60.0

MANY = Translatable("There were many at once; they are in one message.")
QUIET = Translatable("Quiet hours.")
NO_CHANNEL = Translatable("This channel no longer exists.")
NEXT_START = Translatable("It was under way when the monitor stopped; the next start sends it.")


@dataclass(slots=True)
class _Open:
    """An alert that has started and not ended."""

    alert: Alert
    reminded: float
    acknowledged: bool = False


@dataclass(slots=True)
class _Outlet:
    """A channel with its queue."""

    channel: NotificationChannel
    queue: DeliveryQueue
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_AT_ONCE))
    """When the newest messages about single alerts were sent."""
    many: bool = False
    """Whether some are held because there were too many at once."""

    def is_busy(self, now: float) -> bool:
        """Whether so many were sent recently that further ones are combined.

        Only for people: a program (a webhook of the format ``json``) gets each separately.
        """
        if getattr(self.channel.settings, "format", "") == "json":
            return False
        return len(self.sent) == MAX_AT_ONCE and 0 <= now - self.sent[0] < AT_ONCE_SECONDS


class Notifier(Subscriber):
    """Sends each channel its alerts: starts, ends, reminders, and held ones.

    Messages in quiet hours, of the channel or of the rule, are dropped, or held and sent
    afterwards in one message, according to the channel's settings, even after a restart. Many at
    once are also combined in one message. Each outcome is published as a ``Delivery``.

    Args:
        bus: Where alerts come from and deliveries go to.
        configuration: The settings, which may change while it runs.
        page: Returns the monitor's address, for links.
        history: Returns the path of an alert's minutes in the history; empty for none.
        store: Keeps held alerts, and knows how alerts have ended; None for memory only.
        delays: Seconds before each retry of a message.
        timeout: Seconds for connecting, and for a response.
        clock: Wall-clock seconds (UTC).
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        *,
        page: Callable[[], str] = lambda: "",
        history: Callable[[Alert], str] = lambda alert: "",
        store: HeldAlertStore | None = None,
        delays: Sequence[float] = DELAYS,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(bus, [Alert, Acknowledgement], name="notifier")
        self._configuration = configuration
        self._settings: Settings | None = None
        self._page = page
        self._history = history
        self._delays = delays
        self._timeout = timeout
        self._clock = clock
        self._store = store
        self._held = HeldAlerts(store)
        self._open: dict[str, _Open] = {}
        self._outlets: dict[str, _Outlet] = {}

    @property
    def queues(self) -> dict[str, DeliveryQueue]:
        """The queue of each channel, by key."""
        return {key: outlet.queue for key, outlet in self._outlets.items()}

    def start(self) -> None:
        """Starts the queues, loads the alerts held by an earlier run, and subscribes."""
        self._reload_settings()
        super().start()

    def handle(self, event: Event) -> None:
        """Sends an alert; records who acknowledged one."""
        self._reload_settings()
        if isinstance(event, Acknowledgement):
            if event.incident in self._open:
                self._open[event.incident].acknowledged = True
        elif isinstance(event, Alert):
            began = None
            if event.active:
                self._open[event.incident] = _Open(event, self._clock())
            elif (known := self._open.pop(event.incident, None)) is not None:
                began = known.alert.time
            self._tell(event, began)

    def tick(self) -> None:
        """Applies changed settings, sends reminders, and alerts held by quiet hours."""
        self._reload_settings()
        now = self._clock()
        for each in self._open.values():
            minutes = self._reminder_minutes(each.alert)
            if minutes and not each.acknowledged and now - each.reminded >= minutes * 60:
                each.reminded = now
                self._remind(each.alert, now)
        self._held.save()
        for dropped in self._held.drop_others(self._outlets):
            self._report(dropped.channel, dropped.alert, DeliveryState.DROPPED, NO_CHANNEL)
        for outlet in self._outlets.values():
            self._release(outlet, now)

    def finish(self) -> None:
        """Delivers the queues within ``SHUTDOWN_TIMEOUT``, gives up the rest except held alerts."""
        end = time.monotonic() + SHUTDOWN_TIMEOUT
        for outlet in self._outlets.values():
            outlet.queue.close(max(0.0, end - time.monotonic()))
        self._held.save()

    def _tell(self, alert: Alert, began: float | None) -> None:
        now = self._clock()
        for outlet in self._interested(alert):
            channel = outlet.channel.settings
            key = outlet.channel.key
            # a start that is sent later must not suggest that the alert is still active
            if not (alert.active or channel.ends or self._held.holds_start(key, alert.incident)):
                continue
            is_quiet = self._is_quiet(outlet, alert, now)
            if not is_quiet and not outlet.is_busy(now):
                outlet.sent.append(now)
                outlet.queue.put(self._notice(alert, began=began))
            elif is_quiet and channel.after_quiet_hours == "drop":
                self._report(outlet.channel.name, alert, DeliveryState.DROPPED, QUIET)
            else:
                outlet.many = outlet.many or not is_quiet
                self._held.add(key, alert)
                reason = QUIET if is_quiet else MANY
                self._report(outlet.channel.name, alert, DeliveryState.HELD, reason)
                for oldest in self._held.drop_oldest(key, MAX_HELD):
                    self._report(outlet.channel.name, oldest, DeliveryState.DROPPED, TOO_MANY)

    def _remind(self, alert: Alert, now: float) -> None:
        for outlet in self._interested(alert):
            if not self._is_quiet(outlet, alert, now):
                outlet.queue.put(self._notice(alert, reminder=True))

    def _release(self, outlet: _Outlet, now: float) -> None:
        """Sends the held alerts that may be sent now, in one message."""
        key = outlet.channel.key
        held = self._held.waiting(key)
        free = [alert for alert in held if not self._is_quiet(outlet, alert, now)]
        if not free or outlet.is_busy(now):
            return
        due = [*free, *self._ends_of(free)]
        if len(due) == 1:
            notice = self._notice(due[0])
        else:
            notice = summary_notice(
                due, self._names(), self._tr(), page=self._base(), many=outlet.many
            )
        outlet.many = False
        self._held.take(key, free, notice.id)
        outlet.queue.put(notice)

    def _ends_of(self, alerts: Sequence[Alert]) -> Iterable[Alert]:
        """The ends of alerts that ended while the monitor was not running."""
        ended = {alert.incident for alert in alerts if not alert.active}
        for alert in alerts:
            if alert.incident in ended or alert.incident in self._open or self._store is None:
                continue
            with suppress(StorageError):
                found = self._store.alerts(incident=alert.incident)
                yield from (each for each in found if not each.active)

    def _interested(self, alert: Alert) -> Iterable[_Outlet]:
        event = alert_event(alert)
        return [each for each in self._outlets.values() if event in each.channel.settings.events]

    def _is_quiet(self, outlet: _Outlet, alert: Alert, now: float) -> bool:
        hours: tuple[Hours, ...] = outlet.channel.settings.quiet_hours
        return is_within((*hours, *self._rule_hours(alert)), now)

    def _rule_hours(self, alert: Alert) -> tuple[Hours, ...]:
        assert self._settings is not None  # noqa: S101
        if alert.shop is not None:
            return ()
        rules = (rule for rule in self._settings.alerts if rule.key == alert.rule)
        return next((rule.quiet_hours for rule in rules), ())

    def _reminder_minutes(self, alert: Alert) -> float:
        assert self._settings is not None  # noqa: S101
        if alert.kind is not AlertKind.SENTIMENT or alert.shop is not None:
            return self._settings.health_alerts.remind_minutes
        rules = (rule for rule in self._settings.alerts if rule.key == alert.rule)
        return next((rule.remind_minutes for rule in rules), 0.0)

    def _notice(
        self, alert: Alert, *, began: float | None = None, reminder: bool = False
    ) -> Notice:
        assert self._settings is not None  # noqa: S101
        return alert_notice(
            alert,
            self._names(),
            self._tr(),
            page=self._base(),
            history=self._history(alert),
            event="reminder" if reminder else None,
            began=began,
        )

    def _base(self) -> str:
        return self._page().rstrip("/")

    def _names(self) -> DisplayNames:
        assert self._settings is not None  # noqa: S101
        return display_names(self._settings, self.bus)

    def _tr(self) -> Translator:
        assert self._settings is not None  # noqa: S101
        return translator(self._settings.language)

    def _report(self, channel: str, alert: Alert, state: DeliveryState, reason: str) -> None:
        self.bus.publish(
            Delivery(
                incident=alert.incident,
                channel=channel,
                event="begin" if alert.active else "end",
                time=self._clock(),
                state=state,
                reason=reason,
                attempts=0,
            )
        )

    def _reload_settings(self) -> None:
        settings = self._configuration.settings
        if settings is self._settings:
            return
        self._settings = settings
        wanted = {channel.key: channel for channel in channels(settings)}
        for key, outlet in list(self._outlets.items()):
            if wanted.get(key) != outlet.channel:
                del self._outlets[key]
                outlet.queue.close(timeout=0)
                self._held.put_back(key)
        for key, channel in wanted.items():
            if key not in self._outlets:
                self._outlets[key] = _Outlet(channel, self._queue(channel))

    def _queue(self, channel: NotificationChannel) -> DeliveryQueue:
        def report(notice: Notice, state: DeliveryState, reason: str, attempts: int) -> None:
            if reason == STOPPED and self._held.has(notice.id):
                state, reason = DeliveryState.HELD, NEXT_START
            else:
                self._held.forget(notice.id)
            for incident in notice.incidents:
                self.bus.publish(
                    Delivery(
                        incident=incident,
                        channel=channel.name,
                        event=notice.event,
                        time=self._clock(),
                        state=state,
                        reason=reason,
                        attempts=attempts,
                    )
                )

        transport = transport_for(channel, timeout=self._timeout)
        return DeliveryQueue(transport, delays=self._delays, report=report)

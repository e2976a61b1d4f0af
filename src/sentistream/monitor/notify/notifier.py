"""Tells people of alerts, by every channel of the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sentistream.monitor.cameras.zones import is_within
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.notify.channels import NotificationChannel, channels, transport_for
from sentistream.monitor.notify.delivery_queue import DELAYS, DeliveryQueue
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
"""Seconds that all deliveries together may take when the monitor stops."""

MAX_HELD = 500
"""Starts and ends of alerts that wait for the end of quiet hours; the oldest are dropped beyond."""

QUIET = Translatable("Quiet hours.")
TOO_MANY = Translatable("Too many messages were waiting.")


@dataclass(slots=True)
class _Open:
    """An alert that has started and not ended."""

    alert: Alert
    reminded: float
    acknowledged: bool = False


@dataclass(slots=True)
class _Outlet:
    """A channel with what waits for it."""

    channel: NotificationChannel
    queue: DeliveryQueue
    held: list[Alert] = field(default_factory=list)


class Notifier(Subscriber):
    """Sends each channel the alerts it asks for: starts, ends, reminders, and what was held.

    Messages that fall into quiet hours, of the channel or of the rule, are dropped or held and
    sent after them in one message, as the channel's settings say. Each outcome is published as a
    ``Delivery``.

    Args:
        bus: Where alerts come from and deliveries go to.
        configuration: The settings, which may change while it runs.
        page: Returns the monitor's address, for links.
        history: Returns the path of an alert's minutes in the history; empty for none.
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
        self._open: dict[str, _Open] = {}
        self._outlets: dict[str, _Outlet] = {}

    @property
    def queues(self) -> dict[str, DeliveryQueue]:
        """The queue of each channel, by key."""
        return {key: outlet.queue for key, outlet in self._outlets.items()}

    def start(self) -> None:
        """Starts the queues, and subscribes."""
        self._reload_settings()
        super().start()

    def handle(self, event: Event) -> None:
        """Sends what is to be said of an alert; notes who acknowledged one."""
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
        """Adopts changed settings, reminds, and sends what quiet hours have held."""
        self._reload_settings()
        now = self._clock()
        for each in self._open.values():
            minutes = self._reminder_minutes(each.alert)
            if minutes and not each.acknowledged and now - each.reminded >= minutes * 60:
                each.reminded = now
                self._remind(each.alert, now)
        for outlet in self._outlets.values():
            self._release(outlet, now)

    def finish(self) -> None:
        """Delivers what waits within ``SHUTDOWN_TIMEOUT``, gives up the rest."""
        end = time.monotonic() + SHUTDOWN_TIMEOUT
        for outlet in self._outlets.values():
            outlet.queue.close(max(0.0, end - time.monotonic()))

    def _tell(self, alert: Alert, began: float | None) -> None:
        now = self._clock()
        for outlet in self._interested(alert):
            channel = outlet.channel.settings
            if not alert.active and not channel.ends:
                continue
            if not self._is_quiet(outlet, alert, now):
                outlet.queue.put(self._notice(alert, began=began))
            elif channel.after_quiet_hours == "drop":
                self._report(outlet.channel, alert, DeliveryState.DROPPED, QUIET)
            else:
                outlet.held.append(alert)
                self._report(outlet.channel, alert, DeliveryState.HELD, QUIET)
                if len(outlet.held) > MAX_HELD:
                    oldest = outlet.held.pop(0)
                    self._report(outlet.channel, oldest, DeliveryState.DROPPED, TOO_MANY)

    def _remind(self, alert: Alert, now: float) -> None:
        for outlet in self._interested(alert):
            if not self._is_quiet(outlet, alert, now):
                outlet.queue.put(self._notice(alert, reminder=True))

    def _release(self, outlet: _Outlet, now: float) -> None:
        """Sends what was held and may be told now, in one message."""
        free = [alert for alert in outlet.held if not self._is_quiet(outlet, alert, now)]
        if not free:
            return
        outlet.held = [alert for alert in outlet.held if alert not in free]
        if len(free) == 1:
            outlet.queue.put(self._notice(free[0]))
        else:
            assert self._settings is not None  # noqa: S101
            outlet.queue.put(summary_notice(free, self._settings, self._tr(), page=self._base()))

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
            self._settings,
            self._tr(),
            page=self._base(),
            history=self._history(alert),
            event="reminder" if reminder else None,
            began=began,
        )

    def _base(self) -> str:
        return self._page().rstrip("/")

    def _tr(self) -> Translator:
        assert self._settings is not None  # noqa: S101
        return translator(self._settings.language)

    def _report(
        self, channel: NotificationChannel, alert: Alert, state: DeliveryState, reason: str
    ) -> None:
        self.bus.publish(
            Delivery(
                incident=alert.incident,
                channel=channel.name,
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
        held: dict[str, list[Alert]] = {}
        for key, outlet in list(self._outlets.items()):
            if wanted.get(key) != outlet.channel:
                del self._outlets[key]
                outlet.queue.close(timeout=0)
                held[key] = outlet.held
        for key, channel in wanted.items():
            if key not in self._outlets:
                self._outlets[key] = _Outlet(channel, self._queue(channel), held.get(key, []))

    def _queue(self, channel: NotificationChannel) -> DeliveryQueue:
        def report(notice: Notice, state: DeliveryState, reason: str, attempts: int) -> None:
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

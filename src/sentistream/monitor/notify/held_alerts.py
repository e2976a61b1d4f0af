"""Alerts that quiet hours hold back: kept in the database, so that a restart loses none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence

from sentistream.errors import StorageError
from sentistream.monitor.interfaces import HeldAlertStore
from sentistream.monitor.observations import Alert, HeldAlert

_log = logging.getLogger(__name__)


class _Entry:
    """A held alert: its number in the database, and its message."""

    def __init__(self, channel: str, alert: Alert, number: int | None = None) -> None:
        self.channel = channel
        self.alert = alert
        self.number = number
        self.message = ""


class HeldAlerts:
    """Starts and ends of alerts that wait for the end of quiet hours.

    All are in memory; the database follows as soon as it answers. Each is deleted once the
    message about it was delivered or given up: one that was in transit when the monitor stopped is
    resent. Thread-safe.

    Args:
        store: The database; None to keep them only in memory.
    """

    def __init__(self, store: HeldAlertStore | None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._released: list[int] = []
        self._is_loaded = store is None

    def add(self, channel: str, alert: Alert) -> None:
        """Holds an alert back for a channel."""
        with self._lock:
            self._entries.append(_Entry(channel, alert))
        self.save()

    def waiting(self, channel: str) -> list[Alert]:
        """The alerts still to be sent to a channel, the oldest first."""
        with self._lock:
            return [each.alert for each in self._of(channel) if not each.message]

    def holds_start(self, channel: str, incident: str) -> bool:
        """Whether the start of an alert is still to be sent to a channel."""
        return any(alert.active and alert.incident == incident for alert in self.waiting(channel))

    def take(self, channel: str, alerts: Collection[Alert], message: str) -> None:
        """Records that a message about some of them is in transit."""
        with self._lock:
            for each in self._of(channel):
                if not each.message and each.alert in alerts:
                    each.message = message

    def has(self, message: str) -> bool:
        """Whether a message is about some of them."""
        with self._lock:
            return any(each.message == message for each in self._entries)

    def forget(self, message: str) -> None:
        """Deletes a message's alerts: it was delivered, or given up."""
        with self._lock:
            self._forget([each for each in self._entries if each.message == message])

    def put_back(self, channel: str) -> None:
        """Returns a channel's alerts in transit to the waiting ones."""
        with self._lock:
            for each in self._of(channel):
                each.message = ""

    def drop_oldest(self, channel: str, most: int) -> list[Alert]:
        """Drops the oldest beyond a number; returns them."""
        with self._lock:
            found = [each for each in self._of(channel) if not each.message]
            dropped = found[: max(0, len(found) - most)]
            self._forget(dropped)
        return [each.alert for each in dropped]

    def drop_others(self, channels: Collection[str]) -> list[HeldAlert]:
        """Drops those of removed channels; returns them."""
        with self._lock:
            dropped = [each for each in self._entries if each.channel not in channels]
            self._forget(dropped)
        return [HeldAlert(channel=each.channel, alert=each.alert) for each in dropped]

    def save(self) -> None:
        """Synchronises the database; whatever fails is retried the next time."""
        if self._store is None:
            return
        try:
            if not self._is_loaded:
                self._load(self._store.held_alerts())
            self._write(self._store)
        except StorageError as error:
            _log.warning("what quiet hours hold back could not be stored: %s", error)

    def _load(self, found: Sequence[HeldAlert]) -> None:
        earlier = [_Entry(each.channel, each.alert, each.number) for each in found]
        with self._lock:
            self._entries[:0] = earlier
            self._is_loaded = True

    def _write(self, store: HeldAlertStore) -> None:
        with self._lock:
            unsaved = [each for each in self._entries if each.number is None]
            released = list(self._released)
        for each in unsaved:
            number = store.hold_alert(HeldAlert(channel=each.channel, alert=each.alert))
            with self._lock:
                each.number = number
                if each not in self._entries:
                    self._released.append(number)
        if released:
            store.release_alerts(released)
            with self._lock:
                self._released = [number for number in self._released if number not in released]

    def _of(self, channel: str) -> list[_Entry]:
        return [each for each in self._entries if each.channel == channel]

    def _forget(self, entries: Sequence[_Entry]) -> None:
        for each in entries:
            self._entries.remove(each)
            if each.number is not None:
                self._released.append(each.number)

"""Alerts about shops: those that they report, and that a shop has gone silent.

Sites decide about their own alerts and cameras, with their own rules and hysteresis; headquarters
notifies its people of the result. Late arrivals are sent only if they still matter.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, tuple_, update

from sentistream.monitor.alerts.evaluator import NOT_KNOWN, new_incident
from sentistream.monitor.alerts.health_watch import RECOVERY, DelayedCondition
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.headquarters.fleet_tables import ALERTS, CAMERAS, ZONES
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sites import JOINED, Site
from sentistream.monitor.observations import (
    CAMERA_DOWN,
    EVERYWHERE,
    SHOP_SILENT,
    Alert,
    AlertKind,
    AlertShop,
)
from sentistream.monitor.store.alert_log import alert_of
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

MAX_NOTICE_DELAY = 3600.0
"""Seconds after which an alert that has already ended is only listed, not sent."""

OPEN_DAYS = 2
"""Days after which an alert without an end counts as ended."""

SILENCE_INTERVAL = 30.0
"""Seconds between two checks for silent shops."""

MIN_BROKER_SECONDS = 660.0
"""Seconds for which the broker must have been reachable before a shop is called silent: sites
retry every ten minutes."""

LISTED = 500
"""Shops that one statement may list; beyond them it reads all."""

GONE = Translatable("The shop does not report to this headquarters any more.")

_About = tuple[int, str, str, str]
"""Site, rule, camera and zone."""


@dataclass(slots=True)
class _Open:
    """An alert that has begun and not ended."""

    about: _About
    alert: Alert
    notified: bool


class ShopAlerts:
    """Finds new alerts in headquarters' tables, and silent shops, and publishes them.

    Open alerts are read from the tables, so that a restart sends nothing twice. Not thread-safe.

    Args:
        engine: A database with the tables of headquarters.
        bus: Where alerts are published; it carries only shops' alerts.
        silent_minutes: Minutes without a message after which a shop counts as silent.
        reached_since: Returns since when the broker has been connected, in seconds of ``steady``;
            None while it is not.
        clock: Wall-clock seconds (UTC).
        steady: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        engine: Engine,
        bus: EventBus,
        silent_minutes: float,
        *,
        reached_since: Callable[[], float | None],
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._registry = SiteRegistry(engine)
        self._bus = bus
        self._silent_seconds = silent_minutes * 60
        self._reached_since = reached_since
        self._clock = clock
        self._steady = steady
        self._open: dict[str, _Open] | None = None
        self._silence: dict[int, DelayedCondition] = {}
        self._silence_at = float("-inf")

    def look(self) -> None:
        """Publishes what has begun or ended since the last check.

        Raises:
            StorageError: The database cannot be used; the next check retries.
        """
        now, steady = self._clock(), self._steady()
        due = steady - self._silence_at >= SILENCE_INTERVAL
        events: list[Alert] = []
        with read_transaction(self._engine) as connection:
            is_new = connection.execute(
                select(ALERTS.c.id).where(ALERTS.c.incident == "").limit(1)
            ).first()
        if not (is_new or due or self._open is None):
            return
        sites = {site.id: site for site in self._registry.sites()}
        try:
            with write_transaction(self._engine) as connection:
                if self._open is None:
                    self._open = _read_open(connection, sites, now)
                    for each in self._open.values():
                        if each.alert.kind is AlertKind.SHOP:
                            self._silence[each.about[0]] = _held()
                events += self._reported(connection, sites, now)
                if due:
                    events += self._expired(connection, sites, now)
                    events += self._silent(connection, sites, now, steady)
        except BaseException:
            self._open = None  # it may hold what was rolled back
            raise
        if due:
            self._silence_at = steady
        for event in events:
            _log.info(
                "alert %s", "started" if event.active else "ended",
                extra={"shop": event.shop.key if event.shop else "", "rule": event.rule},
            )  # fmt: skip
            self._bus.publish(event)

    def _reported(
        self, connection: Connection, sites: dict[int, Site], now: float
    ) -> Iterator[Alert]:
        """Pairs the sites' starts and ends; yields what to send."""
        new = connection.execute(
            select(ALERTS).where(ALERTS.c.incident == "").order_by(ALERTS.c.time, ALERTS.c.id)
        ).all()
        if not new:
            return
        names = names_of(connection, {row.site_id for row in new})
        oldest: dict[_About, float] = {}
        for row in new:
            oldest.setdefault(_about(row), row.time)
        fresh = {row.id for row in new}
        for about, first in oldest.items():
            rows = connection.execute(
                select(ALERTS)
                .where(_is_about(about), ALERTS.c.time >= first - OPEN_DAYS * 86_400)
                .order_by(ALERTS.c.time, ALERTS.c.id)
            ).all()
            for episode in _paired(rows):
                renamed = [row.id for row in episode.rows if row.incident != episode.incident]
                if renamed:
                    connection.execute(
                        update(ALERTS)
                        .where(ALERTS.c.id.in_(renamed))
                        .values(incident=episode.incident)
                    )
                begin = episode.begin
                if begin is not None and about[0] in sites:
                    alert = as_alert(begin, sites[about[0]], names)
                    alert = replace(alert, incident=episode.incident)
                    is_new = begin.id in fresh
                    yield from self._notify_of(connection, about, alert, episode, is_new, now)

    def _notify_of(
        self,
        connection: Connection,
        about: _About,
        alert: Alert,
        episode: _Episode,
        is_new: bool,
        now: float,
    ) -> Iterator[Alert]:
        """What to send about one alert now."""
        assert self._open is not None  # noqa: S101
        end, incident = episode.end, episode.incident
        if is_new:
            age = now - alert.time
            is_over = end is not None or episode.is_followed or age > OPEN_DAYS * 86_400
            notified = age <= MAX_NOTICE_DELAY or not is_over
            if notified:
                connection.execute(
                    update(ALERTS)
                    .where(ALERTS.c.incident == incident, ALERTS.c.active)
                    .values(notified=True)
                )
                yield alert
            self._open[incident] = _Open(about, alert, notified)
        if end is not None and (known := self._open.pop(incident, None)) is not None:
            if known.notified:
                yield replace(alert, active=False, time=end.time, share=end.share, reason="")
        elif episode.is_followed:
            # the next one began before this one ended: the site was killed meanwhile
            yield from self._end(connection, incident, now, NOT_KNOWN)

    def _expired(
        self, connection: Connection, sites: dict[int, Site], now: float
    ) -> Iterator[Alert]:
        assert self._open is not None  # noqa: S101
        for incident, each in list(self._open.items()):
            site = sites.get(each.about[0])
            if site is None or site.state != JOINED:
                self._silence.pop(each.about[0], None)
                yield from self._end(connection, incident, now, GONE)
            elif (
                each.alert.kind is not AlertKind.SHOP and now - each.alert.time > OPEN_DAYS * 86_400
            ):
                yield from self._end(connection, incident, now, NOT_KNOWN)

    def _silent(
        self, connection: Connection, sites: dict[int, Site], now: float, steady: float
    ) -> Iterator[Alert]:
        reached = self._reached_since()
        settled = reached is not None and steady - reached >= max(
            self._silent_seconds, MIN_BROKER_SECONDS
        )
        for site in sites.values():
            if site.state != JOINED:
                self._silence.pop(site.id, None)
                continue
            condition = self._silence.setdefault(site.id, DelayedCondition())
            if not (settled or condition.holds):
                continue  # its messages could not arrive
            is_silent = now - (site.last_seen or 0.0) > self._silent_seconds
            if not condition.update(is_silent, steady, begin=0.0, end=RECOVERY):
                continue
            if condition.holds:
                _log.warning("shop %s has gone silent", site.key)
                yield self._begin_silence(connection, site, now)
            else:
                _log.info("shop %s reports again", site.key)
                yield from self._end(connection, self._silence_of(site.id), now, "")

    def _begin_silence(self, connection: Connection, site: Site, now: float) -> Alert:
        assert self._open is not None  # noqa: S101
        values: dict[str, Any] = {
            "site_id": site.id,
            "rule": SHOP_SILENT,
            "name": site.name,
            "camera": "",
            "zone": EVERYWHERE,
            "time": now,
            "active": True,
            "sentiment": "",
            "share": 0.0,
            "bound": 0.0,
            "minutes": self._silent_seconds / 60,
            "incident": new_incident(),
            "notified": True,
        }
        connection.execute(insert(ALERTS).values(values))
        row = connection.execute(
            select(ALERTS).where(ALERTS.c.incident == values["incident"])
        ).one()
        alert = as_alert(row, site, {})
        self._open[alert.incident] = _Open(_about(row), alert, True)
        return alert

    def _silence_of(self, site_id: int) -> str:
        assert self._open is not None  # noqa: S101
        return next(
            (
                incident
                for incident, each in self._open.items()
                if each.about[0] == site_id and each.alert.kind is AlertKind.SHOP
            ),
            "",
        )

    def _end(
        self, connection: Connection, incident: str, now: float, reason: str
    ) -> Iterator[Alert]:
        """Ends an alert whose end no site reports."""
        assert self._open is not None  # noqa: S101
        each = self._open.pop(incident, None)
        if each is None:
            return
        begin = connection.execute(
            select(ALERTS).where(ALERTS.c.incident == incident, ALERTS.c.active)
        ).first()
        if begin is not None:  # not erased with its shop
            # sites round to milliseconds, so this cannot collide with one of their ends
            values = {
                **begin._mapping,
                "active": False,
                "time": round(max(now, begin.time), 3) + 0.0005,
            }
            del values["id"]
            connection.execute(insert(ALERTS).values(values))
        if each.notified:
            yield replace(each.alert, active=False, time=now, reason=reason)


def as_alert(row: Any, site: Site, names: Mapping[int, DisplayNames]) -> Alert:
    """A row of headquarters' alerts as an event.

    Args:
        row: A start or an end.
        site: The shop.
        names: Shops' names of their cameras and zones, by the shop's number.
    """
    shown = names.get(site.id, DisplayNames())
    kind, reason = AlertKind.SENTIMENT, ""
    if row.rule == CAMERA_DOWN:
        kind, reason = AlertKind.CAMERA, Translatable("The camera gives no picture.")
    elif row.rule == SHOP_SILENT and not row.camera:
        kind = AlertKind.SHOP
        reason = Translatable(
            "Nothing has come from this shop for {minutes} minutes.", minutes=round(row.minutes)
        )
    shop = AlertShop(
        key=site.key,
        name=site.name,
        camera=shown.camera(row.camera),
        zone=shown.zone(row.camera, row.zone),
    )
    return alert_of(row, kind, reason if row.active else "", shop)


def names_of(connection: Connection, site_ids: Collection[int]) -> dict[int, DisplayNames]:
    """What shops call their cameras and zones, by the shop's number."""
    cameras: dict[int, dict[str, str]] = {site_id: {} for site_id in site_ids}
    zones: dict[int, dict[tuple[str, str], str]] = {site_id: {} for site_id in site_ids}
    chosen = select(CAMERAS).where(CAMERAS.c.site_id.in_(list(site_ids)))
    for row in connection.execute(chosen):
        cameras[row.site_id][row.camera] = row.name
    for row in connection.execute(select(ZONES).where(ZONES.c.site_id.in_(list(site_ids)))):
        zones[row.site_id][row.camera, row.zone] = row.name
    return {site_id: DisplayNames(cameras[site_id], zones[site_id]) for site_id in site_ids}


def _read_open(connection: Connection, sites: dict[int, Site], now: float) -> dict[str, _Open]:
    """The alerts that were open when headquarters stopped."""
    rows = connection.execute(
        select(ALERTS)
        .where(ALERTS.c.incident != "", ALERTS.c.time >= now - 400 * 86_400)
        .order_by(ALERTS.c.time, ALERTS.c.id)
    )
    begun: dict[str, Any] = {}
    for row in rows:
        if row.active:
            begun[row.incident] = row
        else:
            begun.pop(row.incident, None)
    names = names_of(connection, {row.site_id for row in begun.values()})
    return {
        incident: _Open(_about(row), as_alert(row, sites[row.site_id], names), bool(row.notified))
        for incident, row in begun.items()
        if row.site_id in sites
    }


def _held() -> DelayedCondition:
    condition = DelayedCondition()
    condition.holds = True
    return condition


def _about(row: Any) -> _About:
    return row.site_id, row.rule, row.camera, row.zone


def _is_about(about: _About) -> Any:
    return tuple_(ALERTS.c.site_id, ALERTS.c.rule, ALERTS.c.camera, ALERTS.c.zone) == about


@dataclass(slots=True)
class _Episode:
    """One alert as it is in the table.

    Attributes:
        begin: Its start; None for an end whose start has not arrived.
        end: Its end; None while it is active.
        incident: Its id.
        is_followed: Whether the same alert began again.
    """

    begin: Any | None
    end: Any | None
    incident: str
    is_followed: bool = False

    @property
    def rows(self) -> list[Any]:
        """Start and end, if known."""
        return [row for row in (self.begin, self.end) if row is not None]


def _paired(rows: Sequence[Any]) -> list[_Episode]:
    """Starts with their ends; rows of one rule, camera and zone, the oldest first.

    An end that arrived before its start has its own id until then.
    """
    named = {row.incident for row in rows if row.active and row.incident}
    found: list[_Episode] = []
    by_incident: dict[str, _Episode] = {}
    current: _Episode | None = None
    for row in rows:
        if row.active:
            if current is not None:
                current.is_followed = True
            current = _Episode(row, None, row.incident or new_incident())
            by_incident[current.incident] = current
            found.append(current)
        elif row.incident in named:
            if (episode := by_incident.get(row.incident)) is not None:
                episode.end = row
                current = None if episode is current else current
        elif current is not None:
            current.end, current = row, None
        else:
            found.append(_Episode(None, row, row.incident or new_incident()))
    return found

"""Queries of headquarters' pages and digests: comparison of shops, their days, zones, alerts."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import BigInteger, Connection, Engine, and_, cast, func, or_, select

from sentistream.monitor.accounts import User
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.headquarters.fleet_results import (
    ShopAlert,
    ShopPlace,
    ShopSummary,
    SiteCamera,
    Totals,
    totals_of,
    totals_of_minute,
)
from sentistream.monitor.headquarters.fleet_tables import (
    ALERTS,
    CAMERAS,
    DAYS,
    HOURS,
    SERIES,
    SITES,
    SUMS,
    TOTALS,
)
from sentistream.monitor.headquarters.shop_alerts import LISTED, as_alert, names_of
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sites import JOINED, Site, UnknownSiteError
from sentistream.monitor.headquarters.sum_storage import local_day
from sentistream.monitor.observations import SHOP_SILENT
from sentistream.monitor.store.database import read_transaction

Period = Literal["today", "yesterday", "week", "month"]

PERIODS: dict[str, tuple[int, int]] = {
    "today": (0, 1),
    "yesterday": (-1, 1),
    "week": (-7, 7),
    "month": (-28, 28),
}
"""By its name, a period's first day relative to today, and how many days it has; each shop's days
are those of its own time zone. The period before it has as many days."""

MAX_ALERTS = 500
"""Alerts that are read at a time."""


class FleetQueries:
    """Queries about shops. All raise ``StorageError`` if the database cannot be reached.

    Args:
        engine: A database with the tables of headquarters.
        silent_minutes: Minutes without a message after which a shop counts as silent.
    """

    def __init__(self, engine: Engine, silent_minutes: float) -> None:
        self._engine = engine
        self._registry = SiteRegistry(engine)
        self._silent_seconds = silent_minutes * 60

    def compare(
        self, period: str, user: User | None = None, *, now: float | None = None
    ) -> list[ShopSummary]:
        """All shops that a user may see, by name, over a period of ``PERIODS``.

        Digests use this, too: without ``user`` these are all shops.
        """
        moment = time.time() if now is None else now
        sites = self._registry.sites(user)
        first, count = PERIODS[period]
        with read_transaction(self._engine) as connection:
            this = _by_site(connection, sites, moment, first, count)
            before = _by_site(connection, sites, moment, first - count, count)
            problems = _problems(connection)
            alerts = _active_by_site(connection, moment)
        return [
            ShopSummary(
                site=site,
                silent=self.is_silent(site, moment),
                now=this.get(site.id, Totals()),
                before=before.get(site.id, Totals()),
                problems=problems.get(site.id, 0),
                active_alerts=alerts.get(site.id, 0),
            )
            for site in sites
        ]

    def sites(self, user: User | None = None) -> Sequence[Site]:
        """The shops that a user may see, by name; all without a user."""
        return self._registry.sites(user)

    def by_site(self, sites: Sequence[Site], first: int, count: int) -> dict[int, Totals]:
        """Totals of some shops over ``count`` days of their own from the ordinal ``first``."""
        rows = self._sum_of_days(sites, first, count, DAYS.c.site_id)
        return {row.site_id: totals_of(row) for row in rows}

    def by_day(self, sites: Sequence[Site], first: int, count: int) -> dict[int, Totals]:
        """Totals of some shops together, by the ordinal of the day."""
        rows = self._sum_of_days(sites, first, count, DAYS.c.day)
        return {row.day: totals_of(row) for row in rows}

    def _sum_of_days(self, sites: Sequence[Site], first: int, count: int, by: Any) -> Sequence[Any]:
        statement = (
            select(by, *(func.sum(DAYS.c[name]).label(name) for name in TOTALS))
            .where(DAYS.c.day >= first, DAYS.c.day < first + count)
            .where(DAYS.c.site_id.in_([site.id for site in sites]))
            .group_by(by)
        )
        with read_transaction(self._engine) as connection:
            return connection.execute(statement).all()

    def is_silent(self, site: Site, now: float | None = None) -> bool:
        """Whether a shop that has joined has sent nothing for too long."""
        moment = time.time() if now is None else now
        return site.state == JOINED and moment - (site.last_seen or 0.0) > self._silent_seconds

    def silent(self, user: User | None = None, *, now: float | None = None) -> list[Site]:
        """The shops that went silent, longest first."""
        found = [site for site in self._registry.sites(user) if self.is_silent(site, now)]
        return sorted(found, key=lambda site: site.last_seen or 0.0)

    def days(self, site: Site, count: int, *, now: float | None = None) -> list[tuple[int, Totals]]:
        """The newest days of a shop, oldest first: ordinal and totals; also empty ones."""
        today = local_day(time.time() if now is None else now, site.time_zone)
        chosen = and_(DAYS.c.site_id == site.id, DAYS.c.day > today - count, DAYS.c.day <= today)
        with read_transaction(self._engine) as connection:
            rows = {row.day: row for row in connection.execute(select(DAYS).where(chosen))}
        return [
            (day, totals_of(rows[day]) if day in rows else Totals())
            for day in range(today - count + 1, today + 1)
        ]

    def hours(self, site: Site, begin: float, end: float) -> list[tuple[float, Totals]]:
        """Hours that begin in [begin, end), oldest first: when each begins, and totals."""
        chosen = and_(
            HOURS.c.site_id == site.id, HOURS.c.hour >= begin / 3600, HOURS.c.hour < end / 3600
        )
        with read_transaction(self._engine) as connection:
            found = connection.execute(select(HOURS).where(chosen).order_by(HOURS.c.hour))
            return [(row.hour * 3600.0, totals_of(row)) for row in found]

    def places(self, site: Site, begin: float, end: float) -> list[ShopPlace]:
        """Cameras and their zones, each with its totals over [begin, end)."""
        seen = func.coalesce(SUMS.c.seen, 0)
        is_minute = SUMS.c.minutes == 1
        statement = (
            select(
                *(SERIES.c.camera, SERIES.c.zone),
                func.sum(SUMS.c.arrived).filter(is_minute).label("arrived"),
                func.sum(SUMS.c.arrived).filter(SUMS.c.seen.is_not(None)).label("covered"),
                func.sum(SUMS.c.watched).filter(is_minute).label("watched"),
                func.sum(seen).label("seen"),
                func.sum(func.coalesce(SUMS.c.speaking, 0)).label("speaking"),
                *(
                    func.sum(func.coalesce(SUMS.c[name], 0) * _wide(seen)).label(name)
                    for name in ("positive", "neutral", "negative")
                ),
            )
            .join(SERIES, SERIES.c.id == SUMS.c.series_id)
            .where(SERIES.c.site_id == site.id)
            .where(SUMS.c.minute >= int(begin // 60), SUMS.c.minute < int(end // 60))
            .group_by(SERIES.c.camera, SERIES.c.zone)
            .order_by(SERIES.c.camera, SERIES.c.zone)
        )
        with read_transaction(self._engine) as connection:
            names = names_of(connection, [site.id])[site.id]
            return [
                ShopPlace(
                    camera=row.camera,
                    zone=row.zone,
                    camera_name=names.camera(row.camera),
                    zone_name=names.zone(row.camera, row.zone),
                    totals=totals_of(row),
                )
                for row in connection.execute(statement)
            ]

    def cameras(self, site: Site) -> list[SiteCamera]:
        """A shop's cameras by name."""
        chosen = select(CAMERAS).where(CAMERAS.c.site_id == site.id)
        with read_transaction(self._engine) as connection:
            return [
                SiteCamera(**{name: getattr(row, name) for name in SiteCamera.__slots__})
                for row in connection.execute(chosen.order_by(CAMERAS.c.name, CAMERAS.c.camera))
            ]

    def alerts(
        self,
        user: User | None = None,
        *,
        site: str = "",
        since: float = 0.0,
        limit: int = MAX_ALERTS,
    ) -> list[ShopAlert]:
        """Alerts of the shops that a user may see, the newest first; beginnings with their ends."""
        sites = {each.id: each for each in self._registry.sites(user)}
        if site:
            sites = {key: each for key, each in sites.items() if each.key == site}
        statement = select(ALERTS).where(ALERTS.c.time >= since)
        if len(sites) <= LISTED or site:
            statement = statement.where(ALERTS.c.site_id.in_(list(sites)))
        statement = statement.order_by(ALERTS.c.time.desc(), ALERTS.c.id.desc()).limit(limit)
        with read_transaction(self._engine) as connection:
            rows = [row for row in connection.execute(statement) if row.site_id in sites]
            names = names_of(connection, {row.site_id for row in rows})
        return _joined(rows, sites, names)

    def alert(self, incident: str, user: User | None = None) -> ShopAlert:
        """One alert of a shop that a user may see.

        Raises:
            UnknownSiteError: There is none, or the user may not see its shop.
        """
        statement = select(ALERTS).where(ALERTS.c.incident == incident, ALERTS.c.incident != "")
        sites = {each.id: each for each in self._registry.sites(user)}
        with read_transaction(self._engine) as connection:
            found = connection.execute(statement.order_by(ALERTS.c.time.desc()))
            rows = [row for row in found if row.site_id in sites]
            names = names_of(connection, {row.site_id for row in rows})
        alerts = _joined(rows, sites, names)
        if not alerts:
            raise UnknownSiteError("There is no such alert.", "See the list of alerts.")
        return alerts[0]

    def minutes(
        self, site: str, camera: str, zone: str, begin: float, end: float
    ) -> list[tuple[float, Totals]]:
        """A camera's or zone's minutes that begin in [begin, end): when each begins, and totals."""
        statement = (
            select(SUMS)
            .join(SERIES, SERIES.c.id == SUMS.c.series_id)
            .join(SITES, SITES.c.id == SERIES.c.site_id)
            .where(SITES.c.key == site, SERIES.c.camera == camera, SERIES.c.zone == zone)
            .where(SUMS.c.minute >= int(begin // 60), SUMS.c.minute < int(end // 60))
            .where(SUMS.c.minutes == 1)
            .order_by(SUMS.c.minute)
        )
        with read_transaction(self._engine) as connection:
            return [
                (row.minute * 60.0, totals_of_minute(row)) for row in connection.execute(statement)
            ]


def _wide(column: Any) -> Any:
    return cast(column, BigInteger)


def _by_site(
    connection: Connection, sites: Sequence[Site], now: float, first: int, count: int
) -> dict[int, Totals]:
    zones: dict[tuple[int, int], set[str]] = defaultdict(set)
    for site in sites:
        begin = local_day(now, site.time_zone) + first
        zones[begin, begin + count].add(site.time_zone)
    if not zones:
        return {}
    effective = func.coalesce(func.nullif(SITES.c.chosen_time_zone, ""), SITES.c.time_zone)
    periods = [
        and_(DAYS.c.day >= begin, DAYS.c.day < end, *_in_zones(effective, names, len(zones)))
        for (begin, end), names in zones.items()
    ]
    statement = (
        select(DAYS.c.site_id, *(func.sum(DAYS.c[name]).label(name) for name in TOTALS))
        .join(SITES, SITES.c.id == DAYS.c.site_id)
        .where(or_(*periods))
        .group_by(DAYS.c.site_id)
    )
    return {row.site_id: totals_of(row) for row in connection.execute(statement)}


def _in_zones(effective: Any, names: Iterable[str], periods: int) -> list[Any]:
    return [] if periods == 1 else [effective.in_(sorted(names))]


def _problems(connection: Connection) -> dict[int, int]:
    statement = (
        select(CAMERAS.c.site_id, func.count())
        .where(CAMERAS.c.state == "waiting")
        .group_by(CAMERAS.c.site_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _active_by_site(connection: Connection, now: float) -> dict[int, int]:
    """How many alerts of the last two days have begun and not ended, by site; silence is apart."""
    statement = (
        select(ALERTS)
        .where(ALERTS.c.time >= now - 2 * 86_400, ALERTS.c.rule != SHOP_SILENT)
        .order_by(ALERTS.c.time, ALERTS.c.id)
    )
    active: dict[tuple[Any, ...], bool] = {}
    for row in connection.execute(statement):
        about = (row.rule, row.camera, row.zone) if not row.incident else (row.incident,)
        active[row.site_id, *about] = row.active
    counts: dict[int, int] = defaultdict(int)
    for key, is_active in active.items():
        counts[key[0]] += is_active
    return dict(counts)


def _joined(
    rows: Sequence[Any], sites: dict[int, Site], names: Mapping[int, DisplayNames]
) -> list[ShopAlert]:
    """Beginnings with their ends; rows come newest first."""
    ends: dict[tuple[Any, ...], float] = {}
    found = []
    for row in rows:
        about: tuple[Any, ...] = (row.site_id, row.rule, row.camera, row.zone)
        if row.incident:
            about = (row.incident,)
        if not row.active:
            ends[about] = row.time
            continue
        site = sites[row.site_id]
        found.append(
            ShopAlert(
                site=site.key,
                site_name=site.name,
                rule=row.rule,
                name=row.name,
                camera=row.camera,
                zone=row.zone,
                camera_name=names[row.site_id].camera(row.camera),
                zone_name=names[row.site_id].zone(row.camera, row.zone),
                sentiment=row.sentiment,
                share=row.share,
                limit=row.bound,
                minutes=row.minutes,
                began=row.time,
                ended=ends.pop(about, None),
                incident=row.incident,
                event=as_alert(row, site, names),
            )
        )
    return found

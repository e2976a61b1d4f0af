"""Storage of what sites report besides sums: about themselves, camera health, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from sentistream.monitor.fleet.time_zones import is_time_zone
from sentistream.monitor.headquarters.fleet_tables import ALERTS, CAMERAS, SITES, ZONES
from sentistream.monitor.headquarters.record_parsing import ParsedRecords
from sentistream.monitor.store.ingest import insert_into
from sentistream.values import ByValue

_NO_HEALTH: dict[str, Any] = {
    "state": "starting",
    "since": 0.0,
    "reason": "",
    "restarts": 0,
    "moments_per_second": 0.0,
    "dropped": 0,
    "damaged": 0,
    "updated": 0.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class SiteMessage(ByValue):
    """A verified message of a site, and its content."""

    site: str
    site_id: int
    number: int
    kind: str
    fields: Mapping[str, Any]
    received: float
    digest: str
    records: ParsedRecords | None = None

    @property
    def is_live(self) -> bool:
        return self.kind != "data" or self.fields.get("live") is not False


def site_values(
    site_id: int, message: SiteMessage, newest_minute: int, discarded: int
) -> dict[str, Any]:
    """What a site's newest message says about itself, for ``update_sites``."""
    fields = message.fields
    offset = fields.get("offset")
    sent = fields.get("sent")
    if not isinstance(offset, int | float) and isinstance(sent, int | float):
        offset = message.received - sent
    known = offset if isinstance(offset, int | float) and abs(offset) < 1e12 else None
    return {
        "site": site_id,
        "number": message.number,
        "seen": message.received,
        "minute": newest_minute,
        "clock": known,
        "held": _count(fields.get("waiting")),
        "lost": _count(fields.get("dropped")),
        "unfit": discarded,
    }


def store_about(connection: Connection, data: Sequence[SiteMessage]) -> dict[int, str]:
    """Stores sites' time zones and versions, and the names of their cameras and zones.

    Returns:
        The time zones that sites have told, by the site's id.
    """
    newest = {
        message.site_id: message.records.about
        for message in data
        if message.records is not None and message.records.about is not None
    }
    if not newest:
        return {}
    sites, cameras = [], []
    zones_of_time = {}
    for site_id, about in sorted(newest.items()):
        zone = about["time_zone"] if is_time_zone(about["time_zone"]) else "UTC"
        sites.append({"site": site_id, "zone": zone, "program_version": about["program"]})
        zones_of_time[site_id] = zone
        cameras += [
            {"site_id": site_id, "camera": camera, "name": name, **_NO_HEALTH}
            for camera, name in sorted(about["cameras"].items())
        ]
    connection.execute(
        update(SITES)
        .where(SITES.c.id == bindparam("site"))
        .values(time_zone=bindparam("zone"), program=bindparam("program_version")),
        sites,
    )
    found = connection.execute(
        select(CAMERAS.c.site_id, CAMERAS.c.camera).where(CAMERAS.c.site_id.in_(list(newest)))
    )
    gone = [
        {"site": site_id, "key": camera}
        for site_id, camera in found
        if camera not in newest[site_id]["cameras"]
    ]
    if gone:
        connection.execute(
            delete(CAMERAS).where(
                CAMERAS.c.site_id == bindparam("site"), CAMERAS.c.camera == bindparam("key")
            ),
            gone,
        )
    _upsert_cameras(connection, cameras, ("name",))
    connection.execute(delete(ZONES).where(ZONES.c.site_id.in_(list(newest))))
    zones = [
        {"site_id": site_id, "camera": camera, "zone": zone, "name": name}
        for site_id, about in newest.items()
        for (camera, zone), name in about["zones"].items()
    ]
    if zones:
        connection.execute(insert(ZONES), zones)
    return zones_of_time


def store_health(connection: Connection, data: Sequence[SiteMessage]) -> None:
    """Stores the newest health of each camera."""
    newest = {
        (message.site_id, health["camera"]): {
            "site_id": message.site_id,
            "name": health["camera"],
            "updated": message.received,
            **health,
        }
        for message in data
        if message.records is not None
        for health in message.records.health
    }
    replaced = [name for name in _NO_HEALTH if name != "name"]
    _upsert_cameras(connection, [newest[key] for key in sorted(newest)], replaced)


def store_alerts(connection: Connection, data: Sequence[SiteMessage]) -> None:
    """Stores starts and ends of sites' alerts, each once."""
    alerts = [
        {"site_id": message.site_id, **alert}
        for message in data
        if message.records is not None
        for alert in message.records.alerts
    ]
    if alerts:
        insertion = insert_into(connection.dialect.name, ALERTS).on_conflict_do_nothing()
        connection.execute(insertion, alerts)


def _upsert_cameras(
    connection: Connection, rows: Sequence[Mapping[str, Any]], replaced: Sequence[str]
) -> None:
    if not rows:
        return
    insertion = insert_into(connection.dialect.name, CAMERAS)
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=list(CAMERAS.primary_key),
            set_={name: insertion.excluded[name] for name in replaced},
        ),
        list(rows),
    )


def update_sites(connection: Connection, values: Sequence[Mapping[str, Any]]) -> None:
    """Stores when sites last sent something, and their progress; rows of ``site_values``."""
    greatest = "GREATEST" if connection.dialect.name == "postgresql" else "MAX"
    statement = (
        "UPDATE fleet_sites SET "  # noqa: S608 - constants
        f"last_number = {greatest}(last_number, :number), last_seen = :seen, "
        f"newest_minute = {greatest}(COALESCE(newest_minute, 0), :minute), "
        "clock_offset = :clock, waiting = :held, dropped = :lost, "
        "discarded = discarded + :unfit WHERE id = :site"
    )
    connection.execute(text(statement), list(values))


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value < 2**31 else 0

"""A synthetic chain of shops in a headquarters database, for tests of its pages."""

from __future__ import annotations

import math
import time
from typing import Any

from sqlalchemy import insert, select, update

from sentistream.monitor.fleet.records import SumRow
from sentistream.monitor.headquarters.fleet_tables import ALERTS, CAMERAS, SITES
from sentistream.monitor.headquarters.record_parsing import SiteSum
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sites import JOINED
from sentistream.monitor.headquarters.sum_storage import SumBatch, SumStorage
from sentistream.monitor.store.database import write_transaction

SHOPS = {
    "north": ("North Street", "Europe/London", 0.12),
    "harbour": ("Harbour", "Europe/Berlin", 0.25),
    "station": ("Main Station", "Europe/Paris", 0.41),
    "airport": ("Airport", "America/New_York", 0.33),
    "old-town": ("Old Town <b>& Sons", "Asia/Kolkata", 0.2),
}


def fill(engine: Any, *, days: int = 30, now: float | None = None) -> None:
    """Five shops with two cameras; one is silent, one has a failed camera and an alert."""
    moment = time.time() if now is None else now
    registry, storage = SiteRegistry(engine), SumStorage(engine)
    for number, (key, (name, zone, negative)) in enumerate(SHOPS.items()):
        registry.add(key, name, zone)
        with write_transaction(engine) as connection:
            site_id = connection.scalar(select(SITES.c.id).where(SITES.c.key == key))
            assert site_id is not None
            silent = key == "airport"
            connection.execute(
                update(SITES)
                .where(SITES.c.id == site_id)
                .values(
                    state=JOINED,
                    joined=moment - 86_400 * days,
                    last_seen=moment - (7 * 3600 if silent else 20),
                    newest_minute=int(moment) // 60 * 60 - 60,
                    clock_offset=95.0 if key == "harbour" else 0.2,
                    key_made=moment - 86_400,
                    program="0.1.0",
                )
            )
            for camera in ("door", "till"):
                failed = (key, camera) == ("station", "till")
                connection.execute(
                    insert(CAMERAS).values(
                        site_id=site_id,
                        camera=camera,
                        name=camera.title(),
                        state="waiting" if failed else "running",
                        since=moment - 600,
                        reason="The camera does not answer." if failed else "",
                        restarts=3 if failed else 0,
                        moments_per_second=0.0 if failed else 28.0,
                        dropped=0,
                        damaged=0,
                        updated=moment - 60,
                    )
                )
            if key == "station":
                alert = {"rule": "sour", "name": "Sour mood", "camera": "door", "zone": ""}
                values = {"sentiment": "negative", "share": 0.47, "bound": 0.4, "minutes": 10.0}
                for ago, active in ((90_000, True), (88_000, False), (1200, True)):
                    connection.execute(
                        insert(ALERTS).values(
                            site_id=site_id, time=moment - ago, active=active, **alert, **values
                        )
                    )
            storage.store(
                connection,
                [SumBatch(site_id, zone, [*_sums(moment, days, negative, number)])],
            )


def _sums(now: float, days: int, negative: float, number: int) -> list[SiteSum]:
    """One minute every half hour."""
    found = []
    for step in range(days * 48):
        begin = int(now) // 60 * 60 - 60 - step * 1800
        share = round(10_000 * negative * (1 + 0.3 * math.sin(step / 90 + number)))
        positive = round((10_000 - share) * 0.4)
        shares = (positive, 10_000 - share - positive, share)
        for camera in ("door", "till"):
            for zone in ("", "queue"):
                few = zone == "queue" and step % 3 == 0
                row = SumRow(
                    camera=camera,
                    zone=zone,
                    appearances=3 if few else 9,
                    arrived=2 if few else 7,
                    watched=0 if zone else 60,
                    seen=None if few else 300_000,
                    speaking=None if few else 40_000,
                    positive=None if few else shares[0],
                    neutral=None if few else shares[1],
                    negative=None if few else shares[2],
                )
                found.append(SiteSum(begin, 60, 1, row))
    return found

"""Shops' alerts that quiet hours hold back, in headquarters' tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from sentistream.monitor.headquarters.fleet_tables import ALERTS, HELD
from sentistream.monitor.headquarters.shop_alerts import as_alert, names_of
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.observations import Alert, HeldAlert
from sentistream.monitor.store.database import read_transaction, write_transaction


class HeldShopAlerts:
    """Keeps them for the notifier. All methods raise ``StorageError``, as those of ``Store``.

    Args:
        engine: A database with the tables of headquarters.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._registry = SiteRegistry(engine)

    def alerts(
        self, *, since: float = 0.0, limit: int = 100, incident: str | None = None
    ) -> Sequence[Alert]:
        """The newest first; the start and the end of one incident where it is given."""
        statement = select(ALERTS).where(ALERTS.c.time >= since, ALERTS.c.incident != "")
        if incident is not None:
            statement = statement.where(ALERTS.c.incident == incident)
        statement = statement.order_by(ALERTS.c.time.desc(), ALERTS.c.id.desc()).limit(limit)
        with read_transaction(self._engine) as connection:
            rows = connection.execute(statement).all()
        return [alert for _, alert in self._alerts(rows)]

    def hold_alert(self, held: HeldAlert) -> int:
        """Stores one; returns its number."""
        values = {
            "channel": held.channel,
            "incident": held.alert.incident,
            "active": held.alert.active,
        }
        with write_transaction(self._engine) as connection:
            made = connection.execute(insert(HELD).values(values).returning(HELD.c.id))
            return int(made.scalar_one())

    def held_alerts(self) -> Sequence[HeldAlert]:
        """What is held, the oldest first; without those of shops that were removed."""
        statement = (
            select(HELD.c.id.label("number"), HELD.c.channel, ALERTS)
            .join(
                ALERTS,
                (ALERTS.c.incident == HELD.c.incident) & (ALERTS.c.active == HELD.c.active),
            )
            .order_by(HELD.c.id)
        )
        with read_transaction(self._engine) as connection:
            rows = connection.execute(statement).all()
        return [
            HeldAlert(number=row.number, channel=row.channel, alert=alert)
            for row, alert in self._alerts(rows)
        ]

    def release_alerts(self, numbers: Sequence[int]) -> None:
        """Deletes alerts that were held back and have been sent."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(HELD).where(HELD.c.id.in_(list(numbers))))

    def _alerts(self, rows: Sequence[Any]) -> list[tuple[Any, Alert]]:
        sites = {site.id: site for site in self._registry.sites()} if rows else {}
        known = [row for row in rows if row.site_id in sites]
        with read_transaction(self._engine) as connection:
            names = names_of(connection, {row.site_id for row in known})
        return [(row, as_alert(row, sites[row.site_id], names)) for row in known]

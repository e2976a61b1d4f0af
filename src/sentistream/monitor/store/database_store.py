"""The store of readings: the database behind ``interfaces.Store``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, delete, insert

from sentistream.errors import StorageError
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.interfaces import Aggregate, Step
from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    Annotation,
    Delivery,
    HeldAlert,
    SecondReading,
    Seconds,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import alert_log, backups, database_export, queries, retention
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.monitor.store.ingest import ingest, insert_into
from sentistream.monitor.store.reading_tables import ANNOTATIONS, PULSE
from sentistream.reports.table_formats import PLAIN, CsvStyle


class DatabaseStore:
    """Implements ``interfaces.Store``. Thread-safe.

    Args:
        engine: An opened and migrated database; disposed of by :meth:`close`.
        settings: Returns the current settings, so that changes apply at once:
            ``lambda: configuration.settings``.
    """

    def __init__(self, engine: Engine, settings: Callable[[], Settings]) -> None:
        self._engine = engine
        self._settings = settings

    def add(self, seconds: Sequence[Seconds]) -> None:
        """Stores readings and adds them to the aggregates, in one transaction; see ``Store``."""
        with write_transaction(self._engine) as connection:
            ingest(connection, seconds)

    def add_alert(self, alert: Alert) -> None:
        """Stores an alert; storing it again changes nothing."""
        with write_transaction(self._engine) as connection:
            alert_log.add_alert(connection, alert)

    def alerts(
        self, *, since: float = 0.0, limit: int = 100, incident: str | None = None
    ) -> Sequence[Alert]:
        """Alerts, the newest first."""
        with read_transaction(self._engine) as connection:
            return alert_log.alerts(connection, since=since, limit=limit, incident=incident)

    def end_open_alerts(self, time: float, reason: str) -> Sequence[Alert]:
        """Ends the alerts that an earlier run left open; returns the ends."""
        with write_transaction(self._engine) as connection:
            return alert_log.end_open_alerts(connection, time, reason)

    def acknowledge(self, given: Acknowledgement) -> Acknowledgement:
        """Stores who acknowledged an alert, unless somebody has; returns who did."""
        with write_transaction(self._engine) as connection:
            return alert_log.add_acknowledgement(connection, given)

    def acknowledgements(self, incidents: Sequence[str]) -> Mapping[str, Acknowledgement]:
        """The acknowledgements of some incidents, by incident."""
        with read_transaction(self._engine) as connection:
            return alert_log.acknowledgements(connection, incidents)

    def add_delivery(self, delivery: Delivery) -> None:
        """Stores a message's outcome."""
        with write_transaction(self._engine) as connection:
            alert_log.add_delivery(connection, delivery)

    def deliveries(self, *, incident: str | None = None, limit: int = 200) -> Sequence[Delivery]:
        """Outcomes of messages, the newest first."""
        with read_transaction(self._engine) as connection:
            return alert_log.deliveries(connection, incident=incident, limit=limit)

    def hold_alert(self, held: HeldAlert) -> int:
        """Stores what quiet hours hold back; returns its number."""
        with write_transaction(self._engine) as connection:
            return alert_log.hold(connection, held)

    def held_alerts(self) -> Sequence[HeldAlert]:
        """What quiet hours hold back, the oldest first."""
        with read_transaction(self._engine) as connection:
            return alert_log.held_alerts(connection)

    def release_alerts(self, numbers: Sequence[int]) -> None:
        """Deletes alerts that were held back and have been sent."""
        with write_transaction(self._engine) as connection:
            alert_log.release(connection, numbers)

    def annotations(self, *, begin: float, end: float) -> Sequence[Annotation]:
        """Annotations of [begin, end), the oldest first."""
        with read_transaction(self._engine) as connection:
            return queries.stored_annotations(connection, begin=begin, end=end)

    def add_annotation(self, annotation: Annotation) -> Annotation:
        """Stores an annotation; returns it with its number."""
        values = {
            "time": annotation.time,
            "camera": annotation.camera,
            "text": annotation.text,
            "author": annotation.author,
        }
        with write_transaction(self._engine) as connection:
            key = connection.execute(insert(ANNOTATIONS).values(values)).inserted_primary_key
        return replace(annotation, id=int(key[0]) if key is not None else 0)

    def remove_annotation(self, number: int) -> bool:
        """Removes an annotation; whether there was one of that number."""
        with write_transaction(self._engine) as connection:
            removed = connection.execute(delete(ANNOTATIONS).where(ANNOTATIONS.c.id == number))
        return removed.rowcount > 0

    def readings(
        self, *, begin: float, end: float, camera: str | None = None, limit: int = 10_000
    ) -> Sequence[SecondReading]:
        """Single readings of [begin, end), oldest first; shares rounded to 0.0001."""
        with read_transaction(self._engine) as connection:
            return queries.readings(connection, begin=begin, end=end, camera=camera, limit=limit)

    def history(
        self,
        step: Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Aggregate]:
        """Aggregates that begin in [begin, end), oldest first; small cells suppressed."""
        with read_transaction(self._engine) as connection:
            return list(
                queries.history(
                    connection,
                    step,
                    begin=begin,
                    end=end,
                    camera=camera,
                    zone=zone,
                    smallest=self._settings().privacy.smallest_group,
                )
            )

    def minute_sums(self, begin: int, end: int) -> Sequence[tuple[Aggregate, int]]:
        """Minutes of all cameras and zones for headquarters; see ``queries.minute_sums``."""
        smallest = self._settings().privacy.smallest_group
        with read_transaction(self._engine) as connection:
            return [*queries.minute_sums(connection, begin=begin, end=end, smallest=smallest)]

    def withheld_minutes(self, begin: int, end: int) -> Sequence[tuple[Aggregate, int]]:
        """The minutes that these withhold, combined; see ``queries.withheld_minutes``."""
        smallest = self._settings().privacy.smallest_group
        with read_transaction(self._engine) as connection:
            return [*queries.withheld_minutes(connection, begin=begin, end=end, smallest=smallest)]

    def aggregate(
        self, *, begin: float, end: float, camera: str | None = None, zone: str | None = ""
    ) -> Sequence[Aggregate]:
        """One aggregate per camera over the whole of [begin, end); small cells suppressed."""
        return self.totals([[(begin, end)]], camera=camera, zone=zone)[0]

    def totals(
        self,
        groups: Sequence[Sequence[tuple[float, float]]],
        *,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Sequence[Aggregate]]:
        """For each group of spans, one aggregate per camera and zone; small cells suppressed."""
        with read_transaction(self._engine) as connection:
            return queries.totals(
                connection,
                groups,
                camera=camera,
                zone=zone,
                smallest=self._settings().privacy.smallest_group,
            )

    def export(
        self,
        kind: Literal["csv", "parquet"],
        what: Literal["readings"] | Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        style: CsvStyle = PLAIN,
    ) -> Iterator[bytes]:
        """The bytes of an export, in chunks; docs/monitor-data.md documents its columns."""
        return database_export.export(
            self._engine,
            kind,
            what,
            begin=begin,
            end=end,
            camera=camera,
            smallest=self._settings().privacy.smallest_group,
            style=style,
            names=DisplayNames.of(self._settings()),
        )

    def erase(self, *, begin: float, end: float, camera: str | None = None) -> int:
        """Erases single readings of [begin, end); returns how many. Aggregates stay."""
        return retention.erase(self._engine, begin=begin, end=end, camera=camera)

    def apply_retention(self, now: float) -> None:
        """Deletes what is older than the settings allow, in small steps."""
        retention.apply_retention(self._engine, now, self._settings().storage)

    def backup(self, target: Path) -> None:
        """Copies the database (SQLite) while it is in use; older backups are left alone."""
        backups.backup(self._engine, target)

    def is_writable(self) -> bool:
        """Whether the database can be written now."""
        path = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and path and not Path(path).exists():
            return False  # deleted while open: writes would succeed and be lost
        pulse = insert_into(self._engine.dialect.name, PULSE).values(id=1, time=time.time())
        try:
            with write_transaction(self._engine) as connection:
                connection.execute(
                    pulse.on_conflict_do_update(
                        index_elements=[PULSE.c.id], set_={"time": pulse.excluded.time}
                    )
                )
        except StorageError:
            return False
        return True

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

"""The store of readings in a database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

from sentistream.errors import StorageError
from sentistream.monitor.interfaces import Step, Sum
from sentistream.monitor.observations import Alert, SecondReading, Seconds
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import additions, backups, export, queries, retention
from sentistream.monitor.store.database import reading, writing
from sentistream.monitor.store.tables import ALERTS, PULSE
from sentistream.reports.csv_style import PLAIN, CsvStyle


class DatabaseStore:
    """Implements ``interfaces.Store``. Safe from several threads.

    Args:
        engine: An opened database, brought up to date; disposed of by :meth:`close`.
        settings: Gives the settings in force, so that changes count at once:
            ``lambda: configuration.settings``.
    """

    def __init__(self, engine: Engine, settings: Callable[[], Settings]) -> None:
        self._engine = engine
        self._settings = settings

    def add(self, seconds: Sequence[Seconds]) -> None:
        """Stores readings and adds them to the sums, in one transaction; see ``Store``."""
        with writing(self._engine) as connection:
            additions.add(connection, seconds)

    def add_alert(self, alert: Alert) -> None:
        """Stores an alert, once however often it is given."""
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        with writing(self._engine) as connection:
            connection.execute(
                kind.insert(ALERTS).on_conflict_do_nothing(),
                {
                    "rule": alert.rule,
                    "name": alert.name,
                    "camera": alert.camera,
                    "zone": alert.zone,
                    "time": alert.time,
                    "active": alert.active,
                    "sentiment": alert.sentiment,
                    "share": alert.share,
                    "bound": alert.limit,
                    "minutes": alert.minutes,
                },
            )

    def alerts(self, *, since: float = 0.0, limit: int = 100) -> Sequence[Alert]:
        """Alerts, the newest first."""
        with reading(self._engine) as connection:
            return queries.alerts(connection, since=since, limit=limit)

    def readings(
        self, *, begin: float, end: float, camera: str | None = None, limit: int = 10_000
    ) -> Sequence[SecondReading]:
        """Single readings of [begin, end), oldest first; shares rounded to 0.0001."""
        with reading(self._engine) as connection:
            return queries.readings(connection, begin=begin, end=end, camera=camera, limit=limit)

    def history(
        self,
        step: Step,
        *,
        begin: float,
        end: float,
        camera: str | None = None,
        zone: str | None = "",
    ) -> Sequence[Sum]:
        """Sums that begin in [begin, end), oldest first; small groups withheld."""
        with reading(self._engine) as connection:
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

    def together(
        self, *, begin: float, end: float, camera: str | None = None, zone: str = ""
    ) -> Sequence[Sum]:
        """One sum a camera over the whole of [begin, end); small groups withheld."""
        with reading(self._engine) as connection:
            return queries.together(
                connection,
                begin=begin,
                end=end,
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
        """A file's bytes piece by piece; docs/monitor-data.md has its columns."""
        return export.export(
            self._engine,
            kind,
            what,
            begin=begin,
            end=end,
            camera=camera,
            smallest=self._settings().privacy.smallest_group,
            style=style,
        )

    def forget(self, *, begin: float, end: float, camera: str | None = None) -> int:
        """Deletes single readings of [begin, end); returns how many. Sums stay."""
        return retention.forget(self._engine, begin=begin, end=end, camera=camera)

    def tidy(self, now: float) -> None:
        """Deletes what is older than the settings allow, a little at a time."""
        retention.tidy(self._engine, now, self._settings().storage)

    def backup(self, target: Path) -> None:
        """A whole copy (SQLite) while it is written to; older copies are left alone."""
        backups.backup(self._engine, target)

    def is_well(self) -> bool:
        """Whether it can be written to now."""
        path = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and path and not Path(path).exists():
            return False  # deleted under us: it would still take everything, for nothing
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        pulse = kind.insert(PULSE).values(id=1, time=time.time())
        try:
            with writing(self._engine) as connection:
                connection.execute(
                    pulse.on_conflict_do_update(
                        index_elements=[PULSE.c.id], set_={"time": pulse.excluded.time}
                    )
                )
        except StorageError:
            return False
        return True

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

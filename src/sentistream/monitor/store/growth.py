"""What a batch adds to the sums."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from sentistream.monitor.interfaces import Step
from sentistream.monitor.store.steps import stretch
from sentistream.monitor.store.tables import SUMS
from sentistream.monitor.store.upserts import add_to

SumKey = tuple[Step, int, str, str]
"""Step, begin, camera, zone."""


@dataclass(slots=True)
class Increase:
    """What is added to one row of ``sums``; units as there."""

    people: int = 0
    arrived: int = 0
    seen: int = 0
    speaking: int = 0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    watched: int = 0


class Growth:
    """Increases of all rows of ``sums`` that a batch touches."""

    def __init__(self) -> None:
        self._increases: dict[SumKey, Increase] = {}

    def of(self, step: Step, begin: int, camera: str, zone: str) -> Increase:
        """Of one row; nothing at first."""
        return self._increases.setdefault((step, begin, camera, zone), Increase())

    def apply(self, connection: Connection) -> None:
        """Adds it all to the database, in the order of the keys."""
        rows = [
            {
                "step": str(step),
                "begin": begin,
                "camera": camera,
                "zone": zone,
                "end": stretch(step, begin)[1],
                **asdict(increase),
            }
            for (step, begin, camera, zone), increase in sorted(
                self._increases.items(), key=lambda item: item[0]
            )
        ]
        add_to(connection, SUMS, rows, added=Increase.__slots__)

"""Weeks of synthetic visitors, written as the sums of their readings."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import EVERYWHERE, SecondReading, Seconds
from sentistream.monitor.store.buckets import bucket_bounds
from sentistream.monitor.store.database import write_transaction
from sentistream.monitor.store.reading_tables import MILLISECONDS, OUTSIDE, SHARES, SUMS
from sentistream.types import Label

CAMERAS = ("entrance", "hall", "tills", "terrace")
ZONES = ("door", "till", "shelf", "queue", "window", "stairs")
OPEN = frozenset(range(9, 20))
"""Opening hours, with all visits."""
WATCHED = frozenset(range(8, 22))
"""Hours in which the cameras run."""
HOUR = 3_600
DAY = 86_400
STEPS = tuple(Step)
_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Visit:
    """One appearance: a face that stays in one zone, with constant shares.

    Attributes:
        begin: First second.
        stay: Duration, whole seconds.
        shares: Positive, neutral, negative, in ten-thousandths; they add up to 10,000.
    """

    camera: str
    zone: str
    begin: int
    stay: int
    shares: tuple[int, int, int]


def visits(
    begin: int,
    end: int,
    *,
    cameras: tuple[str, ...] = CAMERAS,
    an_hour: float = 30,
    opened: Container[int] = OPEN,
    seed: int = 1,
) -> Iterator[Visit]:
    """Visitors of [begin, end) in opening hours: many and negative at noon and five, at tills.

    Args:
        begin, end: Whole seconds.
        cameras: Keys; the last one sees a third of the visitors.
        an_hour: Visitors of a camera per busy hour.
        opened: Opening hours.
        seed: Of the random generator.
    """
    chance = random.Random(seed)  # noqa: S311
    for start in range(begin - begin % HOUR, end, HOUR):
        local = datetime.fromtimestamp(start)
        if local.hour not in opened:
            continue
        rush = 1.5 if local.hour in (12, 17) else 0.8 if local.weekday() < 5 else 1.2
        for camera in cameras:
            few = 3 if camera == cameras[-1] else 1
            for _ in range(round(an_hour / few * rush * chance.uniform(0.7, 1.3))):
                zone = chance.choice((*ZONES, EVERYWHERE))
                grim = 0.2 + 0.12 * (local.hour in (12, 17)) + 0.1 * (zone == "till")
                negative = chance.betavariate(6 * grim, 6 * (1 - grim))
                positive = (1 - negative) * chance.betavariate(3, 4)
                generated = Visit(
                    camera=camera,
                    zone=zone,
                    begin=start + chance.randrange(HOUR),
                    stay=1 + min(round(chance.expovariate(1 / 60)), 900),
                    shares=_ten_thousandths(positive, negative),
                )
                if begin <= generated.begin and generated.begin + generated.stay <= end:
                    yield generated


def _ten_thousandths(positive: float, negative: float) -> tuple[int, int, int]:
    first, last = math.floor(positive * SHARES), math.floor(negative * SHARES)
    return first, SHARES - first - last, last


def fill(
    engine: Engine,
    begin: int,
    end: int,
    *,
    an_hour: float = 30,
    opened: Container[int] = OPEN,
    watched: Container[int] = WATCHED,
) -> int:
    """Write the sums of all visits, and of the watched hours, into an empty database.

    Returns:
        Number of rows.
    """
    rows: dict[tuple[Step, int, str, str], list[int]] = defaultdict(lambda: [0] * 8)
    for visit in visits(begin, end, an_hour=an_hour, opened=opened):
        _add(rows, visit)
    for minute in range(begin - begin % 60, end, 60):
        if datetime.fromtimestamp(minute).hour in watched:
            for step in STEPS:
                start = bucket_bounds(step, minute)[0]
                for camera in CAMERAS:
                    rows[step, start, camera, EVERYWHERE][7] += min(60, end - minute)
    values = [
        (str(step), start, camera, zone, bucket_bounds(step, start)[1], *counted)
        for (step, start, camera, zone), counted in sorted(rows.items(), key=lambda item: item[0])
    ]
    # directly by the driver: SQLAlchemy's parameters take longer than SQLite's inserts
    statement = f"INSERT INTO {SUMS.name} VALUES ({', '.join('?' * len(SUMS.c))})"  # noqa: S608
    for place in range(0, len(values), _ROWS):
        with write_transaction(engine) as connection:
            connection.exec_driver_sql(statement, values[place : place + _ROWS])
    return len(values)


def _add(rows: dict[tuple[Step, int, str, str], list[int]], visit: Visit) -> None:
    for zone in (EVERYWHERE, visit.zone or OUTSIDE):
        for step in STEPS:
            begin = visit.begin
            arrived = 1
            while begin < visit.begin + visit.stay:
                start, stop = bucket_bounds(step, begin)
                seen = (min(stop, visit.begin + visit.stay) - begin) * MILLISECONDS
                row = rows[step, start, visit.camera, zone]
                row[0] += 1
                row[1] += arrived
                row[2] += seen
                row[3] += seen // 4
                for place, share in enumerate(visit.shares):
                    row[4 + place] += share * seen
                arrived, begin = 0, stop


def readings(generated: list[Visit], begin: int, end: int) -> list[Seconds]:
    """The same as per-second camera readings, with all cameras watching."""
    by_second: dict[tuple[int, str], list[SecondReading]] = defaultdict(list)
    for number, visit in enumerate(generated):
        for second in range(visit.begin, visit.begin + visit.stay):
            positive, neutral, negative = (share / SHARES for share in visit.shares)
            by_second[second, visit.camera].append(
                SecondReading(
                    camera=visit.camera,
                    zone=visit.zone,
                    second=second,
                    track=f"t{number}",
                    positive=positive,
                    neutral=neutral,
                    negative=negative,
                    label=Label.NEUTRAL,
                    seen=1.0,
                    speaking=0.25,
                )
            )
    return [
        Seconds(camera=camera, second=second, readings=tuple(by_second[second, camera]))
        for second in range(begin, end)
        for camera in CAMERAS
    ]

"""How fast the monitor's database stores readings and answers the page's queries.

Fills it with seconds of four cameras with three faces each, and with minutes of the weeks before,
then runs the page's queries.

Usage: python -m benchmarks.store [--days 7] [--month 30] [--url URL] [--json FILE]
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from sentistream.benchmarking.system_facts import describe_machine
from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import SecondReading, Seconds
from sentistream.monitor.settings import Settings
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.types import Label

CAMERAS = ("door", "till", "shelf", "yard")
FACES = 3
STAY = 40
"""Seconds for which a face stays."""
END = 1_767_571_200
"""2026-01-05 00:00 UTC."""
DAY = 86_400
LIMIT_MS = 100.0
"""Limit for a week by the hour; beyond it the page feels slow."""


@click.command()
@click.option("--days", default=7.0, show_default=True, help="Days of seconds.")
@click.option("--month", default=30.0, show_default=True, help="Days of minutes, those included.")
@click.option("--url", default="", help="A database to fill; default: a temporary SQLite file.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(days: float, month: float, url: str, json_file: Path | None) -> None:
    """Measure the database of readings."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "readings.sqlite3"
        engine = open_database(url or f"sqlite:///{path}")
        migrate(engine)
        result: dict[str, Any] = {"machine": describe_machine(), "database": engine.dialect.name}
        result |= _measure(DatabaseStore(engine, Settings), days, month)
        if not url:
            engine.dispose()
            result["megabytes"] = round(path.stat().st_size / 1e6, 1)
    for key, value in result.items():
        click.echo(f"{key}: {value}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    if result["a_week_by_hour_ms"] > LIMIT_MS:
        raise click.ClickException(f"A week by the hour takes more than {LIMIT_MS:g} ms.")


def _measure(store: DatabaseStore, days: float, month: float) -> dict[str, Any]:
    begin = int(END - days * DAY)
    for batch in _batches(_seconds(int(END - month * DAY), begin, 60)):
        store.add(batch)
    started, readings = time.perf_counter(), 0
    for batch in _batches(_seconds(begin, END, 1)):
        store.add(batch)
        readings += len(batch) * FACES
    filled = time.perf_counter() - started
    live = [
        _milliseconds(partial(store.add, list(_seconds(second, second + 1, 1))))
        for second in range(END, END + 200)
    ]
    week: dict[str, Any] = {"begin": END - 7 * DAY, "end": END}
    queries: dict[str, Callable[[], Sequence[object]]] = {
        "a_week_by_hour_ms": lambda: store.history(Step.HOUR, **week),
        "a_week_by_hour_with_zones_ms": lambda: store.history(Step.HOUR, **week, zone=None),
        "a_week_of_one_camera_ms": lambda: store.history(Step.HOUR, **week, camera="door"),
        "a_day_by_minute_ms": lambda: store.history(Step.MINUTE, begin=END - DAY, end=END),
        "a_month_by_day_ms": lambda: store.history(Step.DAY, begin=END - 30 * DAY, end=END),
        "a_week_together_ms": lambda: store.aggregate(begin=END - 7 * DAY - 90, end=END - 90),
        "ten_minutes_together_ms": lambda: store.aggregate(begin=END - 600, end=END),
        "a_minute_of_readings_ms": lambda: store.readings(begin=END - 60, end=END),
    }
    result: dict[str, Any] = {
        "readings": readings,
        "readings_a_second": round(readings / filled),
        "one_second_of_all_cameras_ms": round(statistics.median(live), 2),
    }
    for name, query in queries.items():
        result[name] = round(statistics.median(_milliseconds(query) for _ in range(9)), 2)
    return result


def _seconds(begin: int, end: int, every: int) -> Iterator[Seconds]:
    for second in range(begin, end, every):
        for camera in CAMERAS:
            yield Seconds(
                camera=camera,
                second=second,
                readings=tuple(
                    SecondReading(
                        camera=camera,
                        zone="",
                        second=second,
                        track=f"{(second // STAY * FACES + face) * 2654435761 % 2**48:012x}",
                        positive=0.25,
                        neutral=0.5,
                        negative=0.25,
                        label=Label.NEUTRAL,
                        seen=1.0,
                        speaking=0.2,
                    )
                    for face in range(FACES)
                ),
            )


def _batches(seconds: Iterator[Seconds]) -> Iterator[list[Seconds]]:
    while batch := list(itertools.islice(seconds, 4_000)):
        yield batch


def _milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()

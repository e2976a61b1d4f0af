"""Exported files: content, streaming, and their documentation."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from sentistream.errors import MissingExtraError
from sentistream.monitor.api.series_file import SERIES_COLUMNS
from sentistream.monitor.interfaces import Step
from sentistream.monitor.settings import Settings, StorageSettings
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store import database_export as module
from sentistream.monitor.store.database_export import AGGREGATE_COLUMNS, READING_COLUMNS
from sentistream.monitor.store.export_columns import Column, schema_of
from sentistream.monitor.store.reading_tables import METADATA
from sentistream.reports.table_formats import spreadsheet_style
from store.sample_readings import TEN, crowd, reading, seconds, settings

DOCUMENT = (Path(__file__).parents[3] / "docs" / "monitor-data.md").read_text("utf-8")


def csv_rows(pieces: Iterator[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))


def parquet_rows(pieces: Iterator[bytes]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(b"".join(pieces))).to_pylist()
    return rows


def fill(store: DatabaseStore) -> None:
    store.add(crowd(TEN, TEN + 130, "abcde"))
    store.add(crowd(TEN, TEN + 130, "f", zone="shelf"))
    store.add([seconds(TEN, reading(TEN, "g", camera="till", seen=0.5), camera="till")])


def test_readings_are_exported_as_csv(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 7)  # page breaks within seconds, cameras and zones
    fill(store)
    rows = csv_rows(store.export("csv", "readings", begin=TEN, end=TEN + 100))
    assert rows[0] == {
        "time": "2026-01-05T10:00:00Z",
        "camera": "door",
        "zone": "",
        "track": "a",
        "positive": "0.2000",
        "neutral": "0.5000",
        "negative": "0.3000",
        "label": "neutral",
        "seen": "1.000",
        "speaking": "0.000",
        "time_local": local(TEN),
        "camera_name": "door",
        "zone_name": "",
    }
    keys = [(row["time"], row["camera"], row["zone"], row["track"]) for row in rows]
    assert keys == sorted(set(keys))
    assert len(keys) == 601
    only = csv_rows(store.export("csv", "readings", begin=TEN, end=TEN + 100, camera="till"))
    assert [(row["camera"], row["seen"]) for row in only] == [("till", "0.500")]


def local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def test_names_of_cameras_and_zones_are_exported(engine: Engine) -> None:
    corners = [[0, 0], [1, 0], [1, 1]]
    zone = {"name": "shelf", "title": "Top shelf", "points": corners}
    cameras = {"door": {"name": "=2+3", "source": "0", "zones": [zone]}}
    store = DatabaseStore(engine, lambda: Settings.model_validate({"cameras": cameras}))
    fill(store)

    def rows(**style: Any) -> set[tuple[str, str]]:
        text = b"".join(store.export("csv", "readings", begin=TEN, end=TEN + 2, **style))
        found = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
        return {(row["camera_name"], row["zone_name"]) for row in found}

    # a removed camera is named by its key
    assert rows() == {("=2+3", ""), ("=2+3", "Top shelf"), ("till", "")}
    # and no name is evaluated as a formula
    assert rows(style=spreadsheet_style(".")) == {
        ("'=2+3", ""),
        ("'=2+3", "Top shelf"),
        ("till", ""),
    }


def test_csv_for_spreadsheets(store: DatabaseStore) -> None:
    fill(store)

    def exported(**style: Any) -> bytes:
        return b"".join(store.export("csv", Step.MINUTE, begin=TEN, end=TEN + 120, **style))

    plain = exported().decode()
    with_points = exported(style=spreadsheet_style(".")).decode()
    assert with_points.startswith("\N{ZERO WIDTH NO-BREAK SPACE}begin,")
    with_commas = exported(style=spreadsheet_style(",")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(with_commas), delimiter=";"))
    assert rows[0]["positive"] == "0,2000"
    texts = csv_rows(iter([plain.encode()]))
    timed = {"begin", "end", "begin_local", "end_local"}
    assert [
        {key: value.replace(",", ".") for key, value in row.items() if key not in timed}
        for row in rows
    ] == [{key: value for key, value in row.items() if key not in timed} for row in texts]
    # spreadsheets read this as a time, but accept neither a letter nor an offset
    assert rows[0]["begin"] == "2026-01-05 10:00:00"
    assert rows[0]["begin_local"] == f"{datetime.fromtimestamp(TEN):%Y-%m-%d %H:%M:%S}"
    assert texts[0]["begin_local"] == local(TEN)
    none = b"".join(store.export("csv", Step.DAY, begin=0, end=60, style=spreadsheet_style(",")))
    assert none.decode("utf-8-sig").startswith("begin;end;camera")


def test_parquet_readings_equal_the_csv(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 50)
    fill(store)
    rows = parquet_rows(store.export("parquet", "readings", begin=TEN, end=TEN + 100))
    assert rows[0]["time"] == datetime(2026, 1, 5, 10, tzinfo=UTC)
    texts = csv_rows(store.export("csv", "readings", begin=TEN, end=TEN + 100))
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert f"{row['time']:%Y-%m-%dT%H:%M:%SZ}" == text["time"]
        assert row["track"] == text["track"]
        assert row["seen"] == float(text["seen"])


@pytest.mark.parametrize("step", Step)
def test_exported_sums_equal_the_history(engine: Engine, step: Step) -> None:
    store = DatabaseStore(engine, lambda: settings(5))
    fill(store)
    store.add(crowd(TEN + 40 * 86_400, TEN + 40 * 86_400 + 60, "abcde"))
    expected = store.history(step, begin=0, end=4e9, zone=None)
    rows = parquet_rows(store.export("parquet", step, begin=0, end=4e9))
    assert [(r["begin"].timestamp(), r["camera"], r["zone"], r["appearances"]) for r in rows] == [
        (s.begin, s.camera, s.zone, s.appearances) for s in expected
    ]
    assert [(r["seen"], r["positive"], r["watched"]) for r in rows] == [
        (s.seen, s.positive, s.watched) for s in expected
    ]
    assert any(s.is_withheld for s in expected)
    texts = csv_rows(store.export("csv", step, begin=0, end=4e9))
    assert [row["seen"] for row in texts] == [
        "" if s.seen is None else f"{s.seen:.3f}" for s in expected
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("what", ["readings", Step.HOUR])
def test_empty_export_is_a_file_too(
    store: DatabaseStore, kind: Literal["csv", "parquet"], what: Literal["readings"] | Step
) -> None:
    content = b"".join(store.export(kind, what, begin=0, end=4e9))
    columns = READING_COLUMNS if what == "readings" else AGGREGATE_COLUMNS
    names = [column.name for column in columns]
    if kind == "csv":
        assert content.decode() == ",".join(names) + "\n"
    else:
        table = pq.read_table(io.BytesIO(content))
        assert table.num_rows == 0
        assert table.schema.names == names


@pytest.mark.usefixtures("without_pyarrow")
def test_csv_needs_no_pyarrow(store: DatabaseStore) -> None:
    fill(store)
    assert csv_rows(store.export("csv", "readings", begin=TEN, end=TEN + 100))
    with pytest.raises(MissingExtraError, match=r"sentistream\[parquet\]"):
        store.export("parquet", "readings", begin=TEN, end=TEN + 100)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, kind: Literal["csv", "parquet"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 200)
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(engine)
    store = DatabaseStore(engine, settings)
    store.add(crowd(TEN, TEN + 3_000, "abc"))

    def peak(end: float) -> int:
        tracemalloc.start()
        for _ in store.export(kind, "readings", begin=TEN, end=end):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(TEN + 200)
    short, long = peak(TEN + 200), peak(TEN + 3_000)
    assert long < short + 300_000, (short, long)
    store.close()


def test_slow_download_does_not_block_writers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 10)
    store = DatabaseStore(engine, settings)
    store.add(crowd(TEN, TEN + 100, "abc"))
    pieces = store.export("csv", "readings", begin=TEN, end=TEN + 101)
    read = next(pieces)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    store.erase(begin=TEN + 50, end=TEN + 60)
    store.add(crowd(TEN + 100, TEN + 101, "abc"))
    rows = csv_rows(iter([read, *pieces]))
    assert len(rows) == 3 * (100 - 10 + 1)


def _documented(title: str) -> list[tuple[str, str]]:
    section = DOCUMENT.partition(f"### {title}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(\w+)` \| ([^|]+?) \|.*\|.*\|$", section, re.MULTILINE)


def _type_of(field: pa.Field) -> str:
    return "timestamp, UTC" if pa.types.is_timestamp(field.type) else str(field.type)


@pytest.mark.parametrize(
    ("title", "columns"),
    [
        ("Single readings", READING_COLUMNS),
        ("Aggregates by minute, hour or day", AGGREGATE_COLUMNS),
        ("Series: a view of the history", SERIES_COLUMNS),
    ],
)
def test_every_column_is_documented_in_order_with_its_type(
    title: str, columns: list[Column]
) -> None:
    fields = schema_of(pa, columns)
    assert _documented(title) == [(field.name, _type_of(field)) for field in fields]


def test_every_table_is_documented() -> None:
    section = DOCUMENT.partition("### Tables")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert named == {*METADATA.tables, "alembic_version"}


def test_documented_limits_match_the_settings() -> None:
    storage = StorageSettings()
    for name in ("seconds_days", "minutes_days", "hours_days"):
        days = getattr(storage, name)
        assert re.search(rf"\| {days} days \| `storage\.{name}` \|", DOCUMENT)

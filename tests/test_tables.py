"""Readings as Arrow, pandas and polars tables, and an analysis in an event loop."""

from __future__ import annotations

import asyncio
import csv
import math
import sys
from pathlib import Path
from typing import Any

import pytest

import sentistream
from sentistream import tables
from sentistream.errors import MissingExtraError
from sentistream.reports.readings_table import CsvTable
from sentistream.tables import COLUMNS
from sentistream.types import Reading, UInt8Array
from synthetic_clips import clicks, moving_face, write_clip
from synthetic_readings import moments

READINGS = [reading for _, readings in moments(3) for reading in readings]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    """0.8 seconds of a moving face."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return write_clip(path, moving_face(portrait, 20, step=2), clicks(0.8, 48_000, (0.3,)))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The rows of ``readings.csv``."""
    path = tmp_path_factory.mktemp("table") / "readings.csv"
    with CsvTable(path, mouth_threshold=0.5) as table:
        for moment, readings in moments(3):
            table.add(moment, readings)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(value: Any, text: str, digits: int | None) -> bool:
    if str(value) in ("None", "nan", "<NA>"):
        return text == ""
    if digits is None:
        return str(value) == text
    return math.isclose(float(value), float(text), abs_tol=0.6 * 10**-digits, rel_tol=1e-6)


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_table_equals_the_csv(kind: str, rows: list[dict[str, str]]) -> None:
    table: Any = getattr(tables, f"to_{kind}")(READINGS, 0.5)
    names = table.column_names if kind == "arrow" else list(table.columns)
    assert names == [column.name for column in COLUMNS]
    for column in COLUMNS:
        values = table[column.name].to_pylist() if kind == "arrow" else table[column.name].to_list()
        assert len(values) == len(rows)
        wrong = [
            (value, row[column.name])
            for value, row in zip(values, rows, strict=True)
            if not same(value, row[column.name], column.digits)
        ]
        assert wrong == []


def test_tables_have_the_documented_types() -> None:
    arrow = tables.to_arrow(READINGS, 0.5)
    assert [str(field.type) for field in arrow.schema] == [
        {"float64": "double", "float32": "float"}.get(column.type, column.type)
        for column in COLUMNS
    ]
    pandas: Any = tables.to_pandas(READINGS, 0.5)
    assert [str(one).lower() for one in pandas.dtypes] == [column.type for column in COLUMNS]
    polars: Any = tables.to_polars(READINGS, 0.5)
    assert [str(one).lower() for one in polars.dtypes] == [column.type for column in COLUMNS]


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_empty_table_has_its_columns(kind: str) -> None:
    table: Any = getattr(tables, f"to_{kind}")([], 0.5)
    assert table.shape == (0, len(COLUMNS))


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        ("arrow", "pyarrow", "parquet"),
        ("pandas", "pandas", "pandas"),
        ("polars", "polars", "polars"),
    ],
)
def test_missing_package_is_reported(
    kind: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'sentistream\[{extra}\]'"):
        getattr(tables, f"to_{kind}")(READINGS, 0.5)


def test_analysis_becomes_a_table_and_is_closed(clip: Path) -> None:
    readings = list(sentistream.analyze(clip))
    assert any(reading.track for reading in readings)
    analysis = sentistream.analyze(clip)
    frame = analysis.to_pandas()
    assert frame["time"].to_list() == [reading.time for reading in readings]
    assert frame["label"].to_list() == [reading.label.value for reading in readings]
    assert list(analysis) == []


def test_tick_reduces_the_moments(clip: Path) -> None:
    with sentistream.analyze(clip, every=0.1) as analysis:
        times = sorted({reading.time for reading in analysis})
        assert analysis.profile.tick == 0.1
    assert times == pytest.approx([0.1 * n for n in range(len(times))])
    assert 7 <= len(times) <= 9
    for every in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="more than 0 seconds apart"):
            sentistream.analyze(clip, every=every)


def test_event_loop_continues_during_an_analysis(clip: Path) -> None:
    async def read() -> tuple[list[Reading], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        beside = asyncio.create_task(turn())
        async with sentistream.analyze(clip) as analysis:
            found = [reading async for reading in analysis]
        beside.cancel()
        return found, turns

    found, turns = asyncio.run(read())
    assert [one.time for one in found] == [one.time for one in sentistream.analyze(clip)]
    assert turns > 10


def test_leaving_the_async_iteration_early_closes_the_analysis(clip: Path) -> None:
    async def read() -> list[Reading]:
        async with sentistream.analyze(clip) as analysis:
            async for _ in analysis:
                break
        return list(analysis)

    assert asyncio.run(read()) == []

"""A history series as a file: one row per part, as on the page and in the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.insight import Point, Series
from sentistream.monitor.store.export_columns import (
    TIME,
    Column,
    csv_pieces,
    local_time,
    parquet_pieces,
    utc_time,
)
from sentistream.parquet import load_pyarrow
from sentistream.reports.table_formats import CsvStyle
from sentistream.types import SENTIMENTS

DIGITS = 4
"""Decimals of shares, as in exports."""


def series_file(
    series: Series, kind: Literal["csv", "parquet"], *, style: CsvStyle, names: DisplayNames
) -> bytes:
    """The parts of a series; ``style`` is that of CSV.

    Raises:
        MissingExtraError: A Parquet file is requested and pyarrow is not installed.
    """
    rows = [series.parts]
    if kind == "csv":
        return b"".join(csv_pieces(SERIES_COLUMNS, rows, style, names))
    pyarrow = load_pyarrow("A Parquet file")
    return b"".join(parquet_pieces(pyarrow, SERIES_COLUMNS, rows, names))


def _figure(name: str, type_: str, digits: int | None = None) -> Column:
    return Column(name, type_, lambda point, _: getattr(point.figures, name), digits)


def _number(name: str, of: Callable[[Point], Any], edge: str) -> Column:
    """An edge of an interval, empty if there is none."""

    def value(point: Point, _: DisplayNames) -> float | None:
        found = of(point)
        return None if found is None else round(float(getattr(found, edge)), DIGITS)

    return Column(name, "float64", value, DIGITS)


def _share(sentiment: str) -> tuple[Column, ...]:
    return tuple(
        _number(sentiment + end, lambda point: point.figures.share(sentiment), edge)
        for end, edge in (("", "value"), ("_low", "low"), ("_high", "high"))
    )


def _usual(name: str, of: Callable[[Point], Any]) -> tuple[Column, ...]:
    return tuple(_number(f"{name}_{edge}", of, edge) for edge in ("median", "low", "high"))


def _before(name: str, type_: str, of: Callable[[Any], Any]) -> Column:
    return Column(
        name, type_, lambda point, _: None if point.compared is None else of(point.compared)
    )


def _change(point: Point) -> Any:
    return None if point.compared is None else point.compared.negative


SERIES_COLUMNS: Sequence[Column] = (
    Column("begin", TIME, lambda point, _: utc_time(point.figures.span.begin)),
    Column("end", TIME, lambda point, _: utc_time(point.figures.span.end)),
    _figure("camera", "string"),
    _figure("zone", "string"),
    Column("known", "string", lambda point, _: point.figures.known.value),
    _figure("appearances", "int64"),
    Column("watched", "float64", lambda point, _: float(round(point.figures.watched)), 0),
    *(_figure(name, "float64", 3) for name in ("seen", "speaking", "dwell")),
    *(column for sentiment in SENTIMENTS for column in _share(sentiment)),
    *_usual("usual_negative", lambda point: point.usual.negative),
    *_usual("usual_appearances", lambda point: point.usual.appearances),
    Column("verdict", "string", lambda point, _: point.verdict("negative").value),
    _before("before_appearances", "int64", lambda compared: compared.before.appearances),
    _before("before_incomplete", "bool", lambda compared: compared.is_incomplete),
    _number("negative_change", _change, "value"),
    _number("negative_change_low", _change, "low"),
    _number("negative_change_high", _change, "high"),
    Column("begin_local", "string", lambda point, _: local_time(point.figures.span.begin)),
    Column("end_local", "string", lambda point, _: local_time(point.figures.span.end)),
    Column(
        "camera_name",
        "string",
        lambda point, names: names.camera(point.figures.camera) if point.figures.camera else "",
    ),
    Column(
        "zone_name",
        "string",
        lambda point, names: names.zone(point.figures.camera, point.figures.zone),
    ),
)
"""One row per part; docs/monitor-data.md explains them."""

"""Readings as a table: its columns, and tables of Arrow, pandas and polars.

This is the only place that defines the columns; ``docs/outputs.md`` explains them to users.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentistream.errors import MissingExtraError
from sentistream.types import SENTIMENTS, Reading

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Stable; never renamed.
        type: Its Arrow type by name.
        digits: Decimals written to CSV; None for values that are not fractions.
        value: Its value for a reading and the threshold from which a mouth counts as open.
    """

    name: str
    type: str
    digits: int | None
    value: Callable[[Reading, float], Value]


def mouth_state(mouth_open: float | None, threshold: float) -> str | None:
    """``open`` or ``closed`` (Equation 2); None if it is not known."""
    if mouth_open is None:
        return None
    return "open" if mouth_open >= threshold else "closed"


def _probability(kind: str, name: str) -> Callable[[Reading, float], Value]:
    def value(reading: Reading, _: float) -> Value:
        distribution = reading.momentary if kind == "momentary" else reading.smoothed
        return None if distribution is None else float(getattr(distribution, name))

    return value


def _angle(name: str) -> Callable[[Reading, float], Value]:
    def value(reading: Reading, _: float) -> Value:
        pose = reading.face.pose if reading.face else None
        return None if pose is None else float(getattr(pose, name))

    return value


COLUMNS = (
    Column("time", "float64", 6, lambda r, _: r.time),
    Column("track", "int32", None, lambda r, _: r.track),
    Column("left", "float32", 1, lambda r, _: r.face.box.left if r.face else None),
    Column("top", "float32", 1, lambda r, _: r.face.box.top if r.face else None),
    Column("width", "float32", 1, lambda r, _: r.face.box.width if r.face else None),
    Column("height", "float32", 1, lambda r, _: r.face.box.height if r.face else None),
    Column("mouth_open", "float32", 6, lambda r, _: r.mouth_open),
    Column("mouth", "string", None, lambda r, threshold: mouth_state(r.mouth_open, threshold)),
    Column("branch", "string", None, lambda r, _: r.branch.value),
    *(
        Column(f"{kind}_{name}", "float32", 6, _probability(kind, name))
        for kind in ("momentary", "smoothed")
        for name in SENTIMENTS
    ),
    Column("label", "string", None, lambda r, _: r.label.value),
    Column("flags", "string", None, lambda r, _: " ".join(flag.value for flag in r.flags)),
    Column("yaw", "float32", 1, _angle("yaw")),
    Column("pitch", "float32", 1, _angle("pitch")),
    Column("roll", "float32", 1, _angle("roll")),
    Column("voice_share", "float32", 6, lambda r, _: r.voice_share),
)


def to_arrow(readings: Iterable[Reading], mouth_threshold: float) -> pyarrow.Table:
    """Readings as an Arrow table, one row each, with the columns and types of ``COLUMNS``.

    Args:
        readings: Any.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow = _load("pyarrow", "parquet")
    columns = _columns(readings, mouth_threshold)
    schema = arrow.schema([(column.name, column.type) for column in COLUMNS])
    table: pyarrow.Table = arrow.table(columns, schema=schema)
    return table


def to_pandas(readings: Iterable[Reading], mouth_threshold: float) -> pandas.DataFrame:
    """Readings as a pandas data frame, one row each; see ``to_arrow``.

    Missing values are NaN, or ``<NA>`` in ``track`` and in text columns.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    library = _load("pandas", "pandas")
    columns = _columns(readings, mouth_threshold)
    types = {"int32": "Int32", "string": "string"}
    frame: pandas.DataFrame = library.DataFrame(
        {
            column.name: library.Series(
                columns[column.name], dtype=types.get(column.type, column.type)
            )
            for column in COLUMNS
        }
    )
    return frame


def to_polars(readings: Iterable[Reading], mouth_threshold: float) -> polars.DataFrame:
    """Readings as a polars data frame, one row each; see ``to_arrow``.

    Raises:
        MissingExtraError: polars is not installed.
    """
    library = _load("polars", "polars")
    types = {
        "float64": library.Float64,
        "float32": library.Float32,
        "int32": library.Int32,
        "string": library.String,
    }
    schema = {column.name: types[column.type] for column in COLUMNS}
    frame: polars.DataFrame = library.DataFrame(_columns(readings, mouth_threshold), schema=schema)
    return frame


def _load(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"A table of {module}", extra) from error


def _columns(readings: Iterable[Reading], mouth_threshold: float) -> dict[str, list[Value]]:
    """All values by column."""
    columns: dict[str, list[Value]] = {column.name: [] for column in COLUMNS}
    for reading in readings:
        for column in COLUMNS:
            value = column.value(reading, mouth_threshold)
            number = value is not None and column.digits is not None
            columns[column.name].append(float(value) if number else value)  # type: ignore[arg-type]
    return columns

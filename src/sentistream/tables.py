"""Readings as a table: its columns, and tables of Arrow, pandas and polars.

This is the only place that defines the columns; ``docs/outputs.md`` explains them to users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentistream.types import SENTIMENTS, Reading

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Stable; never renamed.
        type: Its Arrow type by name.
        digits: Decimals written to CSV; None for what is not a fraction.
        value: Its value for a reading and the threshold from which a mouth counts as open.
    """

    name: str
    type: str
    digits: int | None
    value: Callable[[Reading, float], Value]


def mouth_state(mouth_open: float | None, threshold: float) -> str | None:
    """``open`` or ``closed`` (Equation 2); None where it is not known."""
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

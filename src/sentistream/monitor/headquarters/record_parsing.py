"""Parses the records of a site's message; invalid ones are skipped and counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentistream.monitor.fleet.records import HOUR, MINUTE, SHARE_UNIT, SUM_COLUMNS, SumRow
from sentistream.monitor.observations import CameraState

OLDEST_SECONDS = 400 * 86_400
"""Sums and alerts older than this are rejected; their site's clock is wrong."""

MAX_AHEAD_SECONDS = 86_400
"""So are those this far in the future."""

_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SiteSum:
    """A sum as a site has sent it; ``begin`` in wall-clock seconds, ``length`` in seconds."""

    begin: int
    length: int
    revision: int
    row: SumRow


@dataclass(slots=True)
class ParsedRecords:
    """The records of a message.

    Attributes:
        sums: Sums by minute, and of withheld minutes by hour.
        health: Values of cameras' states, by the columns of ``CAMERAS``.
        alerts: Values of alerts, by the columns of ``ALERTS``.
        about: The newest description of the site; None if there is none.
        discarded: Invalid records and rows; unknown kinds are not counted.
    """

    sums: list[SiteSum] = field(default_factory=list)
    health: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] | None = None
    discarded: int = 0


def parse_records(records: object, now: float) -> ParsedRecords:
    """Parses records; unknown kinds and fields, which a newer release may send, are ignored.

    Args:
        records: As in the message.
        now: Wall-clock seconds.
    """
    parsed = ParsedRecords()
    if not isinstance(records, list):
        return parsed
    for record in records:
        try:
            _parse(record, parsed, now)
        except (ValueError, TypeError, KeyError, OverflowError):
            parsed.discarded += 1
    return parsed


def _parse(record: Mapping[str, Any], parsed: ParsedRecords, now: float) -> None:
    kind = record["kind"]
    if kind == "sums":
        _parse_sums(record, parsed, now)
    elif kind == "health":
        parsed.health.append(
            {
                "camera": _text(record["camera"], 64),
                "state": CameraState(record["state"]).value,
                "since": _number(record.get("since", 0.0)),
                "reason": _text(record.get("reason", ""), 300, empty=True),
                "restarts": _whole(record.get("restarts", 0)),
                "moments_per_second": _number(record.get("moments_per_second", 0.0)),
                "dropped": _whole(record.get("dropped", 0)),
                "damaged": _whole(record.get("damaged", 0)),
            }
        )
    elif kind == "alert":
        parsed.alerts.append(
            {
                "rule": _text(record["rule"], 64),
                "name": _text(record.get("name", record["rule"]), 120),
                "camera": _text(record["camera"], 64),
                "zone": _text(record.get("zone", ""), 64, empty=True),
                "time": _moment(_number(record["time"]), now),
                "active": record["active"] is True,
                "sentiment": _text(record.get("sentiment", ""), 16, empty=True),
                "share": _number(record.get("share", 0.0)),
                "bound": _number(record.get("limit", 0.0)),
                "minutes": _number(record.get("minutes", 0.0)),
            }
        )
    elif kind == "about":
        names = record.get("cameras", {})
        parsed.about = {
            "time_zone": _text(record.get("time_zone", "UTC"), 64),
            "program": _text(record.get("program", ""), 40, empty=True),
            "cameras": {_text(key, 64): _text(name, 80) for key, name in names.items()},
            "zones": {
                (_text(camera, 64), _text(zone, 64)): _text(name, 80)
                for camera, zones in record.get("zones", {}).items()
                for zone, name in zones.items()
            },
        }


def _parse_sums(record: Mapping[str, Any], parsed: ParsedRecords, now: float) -> None:
    begin, length = _whole(record["begin"]), record.get("length", MINUTE)
    if length not in (MINUTE, HOUR) or begin % MINUTE:
        raise ValueError("no minute and no hour")
    _moment(begin, now)
    revision = min(max(_whole(record.get("revision", 1)), 1), 32_767)
    for row in record["rows"]:
        try:
            parsed.sums.append(SiteSum(begin, length, revision, _row(row)))
        except (ValueError, TypeError, OverflowError):
            parsed.discarded += 1


def _row(values: Sequence[Any]) -> SumRow:
    if not isinstance(values, list) or len(values) < len(SUM_COLUMNS):
        raise ValueError("columns are missing")
    camera, zone, appearances, arrived, watched, *measured = values[: len(SUM_COLUMNS)]
    if any(value is None for value in measured):
        # withheld, or nobody was seen: then there are no shares
        seen = speaking = None
        if measured[0] is not None:
            seen, speaking = _whole(measured[0]), _whole(measured[1] or 0)
        shares: list[int | None] = [None, None, None]
    else:
        seen, speaking = _whole(measured[0]), _whole(measured[1])
        shares = [_whole(share, SHARE_UNIT) for share in measured[2:]]
    return SumRow(
        camera=_text(camera, 64),
        zone=_text(zone, 64, empty=True),
        appearances=_whole(appearances),
        arrived=_whole(arrived),
        watched=_whole(watched, HOUR),
        seen=seen,
        speaking=speaking,
        positive=shares[0],
        neutral=shares[1],
        negative=shares[2],
    )


def _whole(value: Any, most: int = _MAX) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("no whole number within its bounds")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)


def _moment(value: float, now: float) -> float:
    if not now - OLDEST_SECONDS <= value <= now + MAX_AHEAD_SECONDS:
        raise ValueError("a time that cannot be right")
    return value


def _text(value: Any, most: int, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not value.isprintable() or (not value and not empty):
        raise ValueError("no text")
    if len(value) > most:
        raise ValueError("a text that is too long")
    return value

"""Everything that may leave a site: four kinds of records, with all their fields.

Only this module creates records; :func:`check_record` rejects what is not listed, and the outbox
accepts nothing that it rejects. There are no records of single faces' readings, pictures or sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.logs import log_redactor
from sentistream.monitor.observations import Alert, CameraHealth

MINUTE = 60
HOUR = 3600
"""Lengths of sums, seconds. Those of an hour hold only its minutes that were withheld."""

SHARE_UNIT = 10_000
"""The integer that stands for a share of 1."""

SUM_COLUMNS = (
    "camera",
    "zone",
    "appearances",
    "arrived",
    "watched",
    "seen",
    "speaking",
    "positive",
    "neutral",
    "negative",
)
"""Columns of a row of sums. ``appearances``: tracks in view; ``arrived``: those that began then;
``watched``: seconds; ``seen`` and ``speaking``: milliseconds, the three shares: ten-thousandths,
these five null if the group is too small."""

FIELDS: Mapping[str, frozenset[str]] = {
    "sums": frozenset({"kind", "begin", "length", "revision", "rows"}),
    "health": frozenset(
        {
            *("kind", "camera", "state", "since", "reason", "restarts"),
            *("moments_per_second", "dropped", "damaged"),
        }
    ),
    "alert": frozenset(
        {
            *("kind", "rule", "name", "camera", "zone", "time", "active"),
            *("sentiment", "share", "limit", "minutes"),
        }
    ),
    "about": frozenset({"kind", "time_zone", "program", "cameras", "zones"}),
}
"""The kinds of records and their fields."""


class ForbiddenRecordError(ValueError):
    """A record contains something that must not leave the site."""


@dataclass(frozen=True, slots=True)
class SumRow:
    """The sum of one camera and zone; the units are those of ``SUM_COLUMNS``."""

    camera: str
    zone: str
    appearances: int
    arrived: int
    watched: int
    seen: int | None
    speaking: int | None
    positive: int | None
    neutral: int | None
    negative: int | None

    def as_list(self) -> list[Any]:
        """In the order of ``SUM_COLUMNS``."""
        return [getattr(self, name) for name in SUM_COLUMNS]


def sums_record(begin: int, length: int, revision: int, rows: Iterable[SumRow]) -> dict[str, Any]:
    """Sums of all cameras and zones over [begin, begin + length) seconds (UTC)."""
    return {
        "kind": "sums",
        "begin": begin,
        "length": length,
        "revision": revision,
        "rows": [row.as_list() for row in rows],
    }


def health_record(health: CameraHealth) -> dict[str, Any]:
    """A camera's state. Secrets and credentials in addresses are removed from the reason."""
    return {
        "kind": "health",
        "camera": health.camera,
        "state": health.state.value,
        "since": round(health.since, 3),
        "reason": log_redactor(health.reason)[:300],
        "restarts": health.restarts,
        "moments_per_second": round(health.moments_per_second, 1),
        "dropped": health.dropped,
        "damaged": health.damaged,
    }


def alert_record(alert: Alert) -> dict[str, Any]:
    """The beginning or end of an alert."""
    return {
        "kind": "alert",
        "rule": alert.rule,
        "name": alert.name,
        "camera": alert.camera,
        "zone": alert.zone,
        "time": round(alert.time, 3),
        "active": alert.active,
        "sentiment": alert.sentiment,
        "share": round(alert.share, 3),
        "limit": alert.limit,
        "minutes": alert.minutes,
    }


def about_record(time_zone: str, program: str, names: DisplayNames) -> dict[str, Any]:
    """The site's time zone (IANA), the program's version, and the names of cameras and zones.

    ``zones`` maps camera keys to zone keys to names; zones named by their key are left out.
    """
    zones: dict[str, dict[str, str]] = {}
    for (camera, zone), name in names.zones.items():
        if camera in names.cameras and name != zone:
            zones.setdefault(camera, {})[zone] = name
    return {
        "kind": "about",
        "time_zone": time_zone,
        "program": program,
        "cameras": dict(names.cameras),
        "zones": zones,
    }


def check_record(record: Mapping[str, Any]) -> None:
    """Checks that a record may leave the site.

    Raises:
        ForbiddenRecordError: The record's kind is unknown, or its fields or their types are not
            exactly those of its kind.
    """
    kind = str(record.get("kind"))
    if kind not in FIELDS or set(record) != FIELDS[kind]:
        raise ForbiddenRecordError(f"a record of the kind {kind!r} with the fields {[*record]}")
    for name, value in record.items():
        if name == "rows":
            for row in value:
                _check_row(row)
        elif name == "cameras":
            _check_names(value)
        elif name == "zones":
            _check_zones(value)
        elif not _is_plain(value):
            raise ForbiddenRecordError(f"{kind}.{name} is a {type(value).__name__}")


def _check_row(row: object) -> None:
    if not isinstance(row, list) or len(row) != len(SUM_COLUMNS):
        raise ForbiddenRecordError("a row of sums with other columns")
    camera, zone, *numbers = row
    if not (isinstance(camera, str) and isinstance(zone, str)):
        raise ForbiddenRecordError("a row of sums without its camera or zone")
    if not all(number is None or type(number) is int for number in numbers):
        raise ForbiddenRecordError("a row of sums with something else than whole numbers")


def _check_names(names: object) -> None:
    if not isinstance(names, dict) or not all(
        isinstance(text, str) and len(text) <= 80 for pair in names.items() for text in pair
    ):
        raise ForbiddenRecordError("names that are no names")


def _check_zones(zones: object) -> None:
    if not isinstance(zones, dict) or not all(isinstance(camera, str) for camera in zones):
        raise ForbiddenRecordError("zones of no camera")
    for names in zones.values():
        _check_names(names)


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 300)

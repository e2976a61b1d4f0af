"""Parts of a picture: which are masked now, and in which counted one a face stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentistream.monitor.cameras.schedule import is_within
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.settings.camera_settings import Point, Zone

Polygon = tuple[Point, ...]
"""Corners as shares of the picture's width and height."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The zones as they are at one time.

    Attributes:
        masked: What nothing may look at.
        counted: Names and corners of the others, in the order of the settings.
    """

    masked: tuple[Polygon, ...]
    counted: tuple[tuple[str, Polygon], ...]

    def zone_of(self, x: float, y: float) -> str:
        """The first counted zone that holds the place, given as shares; else ``EVERYWHERE``."""
        for name, corners in self.counted:
            if holds(corners, x, y):
                return name
        return EVERYWHERE

    def hides(self, x: float, y: float) -> bool:
        """Whether the place lies in a masked part."""
        return any(holds(corners, x, y) for corners in self.masked)


def plan(zones: Sequence[Zone], now: float) -> Plan:
    """How the zones are at ``now``, wall-clock seconds (UTC)."""
    masked = {zone.name for zone in zones if _is_masked(zone, now)}
    return Plan(
        tuple(zone.points for zone in zones if zone.name in masked),
        tuple((zone.name, zone.points) for zone in zones if zone.name not in masked),
    )


def _is_masked(zone: Zone, now: float) -> bool:
    return zone.masked == "always" or (zone.masked == "scheduled" and is_within(zone.hours, now))


def holds(corners: Polygon, x: float, y: float) -> bool:
    """Whether a polygon holds a point (even-odd rule)."""
    inside = False
    before_x, before_y = corners[-1]
    for corner_x, corner_y in corners:
        if (corner_y > y) != (before_y > y):
            across = corner_x + (y - corner_y) / (before_y - corner_y) * (before_x - corner_x)
            inside ^= x < across
        before_x, before_y = corner_x, corner_y
    return inside

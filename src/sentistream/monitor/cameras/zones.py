"""Zones of a camera's picture: masks, counted zones, and the schedules of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from PIL import Image, ImageDraw

from sentistream.media.resample import resample
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.settings.camera_settings import (
    WEEKDAYS,
    CameraSettings,
    Hours,
    Point,
    Zone,
)
from sentistream.types import Box, Picture, UInt8Array

Polygon = tuple[Point, ...]
"""Corners as shares of the picture's width and height."""


@dataclass(frozen=True, slots=True)
class ZoneLayout:
    """The zones in force at one time.

    Attributes:
        masked: What is blackened before anything is analyzed.
        counted: Names and corners of the others, in the order of the settings.
    """

    masked: tuple[Polygon, ...]
    counted: tuple[tuple[str, Polygon], ...]

    def zone_of(self, x: float, y: float) -> str:
        """The first counted zone that contains a point, in shares; else ``EVERYWHERE``."""
        for name, corners in self.counted:
            if contains(corners, x, y):
                return name
        return EVERYWHERE

    def hides(self, x: float, y: float) -> bool:
        """Whether a point, in shares, is masked."""
        return any(contains(corners, x, y) for corners in self.masked)


def layout_at(zones: Sequence[Zone], now: float) -> ZoneLayout:
    """The layout at ``now``, wall-clock seconds (UTC)."""
    masked = {zone.name for zone in zones if _is_masked(zone, now)}
    return ZoneLayout(
        tuple(zone.points for zone in zones if zone.name in masked),
        tuple((zone.name, zone.points) for zone in zones if zone.name not in masked),
    )


def _is_masked(zone: Zone, now: float) -> bool:
    return zone.masked == "always" or (zone.masked == "scheduled" and is_within(zone.hours, now))


def contains(corners: Polygon, x: float, y: float) -> bool:
    """Whether a polygon contains a point (even-odd rule)."""
    inside = False
    previous_x, previous_y = corners[-1]
    for corner_x, corner_y in corners:
        if (corner_y > y) != (previous_y > y):
            edge_share = (y - corner_y) / (previous_y - corner_y)
            inside ^= x < corner_x + edge_share * (previous_x - corner_x)
        previous_x, previous_y = corner_x, corner_y
    return inside


def is_within(hours: Iterable[Hours], now: float) -> bool:
    """Whether any of ``hours`` includes ``now``, wall-clock seconds (UTC).

    Hours are local time of the machine's time zone, so that a shop that opens at nine is watched
    from nine in summer and winter; an hour that occurs twice counts twice.
    """
    return any(_includes(one, datetime.fromtimestamp(now)) for one in hours)


def is_watching(camera: CameraSettings, now: float) -> bool:
    """Whether ``now``, wall-clock seconds (UTC), is in the camera's watching hours, if any."""
    return not camera.hours or is_within(camera.hours, now)


def _includes(hours: Hours, local: datetime) -> bool:
    today = WEEKDAYS[local.weekday()] in hours.days
    clock = local.time()
    if hours.begin < hours.end:
        return today and hours.begin <= clock < hours.end
    yesterday = WEEKDAYS[(local.date() - timedelta(days=1)).weekday()] in hours.days
    return (today and clock >= hours.begin) or (yesterday and clock < hours.end)


class Mask:
    """Blackens polygons in a camera's pictures.

    Args:
        polygons: Corners as shares of the picture.
    """

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = tuple(polygons)
        self._visible: UInt8Array = np.zeros((0, 0), np.uint8)
        self._last: MaskedPicture | None = None

    def apply(self, picture: Picture) -> Picture:
        """The picture with its masked parts black; the same object for the same picture."""
        if not self._polygons:
            return picture
        if self._last is None or self._last.original is not picture:
            self._last = MaskedPicture(picture, self._visible_at(picture.width, picture.height))
        return self._last

    def _visible_at(self, width: int, height: int) -> UInt8Array:
        """255 where the picture is visible, 0 where it is masked, shape (height, width)."""
        if self._visible.shape != (height, width):
            image = Image.new("L", (width, height), 255)
            draw = ImageDraw.Draw(image)
            for corners in self._polygons:
                pixels = [(x * width, y * height) for x, y in corners]
                # the outline too: pixels cut by an edge are masked
                draw.polygon(pixels, fill=0, outline=0, width=2)
            self._visible = np.asarray(image)
        return self._visible


class MaskedPicture:
    """A picture some of whose pixels are black, in whichever format it is read.

    Args:
        original: The picture without the mask.
        visible: 255 where it is visible, 0 where it is masked, shape (height, width).
    """

    def __init__(self, original: Picture, visible: UInt8Array) -> None:
        self.original = original
        self._visible = visible
        self._luma: UInt8Array | None = None
        self._rgb: UInt8Array | None = None

    @property
    def width(self) -> int:
        return self.original.width

    @property
    def height(self) -> int:
        return self.original.height

    @property
    def luma(self) -> UInt8Array:
        if self._luma is None:
            self._luma = self.original.luma & self._visible
        return self._luma

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        # masked before it is resampled: no masked pixel bleeds over the edge
        return resample(self.rgb(), box, width, height)

    def rgb(self) -> UInt8Array:
        if self._rgb is None:
            self._rgb = self.original.rgb() & self._visible[..., np.newaxis]
        return self._rgb

"""Parses and formats the address of a history view."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Query

from sentistream.monitor.display_names import display_names
from sentistream.monitor.insight import (
    BYS,
    By,
    Insight,
    Period,
    Span,
)
from sentistream.monitor.web.site import SiteDep

EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)

PATTERN_WEEKS = 8
"""Weeks that are summed up by the hour of the week."""

View = Literal["minute", "hour", "day", "week", "month", "pattern"]
VIEWS: tuple[View, ...] = (*BYS, "pattern")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """A visitor's query, with mistakes corrected.

    Attributes:
        by: What the period is divided into, or ``pattern`` for the hours of the week.
        day, hour: The period; the hour applies only by the minute.
        minute: The requested minute; None for no single one.
        first, last: The days of a custom range; None for the usual period.
        camera, zone: Of what; empty for all cameras, for the whole picture.
        against: What it is compared with; empty for the usual, ``none`` for nothing.
        open_only: Whether only opening hours count.
    """

    by: View
    day: date
    hour: int
    minute: int | None
    first: date | None
    last: date | None
    camera: str
    zone: str
    against: str
    open_only: bool

    def link(self, **changes: str) -> str:
        """The address of the same view with changes."""
        values = {
            "by": self.by,
            "day": self.day.isoformat(),
            "hour": str(self.hour) if self.by == "minute" else "",
            "from": "" if self.first is None else self.first.isoformat(),
            "to": "" if self.last is None else self.last.isoformat(),
            "camera": self.camera,
            "zone": self.zone,
            "against": self.against,
            "open": "1" if self.open_only else "",
        } | changes
        return "/history?" + urlencode({key: value for key, value in values.items() if value})

    def encoded(self) -> str:
        """The query string of this view, with its question mark."""
        return self.link().removeprefix("/history")

    def period(self) -> Period:
        """The period it is about; a pattern's is that of its weeks."""
        if self.by == "pattern":
            if self.first is not None and self.last is not None:
                return Period.between(self.first, self.last, "day")
            end = self.day
            return Period.between(end - timedelta(days=7 * PATTERN_WEEKS - 1), end, "day")
        if self.first is not None and self.last is not None:
            return Period.between(self.first, self.last, self.by)
        return Period.about(self.by, self.day, self.hour)

    def drill(self, by: By, span: Span) -> str:
        """The address that drills down into a part of a period; empty for minutes."""
        local = datetime.fromtimestamp(span.begin)
        day = local.date().isoformat()
        if by == "hour":
            return self.link(**USUAL, by="minute", day=day, hour=str(local.hour))
        if by == "day":
            return self.link(**USUAL, by="hour", day=day, hour="")
        if by == "week":
            return self.link(**USUAL, by="day", day=day, hour="")
        if by == "month":
            last = datetime.fromtimestamp(span.end - 43_200).date()
            free = {"from": day, "to": last.isoformat()}
            return self.link(**free, by="day", day=day, hour="", against="")
        return ""


USUAL = {"from": "", "to": "", "against": ""}
"""Parameters dropped from a link to another period."""


def from_address(
    site: SiteDep,
    by: str = "hour",
    day: str = "",
    hour: str = "",
    at: str = "",
    first: Annotated[str, Query(alias="from")] = "",
    last: Annotated[str, Query(alias="to")] = "",
    camera: str = "",
    zone: str = "",
    against: str = "",
    opened: Annotated[str, Query(alias="open")] = "",
) -> HistoryQuery:
    """Parses the address; invalid values become defaults."""
    settings = site.services.configuration.settings
    now = datetime.fromtimestamp(site.clock())
    names = display_names(settings, site.services.bus).cameras
    chosen = camera if camera in names else ""
    zones = Insight(site.services.store, settings, names).places(chosen) if chosen else []
    view: View = next((each for each in VIEWS if each == by), "hour")
    begin, end = day_of(first), day_of(last)
    clock = _clock(at)
    if clock is not None:
        view, hour = "minute", str(clock.hour)
    free = begin is not None and end is not None and view != "minute"
    return HistoryQuery(
        by=view,
        day=day_of(day) or now.date(),
        hour=int(hour) if hour.isdecimal() and int(hour) < 24 else now.hour,
        minute=None if clock is None else clock.minute,
        first=begin if free else None,
        last=end if free else None,
        camera=chosen,
        zone=zone if (chosen, zone) in zones else "",
        against=against,
        open_only=opened == "1",
    )


def day_of(text: str) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(text)
        if EARLIEST <= day < LATEST:
            return day
    return None


def _clock(text: str) -> time | None:
    with suppress(ValueError):
        return time.fromisoformat(text)
    return None

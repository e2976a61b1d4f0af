"""How people felt over hours, days and weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sentistream import parquet
from sentistream.errors import StorageError
from sentistream.monitor.interfaces import Aggregate, Store
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.page.charts import Bar, Known, bars
from sentistream.monitor.page.periods import BYS, By, Period
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.tiles import shown_cameras
from sentistream.monitor.page.visitors import Visitor
from sentistream.monitor.page.words import Words

EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """One camera, or one zone of it, over a period."""

    key: str
    name: str
    zone: str
    whole: Aggregate | None
    before: Aggregate | None
    bars: list[Bar]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw, neither then nor before."""
        return all(bar.known in (Known.OFF, Known.AHEAD) and not bar.before for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visitor wants to see, slips put right."""

    by: By
    day: date
    camera: str
    against: str

    def link(self, **changes: str) -> str:
        """The address of the same view with something else."""
        values = {
            "by": self.by,
            "day": self.day.isoformat(),
            "camera": self.camera,
            "against": self.against,
        } | changes
        return "/history?" + urlencode({key: value for key, value in values.items() if value})


def history_routes(page: PageState) -> APIRouter:
    """The routes of the history."""
    routes = APIRouter()

    @routes.get("/history")
    def history(
        request: Request,
        user: Visitor,
        by: str = "hour",
        day: str = "",
        camera: str = "",
        against: str = "",
    ) -> HTMLResponse:
        settings = page.services.configuration.settings
        say = page.say(request)
        now = page.clock()
        today = datetime.fromtimestamp(now).date()
        names = shown_cameras(settings, page.services.bus)
        asked = Asked(
            by if by in BYS else "hour",
            _day(day, today),
            camera if camera in names else "",
            against,
        )
        period = Period.about(asked.by, asked.day)
        comparisons = period.comparisons()
        first = next(iter(comparisons.values()))
        compared = None if against == "none" else comparisons.get(against, first)
        zones = [EVERYWHERE]
        if asked.camera in settings.cameras:
            zones += [
                zone.name
                for zone in settings.cameras[asked.camera].zones
                if zone.masked != "always"
            ]
        try:
            charts = [
                _chart(page.services.store, period, compared, key, names[key], zone, now, say)
                for key in ([asked.camera] if asked.camera else names)
                for zone in zones
            ]
        except StorageError:
            charts = None
        return page.render(
            request,
            "history",
            user=user,
            status=200 if charts is not None else 503,
            asked=asked,
            bys=BYS,
            cameras=names,
            period=period,
            comparisons=comparisons,
            compared=compared,
            against="none" if compared is None else _name(comparisons, compared),
            charts=charts,
            heading=_heading(period, say),
            earlier=period.shifted(-_stride(period)).last.isoformat(),
            later=period.shifted(_stride(period)).last.isoformat() if period.end <= now else "",
            smallest=settings.privacy.smallest_group,
            has_parquet=parquet.is_available(),
            parquet_command=parquet.COMMAND,
        )

    return routes


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if EARLIEST <= day < LATEST else today


def _name(comparisons: dict[str, Period], compared: Period) -> str:
    return next(name for name, each in comparisons.items() if each == compared)


def _stride(period: Period) -> int:
    return 28 if period.by == "week" else period.days


def _chart(
    store: Store,
    period: Period,
    compared: Period | None,
    camera: str,
    name: str,
    zone: str,
    now: float,
    say: Words,
) -> Chart:
    parts = period.parts()
    return Chart(
        key=f"{camera}-{zone}" if zone else camera,
        name=name,
        zone=zone,
        whole=_together(store, period.begin, period.end, camera, zone),
        before=_together(store, compared.begin, compared.end, camera, zone) if compared else None,
        bars=bars(
            parts,
            _sums(store, period, camera, zone),
            _in_order(store, compared, camera, zone) if compared else [],
            now=now,
            titles=[_title(period.by, part.begin, part.end, say) for part in parts],
            labels=[_label(period.by, place, part.begin, say) for place, part in enumerate(parts)],
        ),
    )


def _together(store: Store, begin: float, end: float, camera: str, zone: str) -> Aggregate | None:
    found = store.aggregate(begin=begin, end=end, camera=camera, zone=zone)
    return found[0] if found else None


def _sums(store: Store, period: Period, camera: str, zone: str) -> dict[float, Aggregate]:
    if period.by == "week":
        weeks = {
            part.begin: _together(store, part.begin, part.end, camera, zone)
            for part in period.parts()
        }
        return {begin: found for begin, found in weeks.items() if found is not None}
    found = store.history(period.step, begin=period.begin, end=period.end, camera=camera, zone=zone)
    return {each.begin: each for each in found}


def _in_order(store: Store, period: Period, camera: str, zone: str) -> list[Aggregate | None]:
    sums = _sums(store, period, camera, zone)
    return [sums.get(part.begin) for part in period.parts()]


def _heading(period: Period, say: Words) -> str:
    if period.by == "hour":
        return say.day(period.begin)
    return say("history.from_to", begin=say.day(period.begin), end=say.day(period.end - 1))


def _title(by: By, begin: float, end: float, say: Words) -> str:
    if by == "hour":
        return f"{say.clock(begin)}\u2013{say.clock(end)}"
    if by == "day":
        return say.day(begin)
    return say("history.week_of", day=say.day(begin))


def _label(by: By, place: int, begin: float, say: Words) -> str:
    when = datetime.fromtimestamp(begin)
    if by == "hour":
        return str(when.hour) if place % 3 == 0 else ""
    if by == "day":
        return str(say.messages["time.weekdays"][when.weekday()])
    return f"{when.day}.{when.month}." if say.language == "de" else f"{when.day}/{when.month}"

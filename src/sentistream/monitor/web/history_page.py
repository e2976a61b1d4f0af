"""How people felt over hours, days and weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sentistream import parquet
from sentistream.errors import StorageError
from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.interfaces import Aggregate, Store
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.history_charts import BAR_LENGTHS, Bar, BarState, By, Period, bars
from sentistream.monitor.web.live_tiles import shown_cameras
from sentistream.monitor.web.site import Site

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
        return all(
            bar.known in (BarState.OFF, BarState.AHEAD) and not bar.before for bar in self.bars
        )


@dataclass(frozen=True, slots=True)
class HistoryQuery:
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


def history_routes(site: Site) -> APIRouter:
    """The routes of the history."""
    routes = APIRouter()

    @routes.get("/history")
    def history(
        request: Request,
        user: CurrentUser,
        by: str = "hour",
        day: str = "",
        camera: str = "",
        against: str = "",
    ) -> HTMLResponse:
        settings = site.services.configuration.settings
        tr = site.translator(request)
        now = site.clock()
        today = datetime.fromtimestamp(now).date()
        names = shown_cameras(settings, site.services.bus)
        asked = HistoryQuery(
            by if by in BAR_LENGTHS else "hour",
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
                _chart(site.services.store, period, compared, key, names[key], zone, now, tr)
                for key in ([asked.camera] if asked.camera else names)
                for zone in zones
            ]
        except StorageError:
            charts = None
        return site.render(
            request,
            "history",
            user=user,
            status=200 if charts is not None else 503,
            asked=asked,
            bys=BAR_LENGTHS,
            cameras=names,
            period=period,
            comparisons=comparisons,
            compared=compared,
            against="none" if compared is None else _name(comparisons, compared),
            charts=charts,
            heading=_heading(period, tr),
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
    tr: Translator,
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
            _aggregates(store, period, camera, zone),
            _previous_aggregates(store, compared, camera, zone) if compared else [],
            now=now,
            titles=[_title(period.by, part.begin, part.end, tr) for part in parts],
            labels=[_label(period.by, place, part.begin, tr) for place, part in enumerate(parts)],
        ),
    )


def _together(store: Store, begin: float, end: float, camera: str, zone: str) -> Aggregate | None:
    found = store.aggregate(begin=begin, end=end, camera=camera, zone=zone)
    return found[0] if found else None


def _aggregates(store: Store, period: Period, camera: str, zone: str) -> dict[float, Aggregate]:
    if period.by == "week":
        weeks = {
            part.begin: _together(store, part.begin, part.end, camera, zone)
            for part in period.parts()
        }
        return {begin: found for begin, found in weeks.items() if found is not None}
    found = store.history(period.step, begin=period.begin, end=period.end, camera=camera, zone=zone)
    return {each.begin: each for each in found}


def _previous_aggregates(
    store: Store, period: Period, camera: str, zone: str
) -> list[Aggregate | None]:
    sums = _aggregates(store, period, camera, zone)
    return [sums.get(part.begin) for part in period.parts()]


def _heading(period: Period, tr: Translator) -> str:
    if period.by == "hour":
        return tr.day(period.begin)
    return tr.gettext("{begin} to {end}", begin=tr.day(period.begin), end=tr.day(period.end - 1))


def _title(by: By, begin: float, end: float, tr: Translator) -> str:
    if by == "hour":
        return f"{tr.clock(begin)}\u2013{tr.clock(end)}"
    if by == "day":
        return tr.day(begin)
    return tr.gettext("Week of {day}", day=tr.day(begin))


def _label(by: By, place: int, begin: float, tr: Translator) -> str:
    if by == "hour":
        return str(datetime.fromtimestamp(begin).hour) if place % 3 == 0 else ""
    return tr.weekday(begin) if by == "day" else tr.short_day(begin)

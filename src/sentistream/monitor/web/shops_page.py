"""The shops that report to this headquarters: comparison, one shop, alerts."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.alerts import wording
from sentistream.monitor.alerts.links import alert_path
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.headquarters.fleet_queries import PERIODS
from sentistream.monitor.headquarters.fleet_results import (
    ShopAlert,
    ShopSummary,
    SiteCamera,
    Totals,
    together,
)
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.headquarters.sites import Site as Shop
from sentistream.monitor.headquarters.sum_storage import zone_of
from sentistream.monitor.notify.channels import channels
from sentistream.monitor.observations import Acknowledgement, AlertKind
from sentistream.monitor.site_link.site_link import CLOCK_TOLERANCE
from sentistream.monitor.translation import N_, Translator
from sentistream.monitor.web.alert_banner import acknowledged_words
from sentistream.monitor.web.form_data import Form, first, read_form
from sentistream.monitor.web.site import Site, SiteDep, headquarters_only

FormDep = Annotated[Form, Depends(read_form)]

PAGE_ROWS = 100
"""Shops on one page of the comparison."""

DAYS_SHOWN = 28
"""Days of a shop's chart."""

ALERT_DAYS = 28

MINUTES_BEFORE = 30
MINUTES_AFTER = 180
"""Minutes that the page of an alert shows before and after its start."""

PERIOD_NAMES = {
    "today": N_("Today"),
    "yesterday": N_("Yesterday"),
    "week": N_("Last 7 days"),
    "month": N_("Last 28 days"),
}

ORDERS = {
    "negative": N_("Most negative first"),
    "positive": N_("Most positive first"),
    "worse": N_("Worsened most first"),
    "appearances": N_("Most appearances first"),
    "name": N_("By name"),
}

STATES = {
    "invited": N_("has not joined yet"),
    "joined": N_("reports"),
    "left": N_("has left"),
    "silent": N_("silent"),
}

_UNKNOWN = math.inf


@dataclass(frozen=True, slots=True)
class Listing:
    """The query of the comparison."""

    period: str
    order: str
    search: str
    page: int

    def link(self, **changes: object) -> str:
        """The address of the same listing with changes."""
        values = {
            "period": self.period,
            "order": self.order,
            "search": self.search,
            "page": self.page,
        }
        query = {name: value for name, value in (values | changes).items() if value not in ("", 1)}
        return f"/shops?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class ShopEpisode:
    """An alert of a shop in words.

    Attributes:
        alert: The alert.
        title: What it is, in a few words.
        text: A sentence.
        link: The path of its page; empty in its first seconds.
        tone: Its appearance: a sentiment, ``camera`` or ``shop``.
    """

    alert: ShopAlert
    title: str
    text: str
    link: str
    tone: str


router: APIRouter = APIRouter(include_in_schema=False, dependencies=[Depends(headquarters_only)])


def _show_list(
    site: Site,
    request: Request,
    user: User,
    *,
    period: str = "",
    order: str = "negative",
    search: str = "",
    page: int = 1,
    added: Mapping[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    now = site.clock()
    chosen = period if period in PERIODS else "week"
    shops = site.headquarters.queries.compare(chosen, user, now=now)
    if period not in PERIODS and not any(each.now.appearances for each in shops):
        chosen = "today"  # the first day: no day is over yet
        shops = site.headquarters.queries.compare(chosen, user, now=now)
    query = Listing(
        period=chosen,
        order=order if order in ORDERS else "negative",
        search=search[:80].strip(),
        page=max(page, 1),
    )
    wanted = query.search.casefold()
    listed = sorted(
        (each for each in shops if wanted in each.site.name.casefold() or wanted in each.site.key),
        key=_order(query.order),
    )
    pages = max(1, math.ceil(len(listed) / PAGE_ROWS))
    begin = (min(query.page, pages) - 1) * PAGE_ROWS
    return site.render(
        request,
        "shops",
        user=user,
        status=status,
        query=query,
        pages_count=pages,
        begin=begin,
        listed=listed[begin : begin + PAGE_ROWS],
        found=len(listed),
        all_shops=shops,
        together=_together(shops),
        silent=[each.site for each in shops if each.silent],
        periods=PERIOD_NAMES,
        orders=ORDERS,
        states=STATES,
        now=now,
        added={"key": "", "name": "", "time_zone": ""} | dict(added or {}),
        problem=problem,
        trouble=_trouble(site.headquarters, site.translator(request)),
    )


@router.get("/shops")
def shops(
    request: Request,
    user: CurrentUser,
    site: SiteDep,
    period: str = "",
    order: str = "negative",
    search: str = "",
    page: int = 1,
) -> HTMLResponse:
    return _show_list(site, request, user, period=period, order=order, search=search, page=page)


@router.post("/shops/add")
def add(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    given = {name: first(form, name) for name in ("key", "name", "time_zone")}
    try:
        site.headquarters.registry.add(given["key"], given["name"], given["time_zone"])
    except SentistreamError as error:
        problem = site.translator(request).translate(error.problem)
        return _show_list(site, request, user, added=given, problem=problem, status=422)
    return _code_page(site, request, user, given["key"])


@router.get("/shops/alerts")
def alerts(request: Request, user: CurrentUser, site: SiteDep, shop: str = "") -> HTMLResponse:
    since = site.clock() - ALERT_DAYS * 86_400
    return site.render(
        request,
        "shop_alerts",
        user=user,
        alerts=_in_words(
            site.headquarters.queries.alerts(user, site=shop[:40], since=since),
            site.translator(request),
        ),
        shop=shop[:40],
        days=ALERT_DAYS,
    )


@router.get("/shops/alerts/{incident}")
def alert(request: Request, user: CurrentUser, site: SiteDep, incident: str) -> HTMLResponse:
    tr, store = site.translator(request), site.services.store
    found = site.headquarters.queries.alert(incident[:32], user)
    (episode,) = _in_words([found], tr)
    shop = site.headquarters.registry.site(found.site, user)
    acknowledged = store.acknowledgements([found.incident]).get(found.incident)
    begin = found.began - max(found.minutes, MINUTES_BEFORE) * 60
    end = min(found.ended or site.clock(), found.began + MINUTES_AFTER * 60) + 5 * 60
    return site.render(
        request,
        "shop_alert",
        user=user,
        episode=episode,
        shop=shop,
        minutes=[
            (_shop_clock(moment, shop), totals)
            for moment, totals in site.headquarters.queries.minutes(
                found.site, found.camera, found.zone, begin, end
            )
        ],
        acknowledged="" if acknowledged is None else acknowledged_words(acknowledged, tr),
        deliveries=store.deliveries(incident=found.incident),
        channels=list(channels(site.services.configuration.settings)),
    )


@router.post("/shops/alerts/{incident}/acknowledge")
def acknowledge(user: CurrentManager, site: SiteDep, incident: str) -> Response:
    found = site.headquarters.queries.alert(incident[:32], user)
    given = site.services.store.acknowledge(
        Acknowledgement(incident=found.incident, user=user.name, time=site.clock())
    )
    site.headquarters.bus.publish(given)
    return RedirectResponse(f"/shops/alerts/{found.incident}", 303)


def _show_shop(
    site: Site,
    request: Request,
    user: User,
    key: str,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    registry, queries = site.headquarters.registry, site.headquarters.queries
    shop, now = registry.site(key, user), site.clock()
    tr = site.translator(request)
    days = queries.days(shop, DAYS_SHOWN, now=now)
    return site.render(
        request,
        "shop",
        user=user,
        status=status,
        shop=shop,
        state="silent" if queries.is_silent(shop, now) else shop.state,
        states=STATES,
        now=now,
        cameras=[(each, _camera_problem(each)) for each in queries.cameras(shop)],
        places=queries.places(shop, now - 7 * 86_400, now + 60),
        days=[(_day_title(day, tr), totals) for day, totals in days],
        week=together([totals for _, totals in days[-8:-1]]),
        alerts=_in_words(queries.alerts(user, site=key, since=now - ALERT_DAYS * 86_400)[:20], tr),
        clock_is_wrong=abs(shop.clock_offset or 0.0) > CLOCK_TOLERANCE,
        local_time=_shop_clock(now, shop),
        problem=problem,
    )


def _act(
    site: Site, request: Request, user: User, key: str, change: Callable[[], None], target: str = ""
) -> Response:
    try:
        change()
    except SentistreamError as error:
        problem = site.translator(request).translate(error.problem)
        return _show_shop(site, request, user, key, problem=problem, status=422)
    site.headquarters.receiver.reload()
    return RedirectResponse(target or f"/shops/shop/{key}", 303)


@router.get("/shops/shop/{key}")
def one(request: Request, user: CurrentUser, site: SiteDep, key: str) -> Response:
    return _show_shop(site, request, user, key)


@router.post("/shops/shop/{key}/change")
def change(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, key: str
) -> Response:
    registry = site.headquarters.registry
    registry.site(key, user)
    name, zone = first(form, "name"), first(form, "time_zone")
    return _act(site, request, user, key, lambda: registry.change(key, name=name, time_zone=zone))


@router.post("/shops/shop/{key}/code")
def code(request: Request, user: CurrentManager, site: SiteDep, key: str) -> Response:
    site.headquarters.registry.site(key, user)
    return _code_page(site, request, user, key)


@router.post("/shops/shop/{key}/new-key")
def new_key(request: Request, user: CurrentManager, site: SiteDep, key: str) -> Response:
    site.headquarters.registry.site(key, user)
    return _act(site, request, user, key, lambda: site.headquarters.registry.ask_for_new_key(key))


@router.post("/shops/shop/{key}/remove")
def remove(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, key: str
) -> Response:
    registry = site.headquarters.registry
    registry.site(key, user)
    erase = "erase" in form
    return _act(site, request, user, key, lambda: registry.remove(key, erase=erase), "/shops")


def _code_page(site: Site, request: Request, user: User, key: str) -> HTMLResponse:
    headquarters = site.headquarters
    code = headquarters.registry.new_code(key, headquarters.settings, ca=headquarters.ca)
    headquarters.receiver.reload()
    return site.render(
        request,
        "shop_code",
        user=user,
        shop=headquarters.registry.site(key),
        code=code.encode(),
        hours=headquarters.settings.code_hours,
    )


def _order(name: str) -> Callable[[ShopSummary], tuple[Any, ...]]:
    def key(each: ShopSummary) -> tuple[Any, ...]:
        last = (each.site.name.casefold(), each.site.key)
        value: float | None
        if name == "name":
            return last
        if name == "appearances":
            value = float(each.now.appearances)
        elif name == "worse":
            value = each.change("negative")
        else:
            value = getattr(each.now, name)
        return (_UNKNOWN if value is None else -value, *last)

    return key


def _together(shops: Sequence[ShopSummary]) -> Totals:
    return together([each.now for each in shops])


def _in_words(alerts: Sequence[ShopAlert], tr: Translator) -> list[ShopEpisode]:
    return [
        ShopEpisode(
            each,
            wording.title(each.event, DisplayNames(), tr),
            wording.sentence(each.event, DisplayNames(), tr),
            alert_path(each.event) if each.incident else "",
            each.sentiment if each.event.kind is AlertKind.SENTIMENT else str(each.event.kind),
        )
        for each in alerts
    ]


def _trouble(headquarters: Headquarters, tr: Translator) -> str:
    """What prevents headquarters from receiving, as a sentence; empty if nothing does."""
    if headquarters.receiver.last_error:
        return headquarters.receiver.last_error
    if not headquarters.is_connected:
        return tr.gettext("The broker cannot be reached. Shops keep their reports.")
    return ""


def _camera_problem(camera: SiteCamera) -> bool:
    return camera.state == "waiting"


def _day_title(day: int, tr: Translator) -> str:
    moment = datetime.datetime.combine(datetime.date.fromordinal(day), datetime.time(12))
    return tr.day(moment.timestamp())


def _shop_clock(moment: float, shop: Shop) -> str:
    """Hour and minute there."""
    return f"{datetime.datetime.fromtimestamp(moment, zone_of(shop.time_zone)):%H:%M}"

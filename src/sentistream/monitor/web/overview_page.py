"""The overview: today compared with what is usual, all cameras and zones, what needs attention."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from sentistream.errors import StorageError
from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.display_names import DisplayNames, display_names
from sentistream.monitor.insight import Insight, Overview, Period, Point, Span
from sentistream.monitor.insight.words import (
    headline,
    unknown_words,
    worst_words,
)
from sentistream.monitor.observations import EVERYWHERE, AlertKind, CameraHealth, CameraState
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.alerts_page import SHOWN, Episode, episodes
from sentistream.monitor.web.insight_charts import Row, chart, row
from sentistream.monitor.web.site import SiteDep

STARTING = 60.0
"""Seconds for which a camera may start before it counts as down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOfToday:
    """One camera and its zones.

    Attributes:
        key, name: Its key and display name.
        link: Its history of today.
        state: What it is doing, for styling; ``state_word`` is the word.
        down: Why and since when it is down; empty if it is not.
        places: Its whole picture and each zone: a name, the numbers, a row of words.
    """

    key: str
    name: str
    link: str
    state: str
    state_word: str
    down: str
    places: Sequence[tuple[str, Point, Row]]


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/")
def overview(request: Request, user: CurrentUser, site: SiteDep) -> Response:
    settings, bus = site.services.configuration.settings, site.services.bus
    if settings.headquarters.host and not settings.cameras:
        return RedirectResponse("/shops", 303)
    tr, now = site.translator(request), site.clock()
    names = display_names(settings, bus)
    health = {each.camera: each for each in bus.health()}
    smallest = settings.privacy.smallest_group
    insight = Insight(site.services.store, settings, names.cameras)
    found: Overview | None
    try:
        found = insight.overview(now)
        series = insight.series(
            Period.about("hour", datetime.fromtimestamp(now).date()),
            now=now,
            hours=insight.open_hours(now),
        )
        found_alerts = episodes(site.services.store.alerts(limit=SHOWN), names, tr)
    except StorageError:
        found, found_alerts, drawn = None, [], None
    else:
        drawn = chart(
            series, smallest=smallest, link=lambda span: minute_link(span), marks=[], tr=tr
        )
    cameras = [
        _camera(key, names, settings, health.get(key), found, smallest, now, tr)
        for key in names.cameras
    ]
    down = [camera for camera in cameras if camera.down]
    return site.render(
        request,
        "overview",
        user=user,
        status=200 if found is not None else 503,
        found=found,
        cameras=cameras,
        down=down,
        active=_active(found_alerts, {camera.key for camera in down}),
        headline="" if found is None else _headline(found, smallest, tr),
        worst=None if found is None or found.worst is None else found.worst,
        worst_words="" if found is None else worst_words(found.worst, names, tr),
        worst_link=""
        if found is None or found.worst is None
        else minute_link(
            found.worst.figures.span, found.worst.figures.camera, found.worst.figures.zone
        ),
        whole=None
        if found is None
        else row(found.whole, title="", link="", smallest=smallest, tr=tr),
        chart=drawn,
        now=now,
        smallest=smallest,
    )


def minute_link(span: Span, camera: str = "", zone: str = "") -> str:
    """The address of an hour by the minute."""
    local = datetime.fromtimestamp(span.begin)
    values = {
        "by": "minute",
        "day": local.date().isoformat(),
        "hour": str(local.hour),
        "camera": camera,
        "zone": zone,
    }
    return "/history?" + urlencode({key: value for key, value in values.items() if value})


def down_words(
    camera: str, settings: Settings, health: CameraHealth | None, now: float, tr: Translator
) -> str:
    """Why a camera that should watch does not, and since when; empty if all is well."""
    known = settings.cameras.get(camera)
    if health is None or (known is not None and not known.enabled):
        return ""
    late = health.state is CameraState.STARTING and now - health.since > STARTING
    if not late and health.state is not CameraState.WAITING:
        return ""
    # each attempt begins a new state, so the last picture says more
    since = health.since if health.last_picture is None else health.last_picture
    reason = tr.translate(health.reason or labels.STATE_REASONS[health.state.value])
    return tr.gettext("down since {time}: {reason}", time=_when(since, now, tr), reason=reason)


def _when(time: float, now: float, tr: Translator) -> str:
    same = datetime.fromtimestamp(time).date() == datetime.fromtimestamp(now).date()
    return tr.clock(time) if same else tr.moment(time)


def _active(found: Sequence[Episode], down: Collection[str]) -> list[tuple[Episode, str]]:
    """What is wrong now, with links to its minutes; ``down`` has separate rows."""
    return [
        (each, minute_link(Span(each.alert.time, each.alert.time), each.alert.camera))
        for each in found
        if each.ended is None
        and not (each.alert.kind is AlertKind.CAMERA and each.alert.camera in down)
    ]


def _headline(found: Overview, smallest: int, tr: Translator) -> str:
    figures = found.whole.figures
    return headline(found.whole, tr) or tr.gettext(
        "Today so far: {what}.", what=unknown_words(figures, smallest, tr)
    )


def _camera(
    key: str,
    names: DisplayNames,
    settings: Settings,
    health: CameraHealth | None,
    found: Overview | None,
    smallest: int,
    now: float,
    tr: Translator,
) -> CameraOfToday:
    known = settings.cameras.get(key)
    state = CameraState.STARTING if health is None else health.state
    if known is not None and not known.enabled:
        state = CameraState.STOPPED
    places: Mapping[tuple[str, str], Point] = {} if found is None else found.places
    return CameraOfToday(
        key=key,
        name=names.camera(key),
        link="/history?" + urlencode({"camera": key}),
        state=state.value,
        state_word=tr.gettext(labels.CAMERA_STATES[state.value]),
        down=down_words(key, settings, health, now, tr),
        places=[
            (
                tr.gettext("whole picture") if zone == EVERYWHERE else names.zone(camera, zone),
                point,
                row(
                    point,
                    title=names.place(camera, zone, tr),
                    link="/history?" + urlencode({"camera": camera, "zone": zone}),
                    smallest=smallest,
                    tr=tr,
                ),
            )
            for (camera, zone), point in places.items()
            if camera == key
        ],
    )

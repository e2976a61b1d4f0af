"""The banner of active alerts on every page, kept up to date while a page is open."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from sentistream.monitor.accounts import User
from sentistream.monitor.alerts import wording
from sentistream.monitor.alerts.links import alert_path, history_path
from sentistream.monitor.api.auth import CurrentUser, ServicesDep
from sentistream.monitor.display_names import display_names
from sentistream.monitor.observations import Acknowledgement, Alert, AlertKind
from sentistream.monitor.services import Services
from sentistream.monitor.translation import Translator, language_of, translator
from sentistream.monitor.web.rendering import fragment

BANNER_ROWS = 3
"""Most alerts listed in the banner; the others are behind a link."""


@dataclass(frozen=True, slots=True)
class BannerItem:
    """One active alert, in words.

    Attributes:
        incident: Its id.
        tone: Its appearance: a sentiment, ``camera`` or ``disk``.
        title: What it is.
        text: A sentence.
        when: Since when.
        page: The path of its own page.
        minutes: The path of its minutes in the history, or of its own page if it has none.
        acknowledged: Who has acknowledged it, in words; empty if nobody has.
    """

    incident: str
    tone: str
    title: str
    text: str
    when: str
    page: str
    minutes: str
    acknowledged: str


def banner_items(services: Services, tr: Translator) -> list[BannerItem]:
    """The active alerts: first unacknowledged ones, then the newest."""
    names = display_names(services.configuration.settings, services.bus)
    items = []
    for alert in services.bus.active_alerts():
        known = services.bus.acknowledgement(alert.incident)
        items.append(
            BannerItem(
                incident=alert.incident,
                tone=alert.sentiment if alert.kind is AlertKind.SENTIMENT else str(alert.kind),
                title=wording.title(alert, names, tr),
                text=wording.sentence(alert, names, tr),
                when=tr.gettext("since {moment}", moment=tr.moment(alert.time)),
                page=alert_path(alert),
                minutes=history_path(alert) or alert_path(alert),
                acknowledged="" if known is None else acknowledged_words(known, tr),
            )
        )
    return sorted(items, key=lambda item: bool(item.acknowledged))


def acknowledged_words(given: Acknowledgement, tr: Translator) -> str:
    """Who has acknowledged an alert, and when."""
    return tr.gettext(
        "{user} takes care of it since {moment}", user=given.user, moment=tr.moment(given.time)
    )


router: APIRouter = APIRouter(include_in_schema=False)


@router.websocket("/alerts/socket")
async def socket(websocket: WebSocket, user: CurrentUser, services: ServicesDep) -> None:
    tr = translator(language_of(websocket, services.configuration.settings.language))
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # the publisher must not fail because of a server that has just ended
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(changed.set)

    with services.bus.subscribe(Alert, Acknowledgement, wake=wake) as subscription:
        await websocket.accept()
        changed.set()
        gone = asyncio.create_task(_until_gone(websocket, changed))
        try:
            while True:
                await changed.wait()
                if gone.done():
                    return
                changed.clear()
                subscription.take(0)
                await websocket.send_text(_message(services, user, tr, websocket))
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            gone.cancel()


def _message(services: Services, user: User, tr: Translator, websocket: WebSocket) -> str:
    items = banner_items(services, tr)
    html = fragment(
        "alert_banner.html.j2",
        "banner",
        tr,
        items=items,
        is_manager=user.is_manager,
        root=services.configuration.settings.server.prefix,
    )
    return json.dumps({"html": html, "count": len(items)})


async def _until_gone(websocket: WebSocket, changed: asyncio.Event) -> None:
    try:
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass
    finally:
        changed.set()

"""Pages of plain words: privacy, the visitor's own camera, about."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Visitor

DOCUMENTS_ROOM = "sentistream.monitor.privacy"
"""Where the documents are made."""

DOCUMENTS = ("notice", "assessment")

LONGEST = 500
"""Characters of what the interface for programs says of a visitor's camera."""

PRINTED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The documents are single files with their style inside, and have no script."""


def house_routes(page: PageState) -> APIRouter:
    """The routes of these pages."""
    routes = APIRouter()

    @routes.get("/privacy")
    def privacy(request: Request, user: Visitor) -> HTMLResponse:
        settings = page.services.configuration.settings
        masked = [
            (camera.name, zone.name, zone.masked)
            for camera in settings.cameras.values()
            for zone in camera.zones
            if zone.masked != "never"
        ]
        return page.render(
            request,
            "privacy",
            user=user,
            settings=settings,
            masked=masked,
            hours=[camera.name for camera in settings.cameras.values() if camera.hours],
            documents=DOCUMENTS if find_spec(DOCUMENTS_ROOM) else (),
            tells=bool(settings.mqtt.host) or bool(settings.webhooks),
        )

    @routes.get("/privacy/{name}")
    def document(request: Request, _: Visitor, name: Literal["notice", "assessment"]) -> Response:
        if find_spec(DOCUMENTS_ROOM) is None:
            return Response(status_code=404)
        made = getattr(import_module(DOCUMENTS_ROOM), f"render_{name}")
        text = made(page.services.configuration.settings, page.say(request).language)
        return HTMLResponse(text, headers={"Content-Security-Policy": PRINTED})

    @routes.get("/try")
    def own_camera(request: Request, user: Visitor) -> HTMLResponse:
        allowed = page.services.configuration.settings.server.browser_cameras
        return page.render(request, "try", user=user, allowed=allowed)

    @routes.get("/try/told")
    def told(request: Request, _: Visitor, text: str) -> PlainTextResponse:
        """What the interface for programs says of a visitor's camera, in the page's language."""
        say = page.say(request)
        known = text[:LONGEST] if say.language == "en" else say.reasons.find(text) or ""
        return PlainTextResponse(known, headers={"Cache-Control": "no-store"})

    @routes.get("/about")
    def about(request: Request, user: Visitor) -> HTMLResponse:
        return page.render(
            request, "about", user=user, profile=page.services.configuration.settings.profile
        )

    return routes

"""Pages of plain words: privacy, the visitor's own camera, about."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Visitor


def house_routes(page: PageState) -> APIRouter:
    """The routes of these pages."""
    routes = APIRouter()

    @routes.get("/privacy")
    def privacy(request: Request, user: Visitor) -> HTMLResponse:
        settings = page.services.configuration.settings
        paths = {getattr(route, "path", "") for route in request.app.routes}
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
            documents=[
                name for name in ("notice", "assessment", "law") if f"/privacy/{name}" in paths
            ],
            tells=bool(settings.mqtt.host) or bool(settings.webhooks),
        )

    @routes.get("/try")
    def own_camera(request: Request, user: Visitor) -> HTMLResponse:
        allowed = page.services.configuration.settings.server.browser_cameras
        return page.render(request, "try", user=user, allowed=allowed)

    @routes.get("/about")
    def about(request: Request, user: Visitor) -> HTMLResponse:
        return page.render(
            request, "about", user=user, profile=page.services.configuration.settings.profile
        )

    return routes

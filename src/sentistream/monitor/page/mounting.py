"""The page joined to the server."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from sentistream.monitor.page.alerts import alert_routes
from sentistream.monitor.page.choices import choice_routes
from sentistream.monitor.page.history import history_routes
from sentistream.monitor.page.house import house_routes
from sentistream.monitor.page.live import live_routes
from sentistream.monitor.page.rendering import assets
from sentistream.monitor.page.settings import settings_routes
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import NotAllowedError, StrangerError, visitor
from sentistream.monitor.services import Services


class _Assets(StaticFiles):
    """The page's own files; their addresses change with their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def mount_page(app: FastAPI, services: Services) -> None:
    """Adds the page's routes, files and answers to refused visitors.

    Whoever builds ``app`` lets strangers through to none of it and leaves the ``User`` at
    ``request.state.user``, of sockets too.

    Args:
        app: The server.
        services: What the page shows and changes.
    """
    # the interface for programs changes settings too, and holds the same lock meanwhile
    page = PageState(services, saving=getattr(app.state, "changing", None))
    routes = APIRouter(include_in_schema=False)
    for room in (
        live_routes,
        history_routes,
        alert_routes,
        settings_routes,
        house_routes,
        choice_routes,
    ):
        routes.include_router(room(page))
    app.include_router(routes)
    with resources.as_file(resources.files("sentistream.monitor.page") / "static") as folder:
        app.mount(assets(), _Assets(directory=Path(folder)), name="assets")

    async def refuse(request: Request, _: Exception) -> HTMLResponse:
        return page.render(request, "refused", user=visitor(request), status=403)

    async def unknown(request: Request, _: Exception) -> Response:
        return Response(status_code=401)

    app.add_exception_handler(NotAllowedError, refuse)
    app.add_exception_handler(StrangerError, unknown)

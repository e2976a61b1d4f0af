"""Adds the pages to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import Identity
from sentistream.monitor.api.problems import status_of
from sentistream.monitor.services import Services
from sentistream.monitor.web import (
    alert_banner,
    alerts_page,
    app_shell,
    camera_pages,
    guided_setup,
    history_page,
    info_pages,
    link_pages,
    live_page,
    login_pages,
    overview_page,
    privacy_page,
    settings_pages,
    shop_access_page,
    shops_digest_page,
    shops_page,
)
from sentistream.monitor.web.rendering import assets
from sentistream.monitor.web.site import Site

_PAGES = (
    *(alert_banner, login_pages, overview_page, live_page, history_page, alerts_page),
    *(camera_pages, link_pages, settings_pages, privacy_page, guided_setup, app_shell, info_pages),
    *(shops_page, shop_access_page, shops_digest_page),
)


class _Assets(StaticFiles):
    """Static files; their addresses change with their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def mount_web(app: FastAPI, services: Services) -> None:
    """Adds the pages, their static files and error pages to the server.

    ``app`` authenticates every request, including WebSockets, stores the ``Identity`` at
    ``request.state.identity``, and has the services at ``app.state.services``.

    Args:
        app: The server, with its handlers of exceptions.
        services: What the pages show and change.
    """
    site = Site(services, settings_lock=getattr(app.state, "settings_lock", None))
    app.state.site = site
    # include_router would analyze every route again for each application
    app.router.routes.extend(route for page in _PAGES for route in page.router.routes)
    with resources.as_file(resources.files("sentistream.monitor.web") / "static") as folder:
        app.mount(assets(), _Assets(directory=Path(folder)), name="assets")
    for kind in (HTTPException, SentistreamError):
        app.add_exception_handler(kind, _with_page(site, app.exception_handlers.get(kind)))


def _with_page(
    site: Site, otherwise: Callable[[Request, Any], Any] | None
) -> Callable[[Request, Any], Awaitable[Response]]:
    """A handler that answers browsers with a page, and other clients as before."""

    async def handle(request: Request, error: Any) -> Response:
        status = status_of(error) if isinstance(error, SentistreamError) else error.status_code
        page = _error_page(site, request, status)
        if page is not None:
            return page
        if otherwise is None:
            raise error
        response: Response = await otherwise(request, error)
        return response

    return handle


def _error_page(site: Site, request: Request, status: int) -> Response | None:
    """The error page for a browser; None for programs."""
    path = request.url.path
    if path.startswith("/api/") or path in ("/health", "/ready", "/metrics"):
        return None
    identity = getattr(request.state, "identity", None)
    if status == 403 and isinstance(identity, Identity) and not identity.user.is_manager:
        return site.render(request, "forbidden", user=identity.user, status=403)
    if status in (404, 503) and "text/html" in request.headers.get("accept", ""):
        if isinstance(identity, Identity):
            return site.render(
                request, "error_page", user=identity.user, status=status, missing=status == 404
            )
        return site.render_plain(request, "error", status, missing=status == 404)
    return None

"""Pages of text: privacy, about, the visitor's own camera; and the choice of language."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.api.openapi import openapi_schema
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.translation import COOKIE, languages
from sentistream.monitor.web.site import Site, joined_headquarters

YEAR = 365 * 24 * 3600

PRIVACY_MODULE = "sentistream.monitor.privacy"
"""Where the documents are made."""

DOCUMENTS = ("notice", "assessment")

DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The documents are single files with their style inside, and have no script."""


def info_routes(site: Site) -> APIRouter:
    """The routes of these pages."""
    routes = APIRouter()

    @routes.get("/privacy")
    def privacy(request: Request, user: CurrentUser) -> HTMLResponse:
        settings = site.services.configuration.settings
        masked = [
            (camera.name, zone.name, zone.masked)
            for camera in settings.cameras.values()
            for zone in camera.zones
            if zone.masked != "never"
        ]
        return site.render(
            request,
            "privacy",
            user=user,
            settings=settings,
            masked=masked,
            hours=[camera.name for camera in settings.cameras.values() if camera.hours],
            documents=DOCUMENTS if find_spec(PRIVACY_MODULE) else (),
            tells=bool(settings.mqtt.host) or bool(settings.webhooks),
        )

    @routes.get("/privacy/{name}")
    def document(
        request: Request, _: CurrentUser, name: Literal["notice", "assessment"]
    ) -> Response:
        if find_spec(PRIVACY_MODULE) is None:
            return Response(status_code=404)
        made = getattr(import_module(PRIVACY_MODULE), f"render_{name}")
        text = made(
            site.services.configuration.settings,
            site.translator(request).language,
            joined_headquarters(site.services),
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": DOCUMENT_POLICY})

    @routes.get("/try")
    def browser_camera_state(request: Request, user: CurrentUser) -> HTMLResponse:
        allowed = site.services.configuration.settings.server.browser_cameras
        return site.render(request, "browser_camera", user=user, allowed=allowed)

    @routes.get("/about")
    def about(request: Request, user: CurrentUser) -> HTMLResponse:
        return site.render(
            request, "about", user=user, profile=site.services.configuration.settings.profile
        )

    @routes.get("/choose/language")
    def language(
        request: Request,
        _: CurrentUser,
        to: str = "",
        next: str = "/",  # noqa: A002
    ) -> RedirectResponse:
        answer = RedirectResponse(next if _is_own(next) else "/", 303)
        if to in languages():
            answer.set_cookie(
                COOKIE,
                to,
                max_age=YEAR,
                path=f"{prefix_of(request)}/",
                samesite="lax",
                secure=request.url.scheme == "https",
            )
        return answer

    @routes.get("/api/docs")
    def api_docs(request: Request, _: CurrentUser) -> HTMLResponse:
        """The REST API for people; English, as the API is."""
        schema = openapi_schema(request.app)
        operations: dict[str, list[dict[str, Any]]] = {}
        for path, by_method in schema["paths"].items():
            for method, operation in by_method.items():
                shown = operation | {"method": method.upper(), "path": path}
                operations.setdefault(operation["tags"][0], []).append(shown)
        policy = "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'"
        return site.render_plain(
            request,
            "api_docs",
            headers={"content-security-policy": policy},
            schema=schema,
            operations=operations,
            kind=_kind,
        )

    return routes


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _is_own(address: str) -> bool:
    """Whether it is a plain path of this server; others could lead elsewhere."""
    return re.fullmatch(r"/([A-Za-z0-9-]+(/[A-Za-z0-9-]+)*)?", address) is not None

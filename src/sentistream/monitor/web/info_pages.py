"""Text pages: about, the visitor's own camera; and the choice of language."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.api.openapi import openapi_schema
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.translation import COOKIE, languages
from sentistream.monitor.web.site import SiteDep

YEAR = 365 * 24 * 3600


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/try")
def browser_camera_state(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    allowed = site.services.configuration.settings.server.browser_cameras
    return site.render(request, "browser_camera", user=user, allowed=allowed)


@router.get("/about")
def about(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    return site.render(
        request, "about", user=user, profile=site.services.configuration.settings.profile
    )


@router.get("/choose/language")
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


@router.get("/api/docs")
def api_docs(request: Request, _: CurrentUser, site: SiteDep) -> HTMLResponse:
    """The REST API's documentation; in English, like the API."""
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
    """Whether it is a plain path on this server, with a query; others could lead elsewhere."""
    plain = r"/([A-Za-z0-9_-]+(/[A-Za-z0-9._-]+)*)?(\?[A-Za-z0-9=&%+.:_-]*)?"
    return re.fullmatch(plain, address) is not None

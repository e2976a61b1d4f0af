"""Makes the page installable: manifest, service worker and offline page."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.web.rendering import POLICY, asset, assets, environment, render_plain
from sentistream.monitor.web.site import SiteDep

ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"))
"""Files with their size in pixels and their purpose; the maskable one has a wider margin."""

MASKABLE = ("icon-maskable-512.png", 512, "maskable")

OFFLINE_FILES = ("main.css", "icon.svg")
"""The offline page's files; nothing else is cached, because pages show personal data."""


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/manifest.webmanifest")
def manifest(request: Request, _: CurrentUser, site: SiteDep) -> Response:
    """The web app manifest (W3C), in the visitor's language and below the path prefix."""
    root, tr = prefix_of(request), site.translator(request)
    icons = [
        {
            "src": root + asset(name),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for name, size, purpose in (*ICONS, MASKABLE)
    ]
    values: dict[str, Any] = {
        "id": f"{root}/",
        "name": "sentistream",
        "short_name": "sentistream",
        "description": tr.gettext("How people come across, by camera."),
        "lang": tr.language,
        "start_url": f"{root}/",
        "scope": f"{root}/",
        "display": "standalone",
        "background_color": "#f3f4f1",
        "theme_color": "#24466b",
        "icons": icons,
    }
    return Response(
        json.dumps(values),
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )


@router.get("/service-worker.js")
def service_worker(request: Request, _: CurrentUser) -> Response:
    """The service worker; it changes with the page's files."""
    root = prefix_of(request)
    text = (
        environment()
        .get_template("service_worker.js.j2")
        .render(
            cache=f"sentistream-{assets().rpartition('/')[2]}",
            kept=[f"{root}/offline", *(root + asset(name) for name in OFFLINE_FILES)],
            offline=f"{root}/offline",
            assets=f"{root}/assets/",
        )
    )
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return Response(text, media_type="text/javascript", headers=headers)


@router.get("/offline")
def offline(request: Request, _: CurrentUser, site: SiteDep) -> HTMLResponse:
    """The page shown while the monitor cannot be reached; contains no data."""
    headers = {"Content-Security-Policy": POLICY}
    return render_plain(request, "offline", tr=site.translator(request), headers=headers)

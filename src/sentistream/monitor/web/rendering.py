"""Renders templates to pages."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sentistream import __version__
from sentistream.monitor.accounts import User
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.api.security.security_headers import FORM_POLICY
from sentistream.monitor.translation import Translator, languages
from sentistream.monitor.web import labels
from sentistream.monitor.web.definitions import TERMS, why_withheld
from sentistream.types import SENTIMENTS

THEME_COOKIE = "sentistream-theme"
THEMES = ("light", "dark")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy: only files from this server, no inline scripts or styles."""

PAGES = (
    ("overview", "/"),
    ("live", "/live"),
    ("history", "/history"),
    ("alerts", "/alerts"),
    ("shops", "/shops"),
    ("try", "/try"),
    ("privacy", "/privacy"),
    ("settings", "/settings"),
)
"""In the order of the navigation."""


@functools.cache
def environment() -> Environment:
    """The template environment, with its globals and filters."""
    made = Environment(
        loader=PackageLoader("sentistream.monitor.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["markup"] = Markup
    made.globals |= {
        "asset": asset,
        "labels": labels,
        "sentiments": SENTIMENTS,
        "terms": TERMS,
        "why_withheld": why_withheld,
        "version": __version__,
    }
    return made


@functools.cache
def assets() -> str:
    """The path of the static files; it changes with their content, so they are cached forever."""
    digest = hashlib.sha256()
    folder = resources.files("sentistream.monitor.web") / "static"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        digest.update(file.name.encode() + file.read_bytes())
    return f"/assets/{digest.hexdigest()[:12]}"


def asset(name: str) -> str:
    """The path of a file of the page."""
    return f"{assets()}/{name}"


def fragment(template: str, name: str, tr: Translator, **values: Any) -> str:
    """Renders a template's macro, to update open pages."""
    module = environment().get_template(template).make_module(_language(tr))
    return str(getattr(module, name)(**values))


def render(
    request: Request,
    name: str,
    *,
    user: User,
    tr: Translator,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """A complete page.

    Args:
        request: The request; its path marks the place in the navigation.
        name: The template's name without its suffix.
        user: The visitor.
        tr: The translator.
        status: HTTP status.
        values: Additional values for the template.
    """
    theme = request.cookies.get(THEME_COOKIE, "")
    text = (
        environment()
        .get_template(f"{name}.html.j2")
        .render(
            **_language(tr),
            user=user,
            pages=PAGES,
            languages=languages(),
            path=request.url.path,
            here=_here(request),
            root=prefix_of(request),
            theme=theme if theme in THEMES else "",
            csrf=str(getattr(request.state, "csrf_token", "")),
            **values,
        )
    )
    # pages are a snapshot and must not be cached
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse(text, status, headers=headers)


def render_plain(
    request: Request,
    name: str,
    /,
    *,
    tr: Translator,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page without script and navigation, for people who have not logged in.

    Args:
        request: The request.
            name: The template's name without its suffix.
            tr: The translator.
            status: HTTP status.
            headers: Additional headers.
            values: Additional values for the template.
    """
    template = environment().get_template(f"{name}.html.j2")
    text = template.render(**_language(tr), root=prefix_of(request), **values)
    more = {"Content-Security-Policy": FORM_POLICY} | dict(headers or {})
    return HTMLResponse(text, status, headers=more)


def _here(request: Request) -> str:
    """The visitor's current address, to return to after a choice."""
    query = request.url.query if request.method == "GET" else ""
    return request.url.path + (f"?{query}" if query else "")


def _language(tr: Translator) -> dict[str, Any]:
    """The formatting functions for templates."""
    return {"_": tr.gettext, "ngettext": tr.ngettext, "tr": tr}

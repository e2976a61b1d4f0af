"""Templates filled into pages."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream import __version__
from sentistream.monitor.accounts import User
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.page.words import LANGUAGES, Words
from sentistream.types import SENTIMENTS

THEME_COOKIE = "sentistream-theme"
THEMES = ("light", "dark")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load and run: files of this server, nothing else, nothing written into it."""

PAGES = (
    ("live", "/"),
    ("history", "/history"),
    ("alerts", "/alerts"),
    ("try", "/try"),
    ("privacy", "/privacy"),
    ("settings", "/settings"),
)
"""In the order of the navigation."""


@functools.cache
def environment() -> Environment:
    """Where templates are found, and what each may use."""
    made = Environment(
        loader=PackageLoader("sentistream.monitor.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": asset, "sentiments": SENTIMENTS, "version": __version__}
    return made


@functools.cache
def assets() -> str:
    """Where the page's files are; it changes with their content, so they are cached for good."""
    digest = hashlib.sha256()
    folder = resources.files("sentistream.monitor.page") / "static"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        digest.update(file.name.encode() + file.read_bytes())
    return f"/assets/{digest.hexdigest()[:12]}"


def asset(name: str) -> str:
    """The path of a file of the page."""
    return f"{assets()}/{name}"


def fragment(template: str, name: str, say: Words, **values: Any) -> str:
    """What a macro of a template makes, for pages that are already open."""
    module = environment().get_template(template).make_module({"t": say})
    return str(getattr(module, name)(say, **values))


def render(
    request: Request,
    name: str,
    *,
    user: User,
    say: Words,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """A page, whole.

    Args:
        request: What was asked; its path marks the place in the navigation.
        name: The template without its ending.
        user: Who looks.
        say: The words to say it with.
        status: HTTP status.
        values: What the template needs beside that.
    """
    theme = request.cookies.get(THEME_COOKIE, "")
    text = (
        environment()
        .get_template(f"{name}.html.j2")
        .render(
            t=say,
            user=user,
            pages=PAGES,
            languages=LANGUAGES,
            path=request.url.path,
            root=prefix_of(request),
            theme=theme if theme in THEMES else "",
            csrf=str(getattr(request.state, "csrf_token", "")),
            **values,
        )
    )
    # pages hold what was true a moment ago; nobody may keep them
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse(text, status, headers=headers)

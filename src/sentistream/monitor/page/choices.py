"""What a visitor chooses for themselves alone."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.api.words import COOKIE
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Visitor
from sentistream.monitor.page.words import LANGUAGES

YEAR = 365 * 24 * 3600


def choice_routes(page: PageState) -> APIRouter:
    """The routes of such choices."""
    routes = APIRouter(prefix="/choose")

    @routes.get("/language")
    def language(
        request: Request,
        _: Visitor,
        to: str = "",
        next: str = "/",  # noqa: A002
    ) -> RedirectResponse:
        answer = RedirectResponse(next if _is_own(next) else "/", 303)
        if to in LANGUAGES:
            answer.set_cookie(
                COOKIE,
                to,
                max_age=YEAR,
                path=f"{prefix_of(request)}/",
                samesite="lax",
                secure=request.url.scheme == "https",
            )
        return answer

    return routes


def _is_own(address: str) -> bool:
    """Whether it is a plain path of this server; others could lead elsewhere."""
    return re.fullmatch(r"/([A-Za-z0-9-]+(/[A-Za-z0-9-]+)*)?", address) is not None

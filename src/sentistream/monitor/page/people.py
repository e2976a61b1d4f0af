"""Who may come in: users and tokens for managers, one's own password for everybody.

The pages hold forms alone; the interface for programs does the work, with its own checks.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sentistream.monitor.accounts import Role
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Manager, Visitor


def people_routes(page: PageState, sections: Mapping[str, object]) -> APIRouter:
    """The routes of these pages."""
    routes = APIRouter()

    @routes.get("/settings/people")
    def people(request: Request, user: Manager) -> HTMLResponse:
        return page.render(request, "settings_people", user=user, sections=sections, roles=[*Role])

    @routes.get("/account")
    def account(request: Request, user: Visitor) -> HTMLResponse:
        return page.render(request, "account", user=user)

    return routes

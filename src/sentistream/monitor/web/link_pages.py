"""The settings page by which a site joins a headquarters, and leaves it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager
from sentistream.monitor.site_link.joining import join, leave
from sentistream.monitor.site_link.site_link import CLOCK_TOLERANCE, LinkStatus
from sentistream.monitor.web.form_data import Form, first, read_form
from sentistream.monitor.web.settings_pages import SECTIONS
from sentistream.monitor.web.site import Site, SiteDep

FormDep = Annotated[Form, Depends(read_form)]


router: APIRouter = APIRouter(include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    *,
    problem: str = "",
    outcome: str = "",
    status: int = 200,
) -> HTMLResponse:
    link = site.services.site_link
    now = LinkStatus(link=None) if link is None else link.status
    return site.render(
        request,
        "settings_link",
        user=user,
        status=status,
        sections=SECTIONS,
        link=now,
        joined=now.link is not None and now.link.joined is not None,
        clock_is_wrong=abs(now.offset or 0.0) > CLOCK_TOLERANCE,
        now=site.clock(),
        smallest=site.services.configuration.settings.privacy.smallest_group,
        problem=problem,
        outcome=outcome,
    )


@router.get("/settings/headquarters")
def page(request: Request, user: CurrentManager, site: SiteDep, outcome: str = "") -> HTMLResponse:
    return _show(
        site, request, user, outcome=outcome if outcome in ("joined", "left", "untold") else ""
    )


@router.post("/settings/headquarters/join")
def join_headquarters(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep
) -> Response:
    link = site.services.site_link
    if link is None:
        return Response(status_code=404)
    try:
        join(link.state, first(form, "code"))
    except SentistreamError as error:
        tr = site.translator(request)
        problem = f"{tr.translate(error.problem)} {tr.translate(error.way_out)}".strip()
        return _show(site, request, user, problem=problem, status=422)
    return RedirectResponse("/settings/headquarters?outcome=joined", 303)


@router.post("/settings/headquarters/leave")
def leave_headquarters(request: Request, user: CurrentManager, site: SiteDep) -> Response:
    link = site.services.site_link
    if link is None:
        return Response(status_code=404)
    try:
        outcome = "left" if leave(link.state) else "untold"
    except SentistreamError as error:
        problem = site.translator(request).translate(error.problem)
        return _show(site, request, user, problem=problem, status=422)
    return RedirectResponse(f"/settings/headquarters?outcome={outcome}", 303)


@router.post("/settings/headquarters/new-key")
def new_key(request: Request, user: CurrentManager, site: SiteDep) -> Response:
    link = site.services.site_link
    if link is None:
        return Response(status_code=404)
    link.renew_key()
    return RedirectResponse("/settings/headquarters", 303)

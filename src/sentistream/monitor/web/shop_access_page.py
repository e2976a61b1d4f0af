"""Which viewer may see which shop, and the address of their digest."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager
from sentistream.monitor.web.form_data import Form, first, read_form
from sentistream.monitor.web.site import Site, SiteDep, headquarters_only

FormDep = Annotated[Form, Depends(read_form)]


router: APIRouter = APIRouter(include_in_schema=False, dependencies=[Depends(headquarters_only)])


def _show(
    site: Site,
    request: Request,
    user: User,
    *,
    saved: str = "",
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    accounts = request.app.state.accounts.users()
    given = site.headquarters.registry.access()
    addresses = {each.name: each.address for each in site.headquarters.registry.digest_addresses()}
    return site.render(
        request,
        "shop_access",
        user=user,
        status=status,
        viewers=[
            (
                each.name,
                ", ".join(sorted(given.get(each.name, ()))),
                addresses.get(each.name, ""),
            )
            for each in accounts
            if each.role == "viewer"
        ],
        shops=site.headquarters.registry.sites(user),
        saved=saved,
        problem=problem,
    )


@router.get("/shops/access")
def access(request: Request, user: CurrentManager, site: SiteDep, saved: str = "") -> HTMLResponse:
    return _show(site, request, user, saved=saved[:63])


@router.post("/shops/access")
def give(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    name, keys = first(form, "user"), first(form, "shops").replace(",", " ").split()
    try:
        site.headquarters.registry.give_access(name, keys)
        site.headquarters.registry.set_digest_address(name, first(form, "address").strip())
    except SentistreamError as error:
        problem = site.translator(request).translate(error.problem)
        return _show(site, request, user, problem=problem, status=422)
    return RedirectResponse(f"/shops/access?{urlencode({'saved': name})}", 303)

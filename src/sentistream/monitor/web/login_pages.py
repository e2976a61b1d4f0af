"""The pages around the login; they need no script."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Accounts, UnfitPasswordError
from sentistream.monitor.accounts.passwords import MAX_LENGTH, MIN_LENGTH, NAME, check_name
from sentistream.monitor.api.auth import AccountsDep, Person, ServicesDep
from sentistream.monitor.api.login_throttle import LoginThrottle, TooManyAttemptsError
from sentistream.monitor.api.security.session_cookie import clear_session_cookie, set_session_cookie
from sentistream.monitor.services import Services
from sentistream.monitor.translation import N_
from sentistream.monitor.web.form_data import read_form
from sentistream.monitor.web.site import SiteDep

_STYLES = Path(__file__).parent / "static"

_hashing = CapacityLimiter(2)
"""Each password that is tried takes 64 MiB and a core for a moment."""


_PASSWORD_RULES: dict[str, Any] = {
    "shortest": MIN_LENGTH,
    "longest": MAX_LENGTH,
    "pattern": NAME.strip("^$"),
}

_LOGIN_FAULTS = {
    401: N_("User name or password is wrong."),
    503: N_("The database is not responding. Please try again in a moment."),
}
"""By HTTP status."""


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/static-login/{name}.css")
def style(name: Literal["login", "docs"]) -> FileResponse:
    """The pages' styles."""
    headers = {"cache-control": "max-age=3600"}
    return FileResponse(_STYLES / f"{name}.css", media_type="text/css", headers=headers)


@router.get("/login")
def login_page(request: Request, site: SiteDep, services: ServicesDep) -> HTMLResponse:
    """The form."""
    target = request.query_params.get("next", "")
    return site.render_plain(
        request, "login", next=_local(target), name="", fault="", longest=MAX_LENGTH
    )


@router.post("/login")
async def login(
    request: Request, site: SiteDep, services: ServicesDep, accounts: AccountsDep
) -> Response:
    """Name and password for a session; the same answer whichever of them is wrong."""
    form = await _fields(request)
    name, password, target = (
        form.get("name", ""),
        form.get("password", ""),
        form.get("next", ""),
    )
    session, status, wait = await _try(request, services, accounts, name, password)
    if session is None:
        tr = site.translator(request)
        fault = (
            tr.ngettext(
                "Too many attempts. Please wait 1 second.",
                "Too many attempts. Please wait {n} seconds.",
                wait,
            )
            if status == 429
            else tr.gettext(_LOGIN_FAULTS[status])
        )
        page = {"next": _local(target), "name": name[:64]}
        headers = {"retry-after": str(wait)} if wait else {}
        return site.render_plain(
            request, "login", status, fault=fault, headers=headers, longest=MAX_LENGTH, **page
        )
    return _welcome(services, session, _local(target))


@router.get("/setup/{secret}")
def setup_page(
    secret: str, request: Request, site: SiteDep, services: ServicesDep, accounts: AccountsDep
) -> HTMLResponse:
    """The form for the first manager."""
    if not accounts.is_setup_open(secret):
        return site.render_plain(request, "link_expired", 404)
    return site.render_plain(request, "setup", name="", fault="", **_PASSWORD_RULES)


@router.post("/setup/{secret}")
async def setup(
    secret: str, request: Request, site: SiteDep, services: ServicesDep, accounts: AccountsDep
) -> Response:
    """Creates the first manager and logs in."""
    form = await _fields(request)
    name, password = form.get("name", "").strip(), form.get("password", "")
    fault = ""
    if password != form.get("again", ""):
        fault = N_("The two passwords differ.")
    else:
        try:
            check_name(name)
        except UnfitPasswordError:
            fault = N_(
                "This user name is not valid: only letters a to z, digits and . _ @ - are allowed."
            )
    if not fault:
        try:
            used = await to_thread.run_sync(
                accounts.use_setup, secret, name, password, limiter=_hashing
            )
            if not used:
                return site.render_plain(request, "link_expired", 404)
        except UnfitPasswordError:
            fault = N_("This password is too short or too easy to guess.")
    if fault:
        fault = site.translator(request).gettext(fault)
        return site.render_plain(
            request, "setup", 400, name=name[:64], fault=fault, **_PASSWORD_RULES
        )
    settings = services.configuration.settings
    hours = settings.server.session_hours
    session = await to_thread.run_sync(accounts.login, name, password, hours, limiter=_hashing)
    return (
        RedirectResponse("/login", 303)
        if session is None
        else _welcome(services, session, "/" if settings.cameras else "/start")
    )


@router.get("/logout")
def logout_page(
    request: Request, services: ServicesDep, identity: Person, site: SiteDep
) -> HTMLResponse:
    """A button, because a mere link must not log anybody out."""
    token = request.state.csrf_token
    return site.render_plain(request, "logout", user=identity.user.name, csrf_token=token)


@router.post("/logout")
def logout(services: ServicesDep, accounts: AccountsDep, identity: Person) -> Response:
    """Ends the session."""
    accounts.logout(identity.digest)
    response = RedirectResponse("/login", 303)
    clear_session_cookie(response, services.configuration.settings.server)
    return response


async def _try(
    request: Request, services: Services, accounts: Accounts, name: str, password: str
) -> tuple[str | None, int, int]:
    """The session; else the HTTP status and the seconds to wait."""
    attempts: LoginThrottle = request.app.state.attempts
    hours = services.configuration.settings.server.session_hours
    try:
        with attempts.one(request.scope, name) as attempt:
            session = await to_thread.run_sync(
                accounts.login, name, password, hours, limiter=_hashing
            )
            attempt.right = session is not None
    except TooManyAttemptsError as error:
        return None, 429, math.ceil(error.seconds)
    except StorageError:
        return None, 503, 0
    return session, 401, 0


def _welcome(services: Services, session: str, target: str) -> Response:
    response = RedirectResponse(target, 303)
    set_session_cookie(response, session, services.configuration.settings.server)
    return response


def _local(target: str) -> str:
    """A local path to continue to; the start page for anything else."""
    parts = urlsplit(target if target.isprintable() else "")
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or "\\" in target:
        return "/"
    return "/" if target.startswith("//") else target


async def _fields(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in (await read_form(request)).items()}

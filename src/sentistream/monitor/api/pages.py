"""The pages around the login; they need no script."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Accounts, UnfitPasswordError
from sentistream.monitor.accounts.passwords import MAX_LENGTH, MIN_LENGTH, NAME, check_name
from sentistream.monitor.api.access import AccountsHere, Person, ServicesHere
from sentistream.monitor.api.attempts import Attempts, TooManyAttemptsError
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.api.security.cookies import give_session, take_session
from sentistream.monitor.api.security.forgery import MOST_FIELDS
from sentistream.monitor.api.security.headers import FORM_POLICY
from sentistream.monitor.api.words import WORDS, language_of
from sentistream.monitor.services import Services

router = APIRouter(include_in_schema=False)

_STYLES = Path(__file__).parent / "static"

_hashing = CapacityLimiter(2)
"""Each password that is tried takes 64 MiB and a core for a moment."""


@router.get("/static-login/{name}.css")
def style(name: Literal["login", "docs"]) -> FileResponse:
    """The pages' styles."""
    headers = {"cache-control": "max-age=3600"}
    return FileResponse(_STYLES / f"{name}.css", media_type="text/css", headers=headers)


@router.get("/login")
def login_page(request: Request, services: ServicesHere) -> HTMLResponse:
    """The form."""
    target = request.query_params.get("next", "")
    return _page(request, services, "login", next=_local(target), name="", fault="")


@router.post("/login")
async def login(request: Request, services: ServicesHere, accounts: AccountsHere) -> Response:
    """Name and password for a session; the same answer whatever of them is wrong."""
    form = await _form(request)
    name, password, target = form.get("name", ""), form.get("password", ""), form.get("next", "")
    session, status, fault, wait = await _try(request, services, accounts, name, password)
    if session is None:
        page = {"next": _local(target), "name": name[:64]}
        headers = {"retry-after": str(wait)} if wait else {}
        return _page(
            request, services, "login", status, fault=fault, seconds=wait, headers=headers, **page
        )
    return _welcome(services, session, _local(target))


@router.get("/setup/{secret}")
def setup_page(
    secret: str, request: Request, services: ServicesHere, accounts: AccountsHere
) -> HTMLResponse:
    """The form for the first manager."""
    if not accounts.is_setup_open(secret):
        return _page(request, services, "gone", 404)
    return _page(request, services, "setup", name="", fault="")


@router.post("/setup/{secret}")
async def setup(
    secret: str, request: Request, services: ServicesHere, accounts: AccountsHere
) -> Response:
    """Makes the first manager and logs in."""
    form = await _form(request)
    name, password = form.get("name", "").strip(), form.get("password", "")
    fault = ""
    if password != form.get("again", ""):
        fault = "differ"
    else:
        try:
            check_name(name)
            fault = "unfit_password"
            used = await to_thread.run_sync(
                accounts.use_setup, secret, name, password, limiter=_hashing
            )
            fault = "" if used else "gone"
        except UnfitPasswordError:
            fault = fault or "unfit_name"
    if fault == "gone":
        return _page(request, services, "gone", 404)
    if fault:
        return _page(request, services, "setup", 400, name=name[:64], fault=fault)
    hours = services.configuration.settings.server.session_hours
    session = await to_thread.run_sync(accounts.login, name, password, hours, limiter=_hashing)
    return RedirectResponse("/login", 303) if session is None else _welcome(services, session, "/")


@router.get("/logout")
def logout_page(request: Request, services: ServicesHere, identity: Person) -> HTMLResponse:
    """A button, since a link alone must not log anybody out."""
    token = request.state.csrf_token
    return _page(request, services, "logout", user=identity.user.name, csrf_token=token)


@router.post("/logout")
def logout(services: ServicesHere, accounts: AccountsHere, identity: Person) -> Response:
    """Ends the session."""
    accounts.logout(identity.digest)
    response = RedirectResponse("/login", 303)
    take_session(response, services.configuration.settings.server)
    return response


def trouble_page(request: Request, services: Services, status: int) -> Response | None:
    """What somebody in front of a browser sees where a page is not there, or fails.

    None for programs.
    """
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or request.url.path.startswith("/api/") or status not in (404, 503):
        return None
    policy = {"content-security-policy": FORM_POLICY}
    trouble = "missing" if status == 404 else "failed"
    return _page(request, services, "trouble", status, trouble=trouble, headers=policy)


async def _try(
    request: Request, services: Services, accounts: Accounts, name: str, password: str
) -> tuple[str | None, int, str, int]:
    """The session; else status, fault and seconds to wait."""
    attempts: Attempts = request.app.state.attempts
    hours = services.configuration.settings.server.session_hours
    try:
        with attempts.one(request.scope, name) as attempt:
            session = await to_thread.run_sync(
                accounts.login, name, password, hours, limiter=_hashing
            )
            attempt.right = session is not None
    except TooManyAttemptsError as error:
        return None, 429, "wait", math.ceil(error.seconds)
    except StorageError:
        return None, 503, "down", 0
    return session, 401, "wrong", 0


def _welcome(services: Services, session: str, target: str) -> Response:
    response = RedirectResponse(target, 303)
    give_session(response, session, services.configuration.settings.server)
    return response


def _local(target: str) -> str:
    """A path of our own to go on to; the start page for anything else."""
    parts = urlsplit(target if target.isprintable() else "")
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or "\\" in target:
        return "/"
    return "/" if target.startswith("//") else target


async def _form(request: Request) -> dict[str, str]:
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("sentistream.monitor.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(
    request: Request,
    services: Services,
    template: str,
    status: int = 200,
    *,
    seconds: int = 0,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    language = language_of(request, services.configuration.settings.language)
    words = {
        key: text.replace("{seconds}", str(seconds)).replace("{shortest}", str(MIN_LENGTH))
        for key, text in WORDS[language].items()
    }
    text = (
        _templates()
        .get_template(f"{template}.html.j2")
        .render(
            root=prefix_of(request),
            language=language,
            words=words,
            shortest=MIN_LENGTH,
            longest=MAX_LENGTH,
            pattern=NAME.strip("^$"),
            **({"user": ""} | values),
        )
    )
    return HTMLResponse(text, status, headers)
